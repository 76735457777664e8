/* What is counted: each worker has counters of its own and writes them without locks; the admin
 * pages add them up. */
#pragma once

#include <stddef.h>

#include "budget/ledger.h"
#include "budget/plan.h"
#include "budget/retry.h"
#include "budget/whose.h"
#include "conf/conf.h"
#include "proxy/counter.h"
#include "proxy/ending.h"
#include "proxy/histogram.h"

struct record;

/* What a client has met, or was in the way of all clients. Those of an upstream are outcomes of its
 * calls. */
enum limit {
    LIMIT_CONNECTIONS,  /* max-connections */
    LIMIT_MEMORY,       /* max-memory */
    LIMIT_REQUEST_LINE, /* max-header */
    LIMIT_HEADER_SIZE,  /* max-header */
    LIMIT_HEADER_COUNT,
    LIMIT_REQUEST_BODY, /* of one that is read whole */
    LIMIT_KINDS
};

/* Why a span of a trace was not exported. */
enum trace_loss {
    TRACE_LOSS_FULL,    /* as many wait as may: the collector is slow, or memory short */
    TRACE_LOSS_FAILED,  /* the collector could not be reached, or did not answer, again and again */
    TRACE_LOSS_REFUSED, /* it does not want them */
    TRACE_LOSS_STOPPED, /* the proxy has stopped before */
    TRACE_LOSS_KINDS
};

enum {
    REASONS = REASON_OVERLOAD + 1,
    WHOSES = WHOSE_DRAIN + 1,
    OUTCOMES = CALL_STATUS + 1,
    RETRY_VERDICTS = RETRY_NO_ALLOWANCE + 1,
    RESPONSE_CLASSES = 5,
    METHOD_KINDS = 10, /* GET is the first; the last is all that have no place of their own */
    ABORT_STAGES = 10, /* where a client left: the second letter of termination.h */
};

const char *method_label(unsigned method);
const char *stage_label(unsigned stage);

struct route_metrics {
    counter requests[METHOD_KINDS][ENDINGS];
    counter in_flight;         /* requests begun and not ended */
    counter timeouts[REASONS]; /* 504s for which no call is to blame */
    counter whose[WHOSES];     /* 504s, by whose limit it was */
    counter observed;          /* requests that were not held to their budget */
    counter would_time_out[REASONS];
    struct histogram elapsed;    /* from the first byte of the request to its end */
    struct histogram used_ratio; /* of elapsed to the budget, where there was one */
    struct histogram local;      /* in which no call ran */
};

struct call_metrics {
    counter outcomes[OUTCOMES];
    counter timeouts[REASONS]; /* 504s for which it is to blame */
    counter attempts;
    counter would_cut; /* of observed requests: those in which it took more than its grant */
    counter would_skip;
    struct histogram granted; /* this and the next two: of calls that were begun */
    struct histogram used;
    struct histogram left; /* of the grant, at the end */
    struct histogram late; /* of answers read after the end of their grant: how long after it */
};

struct upstream_metrics {
    counter calls[OUTCOMES];             /* calls that have ended */
    counter responses[RESPONSE_CLASSES]; /* by the first digit of their status, less 1 */
    counter in_flight;
    counter queued;
    counter unheard; /* 1 until something is known of its name, if it has one */
    counter retries; /* attempts beside the first */
    counter retries_refused[RETRY_VERDICTS]; /* failures that were not tried again, by why */
    counter hedges;                          /* attempts that raced a slow one */
    counter hedges_won;                      /* and were the ones to be used */
    counter hedges_refused;                  /* for want of a share, a place, or time */
    counter drained;                         /* answers read after the end of their grant */
    counter drains_given_up;                 /* answers that were not read to their end */
    struct histogram late;                   /* of those that were */
};

/* One worker's. */
struct metrics {
    counter begun; /* requests whose head was read: those that have ended, and those in flight */
    counter connections;
    counter connections_accepted;
    counter connections_shed; /* answered 503 for max-connections or max-memory */
    counter accept_errors;
    counter bad_requests; /* answered by the codec: 400, 408, 414, 417, 431, 501, 505 */
    counter malformed_budgets;
    counter untrusted_budgets;
    counter limits[LIMIT_KINDS];
    counter aborts[ABORT_STAGES];       /* requests whose client left, by how far they were */
    struct histogram deadline_lateness; /* how long after the end of its grant a call was cut */
    struct histogram cancel_latency;    /* from the reason for it until the calls were cancelled */
    struct histogram loop_lag;          /* see lag.h */
    counter trace_spans_exported;
    counter trace_spans_dropped[TRACE_LOSS_KINDS];
    struct route_metrics *routes;       /* owned; conf->routes_count and one more: no route */
    struct histogram *budgets;          /* owned; of each route, as many as there are sources */
    struct call_metrics **calls;        /* owned, and what it points to: [route][call] */
    struct upstream_metrics *upstreams; /* owned; conf->upstreams_count */
    size_t routes_count;
};

void metrics_init(struct metrics *metrics, const struct conf *conf);
void metrics_finish(struct metrics *metrics);

/* Those of a route, or of none: NULL. */
struct route_metrics *metrics_of_route(const struct metrics *metrics, const struct conf *conf,
                                       const struct conf_route *route);

/* Where budgets come from: the headers of the configuration, in its order, and then the default. */
size_t metrics_sources(const struct conf *conf);

/* Counts a request that is over. Called by the worker that metrics are of. */
void metrics_note(struct metrics *metrics, const struct conf *conf, const struct record *record);
