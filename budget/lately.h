/* How long an upstream has lately taken: a histogram in which old samples fade. It is made of
 * counts only, 1.4 KiB; a sample is noted in constant time, and a percentile walks over the groups
 * of buckets and one group. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "budget/checked.h"
#include "budget/span.h"

/* Bucket bounds: LATELY_FINE equal buckets of LATELY_UNIT_NS each, then LATELY_OCTAVES doublings of
 * LATELY_FINE buckets each. From 66 us to 68 s a bucket is at most 1/32 as wide as what it holds. */
enum {
    LATELY_FINE_BITS = 5,
    LATELY_FINE = 1 << LATELY_FINE_BITS,
    LATELY_UNIT_BITS = 11,
    LATELY_UNIT_NS = 1 << LATELY_UNIT_BITS,
    LATELY_OCTAVES = 20,
    LATELY_GROUPS = 1 + LATELY_OCTAVES, /* of LATELY_FINE buckets each */
    LATELY_BUCKETS = LATELY_FINE * LATELY_GROUPS,
};

enum {
    LATELY_ENOUGH = 20, /* samples, before there is an answer */
    LATELY_FULL = 1024, /* samples, at which all of them lose half of their weight */
};

struct lately {
    uint16_t counts[LATELY_BUCKETS];
    uint16_t groups[LATELY_GROUPS]; /* sums of counts */
    uint16_t total;                 /* the sum of counts */
};

void lately_init(struct lately *lately);

/* Notes a sample; what is longer than 68 s counts as 68 s. To be noted: what an answered attempt
 * took; and of one that was cut for being late, or that lost to its hedge, how long it had lasted,
 * since without those an upstream would look the faster the slower it gets. Not to be noted: what
 * was cancelled for other reasons, which says nothing of the upstream. */
void lately_note(struct lately *lately, struct span took);

/* What so many percent (1 to 100) of the samples did not exceed, rounded up to the end of its
 * bucket: never too short, and too long by 1/32 or 2 us. False: too few samples. */
CHECKED bool lately_percentile(const struct lately *lately, unsigned percent,
                               struct span *ret_took);
