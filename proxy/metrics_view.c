#include "proxy/metrics_view.h"

#include <assert.h>
#include <string.h>

static_assert(offsetof(struct histogram, buckets) == sizeof(counter),
              "a histogram can be read as counters that lie one behind the other");

static const char *counters_of(const struct metrics_view *view, size_t worker,
                               const struct metrics_place *place)
{
    const struct metrics *metrics = view->workers[worker];

    switch (place->owner) {
    case OWNER_ROUTE:
        return (const char *)&metrics->routes[place->index];
    case OWNER_METHOD:
        return (const char *)&metrics->routes[place->index] +
               offsetof(struct route_metrics, requests) + place->part * sizeof(counter[ENDINGS]);
    case OWNER_SOURCE:
        return (const char *)&metrics
            ->budgets[place->index * metrics_sources(view->conf) + place->part];
    case OWNER_CALL:
        return (const char *)&metrics->calls[place->index][place->part];
    case OWNER_UPSTREAM:
        return (const char *)&metrics->upstreams[place->index];
    case OWNER_PROXY:
        break;
    }
    return (const char *)metrics;
}

void metrics_sum(const struct metrics_view *view, const struct metrics_place *place,
                 uint64_t *totals, size_t count)
{
    memset(totals, 0, count * sizeof *totals);
    for (size_t worker = 0; worker < view->workers_count; worker++) {
        const char *at = counters_of(view, worker, place) + place->field;
        const counter *counters = (const counter *)(const void *)at;
        for (size_t i = 0; i < count; i++)
            totals[i] += atomic_load_explicit(&counters[i], memory_order_relaxed);
    }
}

uint64_t metrics_sum_one(const struct metrics_view *view, const struct metrics_place *place)
{
    uint64_t total;

    metrics_sum(view, place, &total, 1);
    return total;
}

void metrics_spread(const struct metrics_view *view, const struct metrics_place *place,
                    struct metrics_spread *ret)
{
    uint64_t totals[1 + HISTOGRAM_BUCKETS];

    metrics_sum(view, place, totals, 1 + HISTOGRAM_BUCKETS);
    ret->sum = totals[0];
    ret->count = 0;
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        ret->buckets[i] = totals[1 + i];
        ret->count += totals[1 + i];
    }
}

const char *metrics_route_name(const struct conf *conf, size_t route)
{
    return route < conf->routes_count ? conf->routes[route].name : "(none)";
}

const char *metrics_source_name(const struct conf *conf, size_t source)
{
    return source < conf->budget_headers_count ? conf->budget_headers[source].name : "default";
}
