#include "proxy/top_spread.h"

#include <math.h>
#include <stdlib.h>

#include "proxy/memory.h"

static double last_bound(const struct top_histogram *histogram)
{
    return histogram->bounds_count > 0 ? histogram->bounds[histogram->bounds_count - 1] : 0;
}

struct top_spread top_spread_of(const struct top_histogram *now, const struct top_histogram *before)
{
    struct top_histogram between = {.buckets =
                                        memory_take_clear(now->bounds_count + 1, sizeof(double))};

    top_histogram_since(now, before, &between);
    struct top_spread spread = {
        .p50 = top_histogram_quantile(&between, 0.5),
        .p99 = top_histogram_quantile(&between, 0.99),
        .most = top_histogram_quantile(&between, 1),
        .highest = top_histogram_highest(&between),
        .mean = between.count > 0 ? between.sum / between.count : (double)NAN,
        .sum = between.sum,
        .count = between.count,
        .soon = top_histogram_up_to(&between, TOP_MORE_MS),
        .bound = last_bound(now),
    };
    free(between.buckets);
    return spread;
}

struct top_spread top_spread_within(struct top_spread took, struct top_spread given,
                                    struct top_spread used_ratio)
{
    if (used_ratio.p50 <= 1)
        took.p50 = fmin(took.p50, given.highest);
    if (used_ratio.p99 <= 1)
        took.p99 = fmin(took.p99, given.highest);
    return took;
}
