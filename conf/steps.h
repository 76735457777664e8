/* The steps of a route as written: "session, stock + price, order". */
#pragma once

#include <stddef.h>

#include "budget/plan.h"
#include "conf/value.h"

struct steps {
    const char *names[PLAN_CALLS_MAX]; /* in the order of the steps */
    size_t names_count;
    struct step_policy steps[PLAN_CALLS_MAX];
    size_t count;
};

option_set set_steps; /* struct steps */

/* Where a call stands; names_count when it is in no step. */
size_t steps_find(const struct steps *steps, const char *name);
