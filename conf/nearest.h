/* The known name that a misspelt one was most likely meant to be. */
#pragma once

#include <stddef.h>

#include "conf/store.h"

struct nearest {
    const char *wanted; /* what was written; borrowed */
    const char *name;   /* the best so far; NULL: none is near */
    size_t distance;
};

/* To begin with; then every name that would have been right is offered. */
struct nearest nearest_to(const char *wanted);
void nearest_offer(struct nearest *nearest, const char *name);

/* The end of a sentence: ": did you mean NAME?", or nothing when none is near. Lives as long as
 * the store. */
const char *nearest_question(const struct nearest *nearest, struct store *store);
