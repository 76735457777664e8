#include "proxy/top_histogram.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

static bool is_alike(const struct top_histogram *a, const struct top_histogram *b)
{
    return a->bounds_count == b->bounds_count &&
           (a->bounds_count == 0 ||
            memcmp(a->bounds, b->bounds, a->bounds_count * sizeof a->bounds[0]) == 0);
}

void top_histogram_since(const struct top_histogram *now, const struct top_histogram *before,
                         struct top_histogram *ret_added)
{
    bool is_known = is_alike(now, before);

    ret_added->bounds = now->bounds;
    ret_added->bounds_count = now->bounds_count;
    ret_added->count = 0;
    ret_added->sum = is_known ? fmax(now->sum - before->sum, 0) : 0;
    for (size_t i = 0; i <= now->bounds_count; i++) {
        ret_added->buckets[i] = is_known ? fmax(now->buckets[i] - before->buckets[i], 0) : 0;
        ret_added->count += ret_added->buckets[i];
    }
}

double top_histogram_quantile(const struct top_histogram *histogram, double share)
{
    double rank = share * histogram->count;
    double below = 0;

    if (!(histogram->count > 0))
        return NAN;
    for (size_t i = 0; i < histogram->bounds_count; i++) {
        double inside = histogram->buckets[i];
        double low = i > 0 ? histogram->bounds[i - 1] : 0;
        if (inside > 0 && below + inside >= rank)
            return low + (histogram->bounds[i] - low) * (rank - below) / inside;
        below += inside;
    }
    return INFINITY;
}

double top_histogram_up_to(const struct top_histogram *histogram, double limit)
{
    double count = 0;

    for (size_t i = 0; i < histogram->bounds_count && histogram->bounds[i] <= limit; i++)
        count += histogram->buckets[i];
    return count;
}

double top_histogram_highest(const struct top_histogram *histogram)
{
    const double *buckets = histogram->buckets;
    const double *bounds = histogram->bounds;
    size_t top = histogram->bounds_count;
    double lower = 0;

    while (top > 0 && !(buckets[top] > 0))
        top--;
    double high = top < histogram->bounds_count ? bounds[top] : (double)INFINITY;
    if (!(buckets[top] > 0) || buckets[top] < histogram->count / 2)
        return high;
    for (size_t i = 0; i < top; i++)
        lower += buckets[i] * (bounds[i] + (i > 0 ? bounds[i - 1] : 0)) / 2;
    return fmin(fmax((histogram->sum - lower) / buckets[top], top > 0 ? bounds[top - 1] : 0), high);
}
