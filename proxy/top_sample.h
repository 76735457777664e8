/* What the admin listener says at one moment, for `hourglass top`: /routes and /requests read into
 * structures. What is not there is 0, "" or an empty list: another version may say less, or more. */
#pragma once

#include <stddef.h>

#include "budget/checked.h"
#include "budget/plan.h"
#include "conf/store.h"
#include "conf/text.h"
#include "proxy/metrics.h"
#include "proxy/top_histogram.h"

/* Texts hold nothing but visible ASCII and blanks, whatever the answer held: they go to a terminal. */
struct top_call {
    const char *name;
    double outcomes[OUTCOMES];
    struct top_histogram granted;
    struct top_histogram used;
    struct top_histogram late; /* after its grant, as far as late answers are read to their end */
};

struct top_route {
    const char *name;
    double in_flight;
    double requests[ENDINGS];
    double timeouts[REASONS];
    double timeouts_whose[WHOSES];
    double would_time_out[REASONS]; /* requests that were only observed */
    struct top_histogram elapsed;
    struct top_histogram budget;
    struct top_histogram used_ratio;
    struct top_call *calls;
    size_t calls_count;
};

struct top_upstream {
    const char *name;
    double in_flight;
    double queued;
    double connections; /* at most */
    double retries;
    double hedges;
};

struct top_sample {
    struct store store; /* owned: all that follows */
    const char *version;
    double time_ms; /* since 1970 */
    double uptime_ms;
    double workers;
    double in_flight;
    double connections;
    double max_connections;
    double memory_bytes;
    double memory_max_bytes;
    double log_lines_dropped;
    struct top_histogram loop_lag;          /* how late the proxy itself was: its loops, */
    struct top_histogram deadline_lateness; /* and the end of calls whose grant was over */
    struct top_route *routes;
    size_t routes_count;
    double unrouted[ENDINGS]; /* requests that no route took */
    struct top_upstream *upstreams;
    size_t upstreams_count;
};

struct top_request {
    const char *time; /* "2026-11-22T14:11:50.123Z" */
    const char *id;
    const char *route;
    const char *method;
    const char *path;
    const char *outcome;
    const char *termination;
    const char *reason;
    const char *whose;
    const char *call;
    double status;
    double elapsed_ms;
    double budget_ms;
};

struct top_requests {
    struct store store; /* owned: all that follows */
    struct top_request *list;
    size_t count;
};

/* Read the answer to /routes, and to /requests. False: it is none; there is nothing to free then.
 * Owned by the caller, until ..._finish, which may be called for a zeroed one. */
CHECKED bool top_sample_read(struct top_sample *sample, struct text answer);
void top_sample_finish(struct top_sample *sample);
CHECKED bool top_requests_read(struct top_requests *requests, struct text answer);
void top_requests_finish(struct top_requests *requests);
