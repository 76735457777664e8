/* How values are spread: how many lie under each of a few fixed bounds, and what all add up to. One
 * writer, any readers, no locks: a reader may see the newest value in one of the two only. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "budget/span.h"
#include "proxy/counter.h"

enum { HISTOGRAM_BUCKETS = 17 };

/* Zeros are an empty one. A bucket counts what is more than the bound before it and at most its own;
 * the one behind the last bound counts all the rest. */
struct histogram {
    counter sum; /* in the scale's smallest unit */
    counter buckets[HISTOGRAM_BUCKETS];
};

/* What a histogram's numbers mean. */
struct scale {
    const int64_t *bounds; /* ascending, in its smallest unit */
    const char *const *names;
    size_t count;    /* of the bounds: at most HISTOGRAM_BUCKETS - 1 */
    unsigned digits; /* so many decimals its smallest unit is away from 1 */
};

/* Nanoseconds, as seconds: 0.5 ms to 60 s, among them the 20, 50, 100 and 200 ms by which a budget
 * may be thought to be longer. */
extern const struct scale scale_of_durations;

/* Millionths, as ratios: 0.1 to 1.1. */
extern const struct scale scale_of_ratios;

/* Counts a value of the scale that the histogram is always used with. */
void histogram_note(struct histogram *histogram, const struct scale *scale, int64_t value);

static inline void histogram_note_span(struct histogram *histogram, struct span span)
{
    histogram_note(histogram, &scale_of_durations, span.ns);
}
