#include "proxy/histogram.h"

#include <stdbool.h>

#define US(count) ((count)*NS_PER_US)
#define MS(count) ((count)*NS_PER_MS)
#define S(count) ((count)*NS_PER_S)

static const int64_t duration_bounds[HISTOGRAM_BUCKETS - 1] = {
    US(500), MS(1),   MS(2), MS(5), MS(10), MS(20), MS(50), MS(100),
    MS(200), MS(500), S(1),  S(2),  S(5),   S(10),  S(20),  S(60),
};

static const char *const duration_names[HISTOGRAM_BUCKETS - 1] = {
    "0.0005", "0.001", "0.002", "0.005", "0.01", "0.02", "0.05", "0.1",
    "0.2",    "0.5",   "1",     "2",     "5",    "10",   "20",   "60",
};

const struct scale scale_of_durations = {
    .bounds = duration_bounds,
    .names = duration_names,
    .count = sizeof duration_bounds / sizeof duration_bounds[0],
    .digits = 9,
};

static const int64_t ratio_bounds[] = {
    100000, 200000, 300000, 400000, 500000, 600000, 700000, 800000, 900000, 1000000, 1100000,
};

static const char *const ratio_names[] = {
    "0.1", "0.2", "0.3", "0.4", "0.5", "0.6", "0.7", "0.8", "0.9", "1", "1.1",
};

const struct scale scale_of_ratios = {
    .bounds = ratio_bounds,
    .names = ratio_names,
    .count = sizeof ratio_bounds / sizeof ratio_bounds[0],
    .digits = 6,
};

void histogram_note(struct histogram *histogram, const struct scale *scale, int64_t value)
{
    size_t bucket = 0;

    for (size_t rest = scale->count; rest > 0;) { /* a search by halves */
        size_t half = rest / 2;
        bool is_above = value > scale->bounds[bucket + half];
        bucket += is_above ? half + 1 : 0;
        rest = is_above ? rest - half - 1 : half;
    }
    counter_add(&histogram->buckets[bucket], 1);
    counter_add(&histogram->sum, (uint64_t)value);
}
