/* Answers that come too late, read to their end in the background.
 *
 * When the end of a call's grant cuts an attempt, its client is answered at once, whatever happens
 * here. With HTTP/1.1 the connection would be lost with it, just when the upstream is slow and new
 * connections cost it most. An upstream that drains (`on-expiry = drain`) is let finish: what comes
 * is dropped, the connection is kept, and how late the answer was is counted.
 *
 * A drain never stands in the way of anybody: it ends when it has taken too long or brought too
 * much (`drain-time`, `drain-size`), when its connection is wanted for a call, so that `connections`
 * bounds what is open, and when the worker stops. It then closes its connection. */
#pragma once

#include <stddef.h>
#include <sys/queue.h>

#include "budget/span.h"
#include "conf/conf.h"
#include "proxy/metrics.h"

struct attempt;
struct drain; /* one answer; defined in drain.c */
struct event_base;

TAILQ_HEAD(drain_list, drain);

/* Those of one upstream, on one worker. */
struct drains {
    struct event_base *base;          /* borrowed */
    const struct conf_upstream *conf; /* borrowed */
    struct upstream_metrics *metrics; /* borrowed */
    struct drain_list all;            /* owned; the oldest first */
    size_t count;
};

void drains_init(struct drains *drains, struct event_base *base, const struct conf_upstream *conf,
                 struct upstream_metrics *metrics);

/* Gives up those that are left. */
void drains_finish(struct drains *drains);

/* The end of its grant, due, has come for attempt: takes its transfer over, if the upstream drains,
 * the request was sent whole, and no more is announced than may be read. Of attempt the response's
 * head stays; nothing that attempt has borrowed but its pool, its loop and its handles is used any
 * more. Otherwise attempt is left as it is, to be cancelled. late (borrowed, as long as drains; may
 * be NULL) is where its call counts how late its answer is, if that is no error of the upstream's own
 * (5xx). Not to be called from within libcurl's callbacks, nor is drains_yield. */
void drains_take(struct drains *drains, struct attempt *attempt, struct instant due,
                 struct histogram *late);

/* Gives up the oldest of them until there are at most so many. */
void drains_yield(struct drains *drains, size_t most);
