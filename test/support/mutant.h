/* Requests that were valid until something happened to them. */
#pragma once

#include <stddef.h>

#include "conf/text.h"
#include "test/support/dice.h"

enum { MUTANT_MAX = 1024 };

struct mutant {
    char bytes[MUTANT_MAX];
    size_t count;
};

/* Draws a valid request, or a few in a row, and does something to it up to four times: bytes are
 * lost, doubled, exchanged for others or put between, lines are doubled, lost or swapped. */
void mutant_draw(struct mutant *mutant, struct dice *dice);
