#include "budget/plan.h"

#include <criterion/criterion.h>

#include "test/support/trial.h"

#define COUNT(array) (sizeof array / sizeof array[0])

/* 1000 ms, of which 100 are kept back: calls may take 900. */
static struct policy of_calls(const struct call_policy *calls, size_t calls_count,
                              const struct step_policy *steps)
{
    struct policy policy = {
        .default_budget = MS(1000),
        .max = MS(30000),
        .local = FIXED(100),
        .reply = AUTO,
        .calls = calls,
        .calls_count = calls_count,
        .steps = steps,
    };

    while (steps[policy.steps_count].count > 0)
        policy.steps_count++;
    return policy;
}

#define OF_CALLS(calls, steps) of_calls(calls, COUNT(calls), steps)

/* A price, or what a cache has of it, or what the shelf says; and then the order. */
enum { PRICE, ORDER, CACHE, SHELF };

static const struct call_policy shop_calls[] = {
    [PRICE] = {.budget = FIXED(400), .fallback = CACHE},
    [ORDER] = {.budget = REST, .min = MS(200)},
    [CACHE] = {.budget = FIXED(300), .min = MS(50), .fallback = SHELF},
    [SHELF] = {.budget = REST},
};
static const struct step_policy one_by_one[] = {{0, 1}, {1, 1}, {0, 0}};
static const struct step_policy a_pair[] = {{0, 2}, {0, 0}};
static const struct step_policy single[] = {{0, 1}, {0, 0}};

static void expect_stand_in(struct trial *trial, int64_t now_ms, size_t call, int64_t granted_ms)
{
    struct decision decision = trial_expect(trial, now_ms, DECIDE_CALL);

    cr_expect_eq(decision.step.first, call);
    cr_expect_eq(decision.step.count, 1);
    trial_expect_granted(trial, call, granted_ms);
    trial_expect(trial, now_ms, DECIDE_WAIT);
}

Test(plan_stand_ins, a_call_that_fails_is_stood_in_for_and_the_next_step_follows)
{
    struct trial trial;

    trial_open(&trial, OF_CALLS(shop_calls, one_by_one));
    trial_expect_calls(&trial, 0);
    trial_expect_granted(&trial, PRICE, 400);
    cr_expect_eq(trial.ledger[CACHE].outcome, CALL_WAITING);
    cr_expect_eq(plan_stand_in(&trial.plan, PRICE), PRICE);
    trial_end(&trial, PRICE, CALL_REFUSED, 30);
    expect_stand_in(&trial, 30, CACHE, 300);
    cr_expect_eq(plan_stand_in(&trial.plan, PRICE), CACHE);
    expect_point(plan_alarm(&trial.plan), 330);
    expect_point(plan_start_by(&trial.plan, CACHE), 280);
    trial_end(&trial, CACHE, CALL_OK, 90);
    trial_expect_calls(&trial, 90);
    trial_expect_granted(&trial, ORDER, 810);
    cr_expect_eq(plan_stand_in(&trial.plan, PRICE), CACHE);
    cr_expect_eq(trial.ledger[SHELF].outcome, CALL_WAITING);
    trial_end(&trial, ORDER, CALL_OK, 200);
    trial_expect(&trial, 200, DECIDE_ANSWER);
}

Test(plan_stand_ins, a_chain_is_tried_one_after_another_and_the_last_of_it_is_blamed)
{
    struct trial trial;

    trial_open(&trial, OF_CALLS(shop_calls, one_by_one));
    trial_expect_calls(&trial, 0);
    trial_end(&trial, PRICE, CALL_TIMEOUT, 400);
    expect_stand_in(&trial, 400, CACHE, 300);
    trial_end(&trial, CACHE, CALL_BROKEN, 450);
    /* 900 less the order's 200 */
    expect_stand_in(&trial, 450, SHELF, 250);
    trial_end(&trial, SHELF, CALL_TIMEOUT, 700);
    cr_expect_eq(trial_expect_end(&trial, 700, REASON_CALL).call, SHELF);
    cr_expect_eq(plan_stand_in(&trial.plan, PRICE), SHELF);
}

Test(plan_stand_ins, with_less_than_its_min_it_is_skipped_and_the_failure_before_it_stands)
{
    struct trial trial;

    trial_open(&trial, OF_CALLS(shop_calls, one_by_one));
    trial_expect_calls(&trial, 0);
    trial_end(&trial, PRICE, CALL_BROKEN, 651);
    cr_expect_not(plan_can_fall_back(&trial.plan, PRICE, at_ms(651)));
    cr_expect_eq(trial_expect_end(&trial, 651, REASON_FAILED).call, PRICE);
    cr_expect_eq(trial.ledger[CACHE].outcome, CALL_SKIPPED);
    cr_expect_eq(trial.ledger[SHELF].outcome, CALL_WAITING);
    cr_expect_eq(plan_stand_in(&trial.plan, PRICE), PRICE);

    trial_open(&trial, OF_CALLS(shop_calls, one_by_one));
    trial_expect_calls(&trial, 0);
    trial_end(&trial, PRICE, CALL_BROKEN, 650);
    expect_stand_in(&trial, 650, CACHE, 50);
    trial_end(&trial, CACHE, CALL_TIMEOUT, 700);
    cr_expect_eq(trial_expect_end(&trial, 700, REASON_CALL).call, CACHE);
    cr_expect_eq(trial.ledger[SHELF].outcome, CALL_SKIPPED);
}

Test(plan_stand_ins, every_failure_but_those_of_the_client_and_our_own_is_stood_in_for)
{
    for (int outcome = CALL_CANCELLED; outcome <= CALL_STATUS; outcome++) {
        bool is_ours = outcome == CALL_CANCELLED || outcome == CALL_UPLOAD_OUT;
        struct trial trial;

        trial_open(&trial, OF_CALLS(shop_calls, one_by_one));
        trial_expect_calls(&trial, 0);
        trial_end(&trial, PRICE, (enum call_outcome)outcome, 10);
        cr_expect_eq(plan_can_fall_back(&trial.plan, PRICE, at_ms(10)), !is_ours, "%d", outcome);
        if (is_ours)
            cr_expect_eq(trial_expect(&trial, 10, DECIDE_GIVE_UP).call, PRICE);
        else
            expect_stand_in(&trial, 10, CACHE, 300);
    }
}

Test(plan_stand_ins, whether_a_running_call_can_fall_back_depends_on_the_time_that_is_left)
{
    struct trial trial;

    trial_open(&trial, OF_CALLS(shop_calls, one_by_one));
    cr_expect_not(plan_can_fall_back(&trial.plan, PRICE, at_ms(0)));
    trial_expect_calls(&trial, 0);
    cr_expect(plan_can_fall_back(&trial.plan, PRICE, at_ms(0)));
    cr_expect(plan_can_fall_back(&trial.plan, PRICE, at_ms(650)));
    cr_expect_not(plan_can_fall_back(&trial.plan, PRICE, at_ms(651)));
    cr_expect_not(plan_can_fall_back(&trial.plan, CACHE, at_ms(0)), "it does not run");
    trial_end(&trial, PRICE, CALL_STATUS, 10);
    expect_stand_in(&trial, 10, CACHE, 300);
    cr_expect_not(plan_can_fall_back(&trial.plan, PRICE, at_ms(10)), "it has");
    cr_expect(plan_can_fall_back(&trial.plan, CACHE, at_ms(699)));
    cr_expect_not(plan_can_fall_back(&trial.plan, CACHE, at_ms(700)), "nothing is left");
    trial_end(&trial, CACHE, CALL_OK, 20);
    cr_expect_not(plan_can_fall_back(&trial.plan, CACHE, at_ms(20)));
    trial_expect_calls(&trial, 20);
    cr_expect_not(plan_can_fall_back(&trial.plan, ORDER, at_ms(20)), "it has none");
}

Test(plan_stand_ins, several_may_be_due_at_once)
{
    static const struct call_policy calls[] = {
        {.budget = FIXED(300), .fallback = 2},
        {.budget = FIXED(300), .optional = true, .fallback = 3},
        {.budget = FIXED(300)},
        {.budget = FIXED(300)},
    };
    struct trial trial;

    trial_open(&trial, OF_CALLS(calls, a_pair));
    trial_expect_calls(&trial, 0);
    trial_end(&trial, 0, CALL_REFUSED, 10);
    trial_end(&trial, 1, CALL_REFUSED, 10);
    trial_expect_calls(&trial, 10);
    trial_expect_calls(&trial, 10);
    trial_expect(&trial, 10, DECIDE_WAIT);
    trial_expect_granted(&trial, 2, 300);
    trial_expect_granted(&trial, 3, 290);
    trial_end(&trial, 3, CALL_BROKEN, 20);
    trial_expect(&trial, 20, DECIDE_WAIT);
    trial_end(&trial, 2, CALL_OK, 30);
    trial_expect(&trial, 30, DECIDE_ANSWER);
}

Test(plan_stand_ins, what_stands_in_for_an_optional_call_makes_its_step_no_longer)
{
    static const struct call_policy calls[] = {
        {.budget = FIXED(200)},
        {.budget = FIXED(800), .optional = true, .fallback = 2},
        {.budget = FIXED(800), .min = MS(20)},
    };
    struct trial trial;

    trial_open(&trial, OF_CALLS(calls, a_pair));
    trial_expect_calls(&trial, 0);
    trial_end(&trial, 0, CALL_OK, 5);
    trial_end(&trial, 1, CALL_STATUS, 150);
    expect_stand_in(&trial, 150, 2, 50);
    trial_end(&trial, 2, CALL_TIMEOUT, 200);
    trial_expect(&trial, 200, DECIDE_ANSWER);

    trial_open(&trial, OF_CALLS(calls, a_pair));
    trial_expect_calls(&trial, 0);
    trial_end(&trial, 0, CALL_OK, 5);
    trial_end(&trial, 1, CALL_STATUS, 181);
    trial_expect(&trial, 181, DECIDE_ANSWER);
    cr_expect_eq(trial.ledger[2].outcome, CALL_SKIPPED);
}

Test(plan_stand_ins, an_optional_call_that_was_skipped_is_not_stood_in_for)
{
    static const struct call_policy calls[] = {
        {.budget = FIXED(200)},
        {.budget = FIXED(800), .min = MS(300), .optional = true, .fallback = 2},
        {.budget = FIXED(50)},
    };
    struct trial trial;

    trial_open(&trial, OF_CALLS(calls, a_pair));
    trial_expect_calls(&trial, 0);
    cr_expect_eq(trial.ledger[1].outcome, CALL_SKIPPED);
    trial_expect(&trial, 0, DECIDE_WAIT);
    trial_end(&trial, 0, CALL_OK, 5);
    trial_expect(&trial, 5, DECIDE_ANSWER);
    cr_expect_eq(trial.ledger[2].outcome, CALL_WAITING);
}

Test(plan_stand_ins, nothing_stands_in_within_a_step_that_is_lost)
{
    static const struct call_policy calls[] = {
        {.budget = FIXED(300), .fallback = 2}, {.budget = FIXED(300)}, {.budget = FIXED(300)}};
    struct trial trial;

    trial_open(&trial, OF_CALLS(calls, a_pair));
    trial_expect_calls(&trial, 0);
    trial_end(&trial, 0, CALL_REFUSED, 10);
    trial_end(&trial, 1, CALL_TIMEOUT, 10);
    cr_expect_eq(trial_expect_end(&trial, 10, REASON_CALL).call, 1);
    cr_expect_eq(trial.ledger[2].outcome, CALL_WAITING);
}

Test(plan_stand_ins, their_minima_are_kept_back_by_nobody)
{
    static const struct call_policy calls[] = {
        {.budget = REST, .fallback = 2}, {.budget = REST, .min = MS(100)}, {.min = MS(950)}};
    struct trial trial;

    trial_open(&trial, OF_CALLS(calls, one_by_one));
    trial_expect_calls(&trial, 0);
    trial_expect_granted(&trial, 0, 800);
    trial_end(&trial, 0, CALL_REFUSED, 1);
    cr_expect_eq(trial_expect_end(&trial, 1, REASON_FAILED).call, 0);
}

Test(plan_stand_ins, local_work_is_also_the_time_between_a_failure_and_what_stands_in)
{
    struct trial trial;

    trial_open(&trial, OF_CALLS(shop_calls, single));
    trial_expect_calls(&trial, 10);
    trial_end(&trial, PRICE, CALL_REFUSED, 110);
    expect_span(plan_local_used(&trial.plan, at_ms(115)), 15);
    expect_stand_in(&trial, 115, CACHE, 300);
    expect_span(plan_local_used(&trial.plan, at_ms(150)), 15);
    trial_end(&trial, CACHE, CALL_OK, 215);
    expect_span(plan_local_used(&trial.plan, at_ms(250)), 50);
}

Test(plan_stand_ins, the_body_is_waited_for_while_what_the_calls_need_is_left)
{
    static const struct call_policy greedy[] = {{.budget = REST}, {.budget = REST}};
    struct trial trial;

    trial_open(&trial, OF_CALLS(shop_calls, one_by_one));
    cr_expect_eq(plan_body_by(&trial.plan).ns, at_ms(700).ns - 1);
    trial_open(&trial, OF_CALLS(shop_calls, one_by_one));
    cr_expect_eq(plan_next(&trial.plan, plan_body_by(&trial.plan)).kind, DECIDE_CALL);
    trial_open(&trial, OF_CALLS(shop_calls, one_by_one));
    cr_expect_eq(plan_next(&trial.plan, at_ms(700)).kind, DECIDE_GIVE_UP);
    trial_open(&trial, OF_CALLS(greedy, a_pair));
    cr_expect_eq(plan_body_by(&trial.plan).ns, at_ms(900).ns - 1);
    trial_open_asked(&trial, OF_CALLS(shop_calls, one_by_one), 200);
    cr_expect_lt(plan_body_by(&trial.plan).ns, trial.plan.started.ns);
}
