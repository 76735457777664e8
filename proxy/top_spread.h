/* What is said of a histogram, of what came into it between two looks. */
#pragma once

#include "proxy/top_histogram.h"

enum { TOP_MORE_MS = 50 }; /* would so much more have saved what was cut? */

struct top_spread {
    double p50;
    double p99;
    double most;    /* none is above it */
    double highest; /* about the highest of them */
    double mean;    /* NAN: there are none */
    double sum;
    double count;
    double soon;  /* so many are surely not above TOP_MORE_MS */
    double bound; /* the last one; a quantile that is INFINITY lies beyond it */
};

struct top_spread top_spread_of(const struct top_histogram *now,
                                const struct top_histogram *before);

/* Who used no more than was given took no longer than that, whatever a wide bucket says. */
struct top_spread top_spread_within(struct top_spread took, struct top_spread given,
                                    struct top_spread used_ratio);
