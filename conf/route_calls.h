/* The calls of a route while it is being built: those of its steps, then those that stand in for
 * one of them, in the order in which struct conf_route has them. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "budget/plan.h"
#include "conf/draft.h"

struct route_calls {
    const struct section *route;
    struct section *sections[PLAN_CALLS_MAX]; /* NULL where that of a step's call is missing */
    const char *names[PLAN_CALLS_MAX];
    size_t places[PLAN_CALLS_MAX];    /* the call in whose place each is made: itself in a step */
    size_t fallbacks[PLAN_CALLS_MAX]; /* the call that stands in when it fails; 0: none */
    size_t count;
    size_t steps_count; /* so many of them are in a step */
    bool are_whole;     /* no section is missing */
};

/* Finds the sections of all calls that the route, which has steps, can come to make. Complains of
 * steps and fallbacks that name what cannot be. */
void route_calls_find(struct route_calls *calls, struct draft *draft, const struct section *route);
