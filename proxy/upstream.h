/* Upstreams as one worker sees them: where they are (names are resolved here, by evdns, never by
 * libcurl), and how many calls may be under way at once. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

#include "budget/allowance.h"
#include "budget/checked.h"
#include "budget/lately.h"
#include "budget/span.h"
#include "conf/conf.h"
#include "proxy/handles.h"
#include "proxy/metrics.h"

struct curl_loop;
struct drains;
struct event_base;
struct upstream;  /* one; defined in upstream.c */
struct upstreams; /* all of the configuration; defined in upstream.c */

enum admission {
    ADMISSION_GRANTED, /* a place and an address: go. To be given back with upstream_leave */
    ADMISSION_WAITING, /* on_turn will come, unless upstream_forget comes first */
    ADMISSION_NO_NAME, /* the name does not resolve, and never did */
    ADMISSION_FULL,    /* as many wait already as may */
};

/* A call that waits for its turn. Embedded in the call. */
struct waiter {
    void (*on_turn)(struct waiter *waiter, enum admission admission, struct instant now);
    bool is_waiting;
    bool is_late;         /* and has been found to be: it gets no place any more */
    struct instant since; /* when it began to wait */
    struct span waited;   /* in all, however often it had to */
    struct instant due;   /* from then on a place is of no use to it */
    TAILQ_ENTRY(waiter) queued;
};

struct upstreams_options {
    const struct conf_upstream *confs;
    size_t count;
    const char *resolver;             /* as for names_open */
    struct upstream_metrics *metrics; /* as many as confs */
    struct event_base *base;
    struct curl_loop *loop;
};

/* Everything is borrowed. NULL: the resolver cannot be used. */
CHECKED struct upstreams *upstreams_create(const struct upstreams_options *options);

/* No call may be under way. NULL is fine. */
void upstreams_destroy(struct upstreams *upstreams);

/* index as in confs. Borrowed. */
struct upstream *upstream_at(struct upstreams *upstreams, size_t index);

/* A place for one call. Never calls on_turn before it returns. */
enum admission upstream_enter(struct upstream *upstream, struct waiter *waiter);

/* Is there a place that nobody waits for? Then it can be taken, without waiting. */
bool upstream_has_place(const struct upstream *upstream);
void upstream_take_place(struct upstream *upstream);

/* A call that was granted a place is over. May call the next one's on_turn. */
void upstream_leave(struct upstream *upstream, struct instant now);

/* waiter does not wait any more. Fine if it did not. */
void upstream_forget(struct upstream *upstream, struct waiter *waiter, struct instant now);

/* Has an address, so that waiting is for a place, not for the name? */
bool upstream_is_named(const struct upstream *upstream);

/* The address to connect to: literal, without brackets; NULL for a unix socket. Borrowed until the
 * event loop turns. generation differs whenever the address does. */
const char *upstream_address(const struct upstream *upstream, unsigned *ret_generation);

/* The address of that generation could not be connected to: another is used from now on, if there
 * is one. */
void upstream_avoid(struct upstream *upstream, unsigned generation);

/* How many addresses there are to try. */
size_t upstream_addresses(const struct upstream *upstream);

struct handles *upstream_handles(struct upstream *upstream);
struct drains *upstream_drains(struct upstream *upstream);     /* late answers being read */
struct allowance *upstream_retries(struct upstream *upstream); /* of calls that are tried again */
struct allowance *upstream_hedges(struct upstream *upstream);  /* of calls that are hedged */
struct lately *upstream_lately(struct upstream *upstream);     /* how long its answers have taken */
const struct conf_upstream *upstream_conf(const struct upstream *upstream);
struct upstream_metrics *upstream_metrics_of(struct upstream *upstream);
