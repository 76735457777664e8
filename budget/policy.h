/* What the configuration says of one route: how long its calls may take, and which of them it can
 * do without. Filled by conf/, borrowed by every plan, never changed. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "budget/span.h"

enum { PLAN_CALLS_MAX = 32 };   /* calls of one route, with those that stand in */
enum { SHARE_WHOLE = 1000000 }; /* shares are in millionths */

/* A time as the configuration says it. */
enum amount_kind {
    AMOUNT_FIXED, /* 300ms */
    AMOUNT_SHARE, /* 25% of the whole budget */
    AMOUNT_REST,  /* rest, of a call: all that is not kept back */
    AMOUNT_AUTO,  /* auto, of reply: max(1 ms, min(2 %, 20 ms)) */
};

struct amount {
    enum amount_kind kind;
    struct span fixed; /* AMOUNT_FIXED */
    int32_t share;     /* AMOUNT_SHARE, in millionths */
};

/* What it comes to under a whole budget; forever for the rest. */
struct span amount_span(struct amount amount, struct span whole);

struct call_policy {
    struct amount budget; /* fixed, share or rest */
    struct span min;      /* with less than this, or with nothing, it is not started */
    bool optional;        /* of one that stands in: without meaning */
    size_t fallback; /* index of the call that stands in when this one fails; 0: none. A call stands
                      * in for one other at the most, and none for itself, however indirectly */
};

/* Calls that run side by side: calls[first] to calls[first + count - 1]. */
struct step_policy {
    size_t first;
    size_t count;
};

struct policy {
    struct span default_budget;
    struct span max;
    struct amount local;             /* fixed or share */
    struct amount reply;             /* fixed, share or auto */
    bool proportional;               /* scale = proportional */
    const struct call_policy *calls; /* in the order of the steps, then those that stand in */
    size_t calls_count;
    const struct step_policy *steps;
    size_t steps_count;
};

/* What a call must have to be started: its min, and never nothing. */
struct span policy_call_least(const struct policy *policy, size_t call);

/* What is kept back for the steps from `first` on: of each, the largest min of its required calls.
 * Nothing is kept back for a call without a min, nor for one that stands in. */
struct span policy_minima(const struct policy *policy, size_t first);
