/* Counters: each worker has its own and writes them without locks; the admin page adds them up. */
#pragma once

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "budget/ledger.h"
#include "budget/plan.h"
#include "budget/retry.h"
#include "conf/conf.h"
#include "proxy/log.h"

typedef _Atomic uint64_t counter; /* one writer, any readers */

static inline void counter_add(counter *which, uint64_t by)
{
    uint64_t value = atomic_load_explicit(which, memory_order_relaxed);
    atomic_store_explicit(which, value + by, memory_order_relaxed);
}

static inline void counter_sub(counter *which, uint64_t by)
{
    uint64_t value = atomic_load_explicit(which, memory_order_relaxed);
    atomic_store_explicit(which, value - by, memory_order_relaxed);
}

/* How a request ended, for counting. */
enum ending {
    ENDING_OK,           /* 1xx to 4xx as the upstream answered */
    ENDING_UPSTREAM_5XX, /* 5xx as the upstream answered */
    ENDING_TIMEOUT,      /* 504 of ours */
    ENDING_FAILED,       /* 502 of ours */
    ENDING_OVERLOAD,     /* 503 of ours: a queue was full, or memory short */
    ENDING_REFUSED,      /* 4xx of ours: no route, not allowed, malformed budget */
    ENDING_CLIENT_GONE,  /* 499 */
    ENDING_CUT,          /* broken off after its head was sent */
    ENDINGS
};

const char *ending_name(enum ending ending);

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

enum {
    REASONS = REASON_OVERLOAD + 1,
    OUTCOMES = CALL_STATUS + 1,
    RETRY_VERDICTS = RETRY_NO_ALLOWANCE + 1,
    RESPONSE_CLASSES = 5
};

struct route_metrics {
    counter requests[ENDINGS];
    counter timeouts[REASONS]; /* 504s */
    counter observed;          /* requests that were not held to their budget */
    counter would_time_out[REASONS];
};

struct call_metrics {
    counter would_cut; /* of observed requests: those in which it took more than its grant */
    counter would_skip;
};

/* So many times, and what they add up to. */
struct time_metric {
    counter sum_us;
    counter count;
};

struct upstream_metrics {
    counter calls[OUTCOMES];             /* calls that have ended */
    counter responses[RESPONSE_CLASSES]; /* by the first digit of their status, less 1 */
    counter in_flight;
    counter queued;
    counter retries;                         /* attempts beside the first */
    counter retries_refused[RETRY_VERDICTS]; /* failures that were not tried again, by why */
    counter hedges;                          /* attempts that raced a slow one */
    counter hedges_won;                      /* and were the ones to be used */
    counter hedges_refused;                  /* for want of a share, a place, or time */
    struct time_metric late;                 /* of answers read after the end of their grant */
    counter drains_given_up;                 /* answers that were not read to their end */
};

/* One worker's. */
struct metrics {
    counter begun;     /* requests whose head was read: those that have ended, and in_flight */
    counter in_flight; /* requests begun and not ended */
    counter connections;
    counter connections_accepted;
    counter connections_shed; /* answered 503 for max-connections or max-memory */
    counter accept_errors;
    counter bad_requests; /* answered by the codec: 400, 408, 414, 417, 431, 501, 505 */
    counter malformed_budgets;
    counter untrusted_budgets;
    counter limits[LIMIT_KINDS];
    struct route_metrics *routes;       /* owned; conf->routes_count and one more: no route */
    struct call_metrics **calls;        /* owned, and what it points to: [route][call] */
    struct upstream_metrics *upstreams; /* owned; conf->upstreams_count */
    size_t routes_count;
};

void metrics_init(struct metrics *metrics, const struct conf *conf);
void metrics_finish(struct metrics *metrics);

/* What is counted for the process as a whole. */
struct metrics_whole {
    struct log_counts log;
    uint64_t memory_bytes;
    uint64_t memory_max_bytes;
};

/* Writes the sum of all workers' in the Prometheus text format 0.0.4. */
void metrics_print(FILE *out, const struct conf *conf, const struct metrics *const *workers,
                   size_t workers_count, const struct metrics_whole *whole);
