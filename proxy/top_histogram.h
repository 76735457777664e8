/* A histogram as /routes tells it, and what can be said of the time between two looks at it. Pure. */
#pragma once

#include <stddef.h>

struct top_histogram {
    double count;
    double sum;
    const double *bounds; /* borrowed: upper bounds of the buckets, ascending */
    size_t bounds_count;
    double
        *buckets; /* borrowed: how many are in each alone; one more than bounds: beyond the last */
};

/* What has been added since `before`, into *ret_added, whose buckets has as many places as now's
 * (borrowed). Nothing, when they do not have the same buckets. */
void top_histogram_since(const struct top_histogram *now, const struct top_histogram *before,
                         struct top_histogram *ret_added);

/* The value that a share of all do not exceed, taken to lie evenly in their bucket, as Prometheus
 * does. NAN: there are none; INFINITY: it is beyond the last bound. */
double top_histogram_quantile(const struct top_histogram *histogram, double share);

/* How many are surely not above a limit: those in buckets that end at it or before. */
double top_histogram_up_to(const struct top_histogram *histogram, double limit);

/* About the highest value, where most are near it: the mean of the highest bucket that has any, as the
 * sum tells it when those in lower ones lie in their middle. Else that bucket's bound, which is
 * INFINITY beyond the last. */
double top_histogram_highest(const struct top_histogram *histogram);
