/* The counters of all workers, added up, for those who show them. Reading stops nobody. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "conf/conf.h"
#include "proxy/log.h"
#include "proxy/metrics.h"

/* What is known of the process as a whole. */
struct metrics_whole {
    struct log_counts log;
    uint64_t memory_bytes;
    uint64_t memory_max_bytes;
    unsigned max_connections;
    uint64_t admin_pages_cut_off;
    int64_t time_ms; /* since 1970 */
    struct span uptime;
};

/* Everything is borrowed. */
struct metrics_view {
    const struct conf *conf;
    const struct metrics *const *workers;
    size_t workers_count;
    struct metrics_whole whole;
};

enum metrics_owner {
    OWNER_PROXY,
    OWNER_ROUTE,
    OWNER_METHOD, /* of a route: its struct route_metrics from requests[part] on */
    OWNER_SOURCE, /* of a route: one of its budgets */
    OWNER_CALL,   /* of a route */
    OWNER_UPSTREAM,
};

/* Whose counters, by their places in the configuration. */
struct metrics_place {
    enum metrics_owner owner;
    size_t index; /* of a route or an upstream */
    size_t part;  /* a method, source or call of the route */
    size_t field; /* where the first counter is, within the owner's struct */
};

/* Adds up count counters that lie one behind the other. */
void metrics_sum(const struct metrics_view *view, const struct metrics_place *place,
                 uint64_t *totals, size_t count);

/* The same for one. */
uint64_t metrics_sum_one(const struct metrics_view *view, const struct metrics_place *place);

/* A histogram as it is read: its count is what the buckets add up to. */
struct metrics_spread {
    uint64_t sum;
    uint64_t buckets[HISTOGRAM_BUCKETS];
    uint64_t count;
};

void metrics_spread(const struct metrics_view *view, const struct metrics_place *place,
                    struct metrics_spread *ret);

/* Requests that no route took stand in a place of their own, whose name no route can have. */
const char *metrics_route_name(const struct conf *conf, size_t route);

/* The name of a source of budgets: a header, or "default". */
const char *metrics_source_name(const struct conf *conf, size_t source);
