#include "proxy/metrics.h"

#include <stdlib.h>
#include <string.h>

#include "proxy/memory.h"

enum { CACHE_LINE = 64 };

/* Zeros on cache lines of their own, so that workers do not slow each other down by counting. */
static void *counters_create(size_t count, size_t size)
{
    size_t bytes = (count * size + CACHE_LINE) / CACHE_LINE * CACHE_LINE;
    void *counters = aligned_alloc(CACHE_LINE, bytes);

    if (!counters)
        memory_is_missing();
    memset(counters, 0, bytes);
    return counters;
}

size_t metrics_sources(const struct conf *conf)
{
    return conf->budget_headers_count + 1;
}

struct route_metrics *metrics_of_route(const struct metrics *metrics, const struct conf *conf,
                                       const struct conf_route *route)
{
    return &metrics->routes[route ? (size_t)(route - conf->routes) : conf->routes_count];
}

void metrics_init(struct metrics *metrics, const struct conf *conf)
{
    size_t budgets = conf->routes_count * metrics_sources(conf);

    memset(metrics, 0, sizeof(*metrics));
    metrics->routes = counters_create(conf->routes_count + 1, sizeof(struct route_metrics));
    metrics->budgets = counters_create(budgets, sizeof(struct histogram));
    metrics->upstreams = counters_create(conf->upstreams_count, sizeof(struct upstream_metrics));
    metrics->routes_count = conf->routes_count;
    metrics->calls = memory_take_clear(conf->routes_count + 1, sizeof *metrics->calls);
    for (size_t i = 0; i < conf->routes_count; i++)
        metrics->calls[i] =
            counters_create(conf->routes[i].calls_count, sizeof(struct call_metrics));
}

void metrics_finish(struct metrics *metrics)
{
    for (size_t i = 0; i < metrics->routes_count; i++)
        free(metrics->calls[i]);
    free(metrics->calls);
    free(metrics->routes);
    free(metrics->budgets);
    free(metrics->upstreams);
    memset(metrics, 0, sizeof(*metrics));
}
