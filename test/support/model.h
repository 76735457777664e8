/* A random policy, and what the contract says of it, worked out from the contract's words and not
 * by budget/. */
#pragma once

#include "budget/plan.h"
#include "test/support/dice.h"

enum { MODEL_STEPS_MAX = 6, MODEL_SIDE_BY_SIDE_MAX = 4 };

/* Not to be copied: the policy points into it. */
struct model {
    struct policy policy;
    struct step_policy steps[MODEL_STEPS_MAX];
    struct call_policy calls[PLAN_CALLS_MAX];
    size_t steps_calls_count; /* so many calls are in a step, those after them stand in */
};

/* Draws one. So many percent of the calls have another that stands in for them. */
void model_draw(struct model *model, struct dice *dice, int stand_ins_percent);

/* The call of a step at the head of this one's chain: itself, if it is in one. */
size_t model_head(const struct model *model, size_t call);

/* The call that this one stands in for. */
size_t model_parent(const struct model *model, size_t call);

/* What a call's budget comes to when so much is spent in all. */
struct span model_budget(const struct model *model, size_t call, struct span whole);

/* What is kept back for local work and the reply. */
struct span model_reserve(const struct model *model, struct span whole);

/* With less a call is not started. */
struct span model_least(const struct model *model, size_t call);

/* What the steps from this one on must be left with. */
struct span model_minima(const struct model *model, size_t step);

/* Fails the test, with the seed to play it again, unless the condition holds in a game that has a
 * seed, a plan and a now. */
#define HOLDS(game, condition)                                                                    \
    do {                                                                                          \
        if (!(condition))                                                                         \
            cr_assert_fail(                                                                       \
                "HOURGLASS_SEED=%llu, %lld ns in, line %d: %s", (unsigned long long)(game)->seed, \
                (long long)((game)->now.ns - (game)->plan.started.ns), __LINE__, #condition);     \
    } while (0)
