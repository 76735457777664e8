/* Random numbers that come again with the same seed. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "budget/span.h"

struct dice {
    uint64_t state; /* starts as the seed */
};

/* From 0 to most, both included. */
int64_t dice_to(struct dice *dice, int64_t most);

/* True in so many cases of a hundred. */
bool dice_chance(struct dice *dice, int percent);

/* From nothing to most, both included. */
struct span dice_span(struct dice *dice, struct span most);
