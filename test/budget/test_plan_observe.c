#include "budget/plan.h"

#include <criterion/criterion.h>

#include "test/support/trial.h"

/* 1000 ms unless the client says otherwise, at most 5000; 400 would be kept for local work. */
static const struct call_policy calls[] = {
    {.budget = FIXED(300), .fallback = 3},
    {.budget = PERCENT(10), .optional = true},
    {.budget = FIXED(100), .min = MS(200)},
    {.budget = FIXED(50)},
};
static const struct step_policy steps[] = {{0, 2}, {2, 1}};
static const struct policy policy = {
    .default_budget = MS(1000),
    .max = MS(5000),
    .local = FIXED(400),
    .reply = AUTO,
    .calls = calls,
    .calls_count = 4,
    .steps = steps,
    .steps_count = 2,
};

static void observe_asked(struct trial *trial, int64_t asked_ms)
{
    trial_open_asked(trial, policy, asked_ms);
    plan_observe(&trial->plan);
}

Test(plan_observe, the_whole_of_max_is_spent_and_only_reply_is_kept_back)
{
    struct trial trial;

    observe_asked(&trial, 700);
    cr_expect(trial.plan.is_observed);
    expect_span(trial.plan.asked, 700);
    expect_span(trial.plan.budget, 5000);
    expect_span(trial.plan.reply, 20);
    expect_span(trial.plan.local, 20);
    expect_point(trial.plan.hard, 5000);
    expect_point(trial.plan.reply_by, 4980);
    expect_point(trial.plan.calls_by, 4980);
    cr_expect_eq(plan_body_by(&trial.plan).ns, at_ms(4780).ns - 1);
}

Test(plan_observe, an_enforced_plan_spends_what_was_asked)
{
    struct trial trial;

    trial_open(&trial, policy);
    cr_expect_not(trial.plan.is_observed);
    expect_span(trial.plan.asked, 1000);
    expect_span(trial.plan.budget, 1000);
}

Test(plan_observe, calls_are_granted_all_there_is_but_later_minima)
{
    struct trial trial;

    observe_asked(&trial, 700);
    trial_expect_calls(&trial, 0);
    trial_expect_granted(&trial, 0, 4780);
    trial_expect_granted(&trial, 1, 4780);
    trial_end(&trial, 0, CALL_REFUSED, 1000);
    trial_expect_calls(&trial, 1000);
    trial_expect_granted(&trial, 3, 3780);
    trial_end(&trial, 3, CALL_OK, 2000);
    trial_end(&trial, 1, CALL_OK, 3000);
    trial_expect_calls(&trial, 3000);
    trial_expect_granted(&trial, 2, 1980);
    trial_end(&trial, 2, CALL_OK, 4900);
    trial_expect(&trial, 4979, DECIDE_ANSWER);
}

Test(plan_observe, what_had_expired_when_it_came_is_begun)
{
    struct trial trial;

    observe_asked(&trial, 0);
    trial_expect_calls(&trial, 30);
}

Test(plan_observe, max_is_not_exceeded)
{
    struct trial trial;

    observe_asked(&trial, 700);
    trial_expect_calls(&trial, 0);
    trial_end(&trial, 0, CALL_TIMEOUT, 4780);
    cr_expect_eq(trial_expect_end(&trial, 4780, REASON_CALL).call, 0);
    cr_expect_eq(trial.ledger[3].outcome, CALL_SKIPPED);

    observe_asked(&trial, 700);
    trial_expect_end(&trial, 5000, REASON_ARRIVAL);
}
