#include "budget/plan.h"

#include <criterion/criterion.h>

#include "test/support/trial.h"

#define COUNT(array) (sizeof array / sizeof array[0])

/* total 1200: db 300, then api 500, and 400 for local work */
enum { DB, API };

static const struct call_policy classic_calls[] = {
    [DB] = {.budget = FIXED(300)},
    [API] = {.budget = FIXED(500)},
};
static const struct step_policy one_by_one[] = {{0, 1}, {1, 1}, {2, 1}};
static const struct policy classic = {
    .default_budget = MS(1200),
    .max = MS(30000),
    .local = FIXED(400),
    .reply = AUTO,
    .calls = classic_calls,
    .calls_count = 2,
    .steps = one_by_one,
    .steps_count = 2,
};

Test(plan, the_classic_budget_has_its_points_in_time)
{
    struct trial trial;

    trial_open(&trial, classic);
    expect_span(trial.plan.budget, 1200);
    expect_span(trial.plan.local, 400);
    expect_span(trial.plan.reply, 20);
    expect_point(trial.plan.calls_by, 800);
    expect_point(trial.plan.reply_by, 1180);
    expect_point(trial.plan.hard, 1200);
}

Test(plan, an_answer_may_be_put_off_as_long_as_more_is_left_than_its_way_takes)
{
    struct trial trial;

    trial_open(&trial, classic);
    cr_expect(plan_may_put_off(&trial.plan, at_ms(0)));
    cr_expect(plan_may_put_off(&trial.plan, at_ms(1159)));
    cr_expect_not(plan_may_put_off(&trial.plan, at_ms(1160)), "20 until reply_by, which is 1180");
    cr_expect_not(plan_may_put_off(&trial.plan, at_ms(1180)));
}

Test(plan, a_slow_db_is_cut_at_300)
{
    struct trial trial;

    trial_open(&trial, classic);
    trial_expect_calls(&trial, 0);
    trial_expect_granted(&trial, DB, 300);
    cr_expect_eq(trial.ledger[API].outcome, CALL_WAITING);
    expect_point(plan_alarm(&trial.plan), 300);
    trial_end(&trial, DB, CALL_TIMEOUT, 300);
    cr_expect_eq(trial_expect_end(&trial, 300, REASON_CALL).call, DB);
}

Test(plan, after_a_fast_db_a_slow_api_is_cut_at_620)
{
    struct trial trial;

    trial_open(&trial, classic);
    trial_expect_calls(&trial, 0);
    trial_end(&trial, DB, CALL_OK, 120);
    trial_expect_calls(&trial, 120);
    trial_expect_granted(&trial, API, 500);
    expect_point(plan_alarm(&trial.plan), 620);
    trial_end(&trial, API, CALL_TIMEOUT, 620);
    cr_expect_eq(trial_expect_end(&trial, 620, REASON_CALL).call, API);
}

Test(plan, local_still_has_its_400_when_both_took_all_they_were_given)
{
    struct trial trial;

    trial_open(&trial, classic);
    trial_expect_calls(&trial, 0);
    trial_end(&trial, DB, CALL_OK, 300);
    trial_expect_calls(&trial, 300);
    trial_expect_granted(&trial, API, 500);
    trial_end(&trial, API, CALL_OK, 800);
    trial_expect(&trial, 800, DECIDE_ANSWER);
    expect_span(span_until(trial.plan.hard, at_ms(800)), 400);
    expect_point(plan_alarm(&trial.plan), 1180);
}

/* A call without a min is owed a nanosecond: nothing is started with nothing left. */
Test(plan, a_client_that_brings_600_leaves_200_to_the_db)
{
    struct trial trial;

    trial_open_asked(&trial, classic, 600);
    expect_point(trial.plan.calls_by, 200);
    trial_expect_calls(&trial, 0);
    cr_expect_leq(trial.ledger[DB].granted.ns, span_ms(200).ns);
    cr_expect_geq(trial.ledger[DB].granted.ns, span_ms(200).ns - 1);
    trial_end(&trial, DB, CALL_OK, 100);
    trial_expect_calls(&trial, 100);
    trial_expect_granted(&trial, API, 100);
}

Test(plan, a_client_that_brings_600_gets_half_of_everything_in_proportion)
{
    struct policy policy = classic;
    struct trial trial;

    policy.proportional = true;
    trial_open_asked(&trial, policy, 600);
    expect_span(trial.plan.local, 200);
    trial_expect_calls(&trial, 0);
    trial_expect_granted(&trial, DB, 150);
    trial_end(&trial, DB, CALL_OK, 150);
    trial_expect_calls(&trial, 150);
    trial_expect_granted(&trial, API, 250);
    trial_end(&trial, API, CALL_OK, 400);
    trial_expect(&trial, 400, DECIDE_ANSWER);
    expect_span(span_until(trial.plan.hard, at_ms(400)), 200);
}

Test(plan, proportion_never_stretches_and_leaves_minima_shares_and_reply_alone)
{
    const struct call_policy calls[] = {
        {.budget = PERCENT(25)},
        {.budget = FIXED(300), .min = MS(120)},
    };
    struct policy policy = classic;
    struct trial trial;

    policy.calls = calls;
    policy.proportional = true;
    policy.reply = (struct amount)FIXED(30);
    trial_open_asked(&trial, policy, 600);
    expect_span(trial.plan.reply, 30);
    trial_expect_calls(&trial, 0);
    trial_expect_granted(&trial, 0, 150);
    trial_end(&trial, 0, CALL_OK, 10);
    trial_expect_calls(&trial, 10);
    trial_expect_granted(&trial, 1, 150);

    trial_open_asked(&trial, policy, 2400);
    expect_span(trial.plan.local, 400);
    trial_expect_calls(&trial, 0);
    trial_expect_granted(&trial, 0, 600);
    trial_end(&trial, 0, CALL_OK, 10);
    trial_expect_calls(&trial, 10);
    trial_expect_granted(&trial, 1, 300);

    /* 210 are left: local's share of 310 is 103, and beside it 120 do not fit, 31 would */
    trial_open_asked(&trial, policy, 310);
    trial_expect_end(&trial, 100, REASON_INFEASIBLE);
}

Test(plan, a_client_may_ask_for_less_or_more_than_the_default_but_not_for_more_than_max)
{
    static const struct {
        int64_t asked_ms;
        int64_t budget_ms;
    } rows[] = {{-1, 1200}, {600, 600}, {5000, 5000}, {30000, 30000}, {30001, 30000}};
    struct trial trial;

    for (size_t i = 0; i < COUNT(rows); i++) {
        trial_open_asked(&trial, classic, rows[i].asked_ms);
        expect_span(trial.plan.budget, rows[i].budget_ms);
    }
    plan_open(&trial.plan, &classic, trial.ledger, &SPAN_FOREVER, at_ms(0));
    expect_span(trial.plan.budget, 30000);
}

Test(plan, opening_clears_the_ledger)
{
    struct trial trial;

    trial_open(&trial, classic);
    for (size_t i = 0; i < classic.calls_count; i++) {
        cr_expect_eq(trial.ledger[i].outcome, CALL_WAITING);
        cr_expect_eq(trial.ledger[i].granted.ns, 0);
        cr_expect_eq(trial.ledger[i].attempts, 0);
    }
}

Test(plan, reply_is_two_hundredths_but_at_least_1_and_at_most_20_ms)
{
    static const struct {
        int64_t budget_ms;
        int64_t reply_ms;
    } rows[] = {{10, 1}, {50, 1}, {100, 2}, {500, 10}, {1000, 20}, {30000, 20}};
    struct trial trial;

    for (size_t i = 0; i < COUNT(rows); i++) {
        trial_open_asked(&trial, classic, rows[i].budget_ms);
        expect_span(trial.plan.reply, rows[i].reply_ms);
        expect_point(trial.plan.reply_by, rows[i].budget_ms - rows[i].reply_ms);
    }
}

Test(plan, calls_end_before_the_larger_of_local_and_reply)
{
    struct policy policy = classic;
    struct trial trial;

    policy.local = (struct amount)PERCENT(10);
    policy.reply = (struct amount)PERCENT(20);
    trial_open_asked(&trial, policy, 600);
    expect_span(trial.plan.local, 60);
    expect_span(trial.plan.reply, 120);
    expect_point(trial.plan.calls_by, 480);
    expect_point(trial.plan.reply_by, 480);
}

Test(plan, shares_are_of_the_whole_budget_and_rest_is_all_that_is_not_kept_back)
{
    const struct call_policy calls[] = {
        {.budget = PERCENT(25)},
        {.budget = REST},
        {.budget = FIXED(500), .min = MS(70)},
    };
    struct policy policy = classic;
    struct trial trial;

    policy.calls = calls;
    policy.calls_count = policy.steps_count = 3;
    trial_open_asked(&trial, policy, 1000);
    trial_expect_calls(&trial, 0);
    trial_expect_granted(&trial, 0, 250);
    trial_end(&trial, 0, CALL_OK, 200);
    trial_expect_calls(&trial, 200);
    trial_expect_granted(&trial, 1, 1000 - 200 - 400 - 70);
    trial_end(&trial, 1, CALL_OK, 530);
    trial_expect_calls(&trial, 530);
    trial_expect_granted(&trial, 2, 70);
}

Test(plan, a_budget_that_is_over_on_arrival_starts_nothing)
{
    static const struct {
        int64_t asked_ms;
        int64_t now_ms;
    } rows[] = {{0, 0}, {0, 5}, {600, 600}, {-1, 1200}, {-1, 99999}};
    struct trial trial;

    for (size_t i = 0; i < COUNT(rows); i++) {
        trial_open_asked(&trial, classic, rows[i].asked_ms);
        struct decision decision = trial_expect_end(&trial, rows[i].now_ms, REASON_ARRIVAL);

        cr_expect_eq(decision.call, NO_CALL);
        cr_expect_eq(trial.ledger[DB].outcome, CALL_WAITING);
        cr_expect_eq(trial.ledger[API].outcome, CALL_WAITING);
    }
}

Test(plan, a_grant_is_never_less_than_the_calls_min_even_where_its_budget_shrinks_below)
{
    const struct call_policy calls[] = {{.budget = FIXED(300), .min = MS(200)}};
    struct policy policy = classic;
    struct trial trial;

    policy.calls = calls;
    policy.calls_count = policy.steps_count = 1;
    policy.proportional = true;
    trial_open_asked(&trial, policy, 600);
    trial_expect_calls(&trial, 0);
    trial_expect_granted(&trial, 0, 200);
}

Test(plan, local_work_is_all_the_time_in_which_no_call_ran)
{
    struct trial trial;

    trial_open(&trial, classic);
    expect_span(plan_local_used(&trial.plan, at_ms(10)), 10);
    trial_expect_calls(&trial, 10);
    expect_span(plan_local_used(&trial.plan, at_ms(60)), 10);
    trial_end(&trial, DB, CALL_OK, 110);
    expect_span(plan_local_used(&trial.plan, at_ms(115)), 15);
    trial_expect_calls(&trial, 115);
    trial_end(&trial, API, CALL_OK, 300);
    expect_span(plan_local_used(&trial.plan, at_ms(350)), 65);
}

Test(plan, an_answer_is_cut_at_hard_and_an_error_of_our_own_has_a_moment_more)
{
    struct trial trial;

    trial_open(&trial, classic);
    expect_point(plan_cut_at(&trial.plan, false, at_ms(100)), 1200);
    expect_point(plan_cut_at(&trial.plan, false, at_ms(1300)), 1200);
    expect_point(plan_cut_at(&trial.plan, true, at_ms(100)), 1200);
    cr_expect_gt(plan_cut_at(&trial.plan, true, at_ms(1300)).ns, at_ms(1300).ns);
}
