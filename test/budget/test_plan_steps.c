#include "budget/plan.h"

#include <criterion/criterion.h>

#include "test/support/trial.h"

#define COUNT(array) (sizeof array / sizeof array[0])

/* 1000 ms, of which 100 are kept back: calls may take 900. */
static struct policy of_calls(const struct call_policy *calls, const struct step_policy *steps)
{
    struct policy policy = {
        .default_budget = MS(1000),
        .max = MS(30000),
        .local = FIXED(100),
        .reply = AUTO,
        .calls = calls,
        .steps = steps,
    };

    while (steps[policy.steps_count].count > 0)
        policy.calls_count += steps[policy.steps_count++].count;
    return policy;
}

static const struct step_policy one_by_one[] = {{0, 1}, {1, 1}, {0, 0}};
static const struct step_policy a_pair[] = {{0, 2}, {0, 0}};
static const struct step_policy one_then_a_pair[] = {{0, 1}, {1, 2}, {0, 0}};

Test(plan_steps, minima_that_do_not_fit_beside_the_reserve_start_nothing)
{
    /* the larger of 200 and 300, and 500, and not the optional call's 400: 800 and 100 are kept */
    static const struct call_policy calls[] = {
        {.budget = FIXED(500), .min = MS(200)},
        {.budget = FIXED(500), .min = MS(300)},
        {.budget = FIXED(500), .min = MS(400), .optional = true},
        {.budget = FIXED(500), .min = MS(500)},
    };
    static const struct step_policy steps[] = {{0, 3}, {3, 1}, {0, 0}};
    struct trial trial;

    trial_open(&trial, of_calls(calls, steps));
    trial_expect_end(&trial, 101, REASON_INFEASIBLE);
    for (size_t i = 0; i < COUNT(calls); i++)
        cr_expect_eq(trial.ledger[i].outcome, CALL_WAITING);

    trial_open(&trial, of_calls(calls, steps));
    trial_expect_calls(&trial, 100);
    trial_expect_granted(&trial, 0, 300);
    trial_expect_granted(&trial, 1, 300);
    cr_expect_eq(trial.ledger[2].outcome, CALL_SKIPPED);
}

Test(plan_steps, a_reserve_that_does_not_fit_starts_nothing_even_if_every_call_is_optional)
{
    static const struct call_policy calls[] = {{.budget = FIXED(500), .optional = true}};
    static const struct step_policy steps[] = {{0, 1}, {0, 0}};
    struct trial trial;

    trial_open(&trial, of_calls(calls, steps));
    trial_expect_end(&trial, 901, REASON_INFEASIBLE);
    trial_open(&trial, of_calls(calls, steps));
    trial_expect(&trial, 900, DECIDE_ANSWER);
}

Test(plan_steps, later_minima_are_kept_from_an_early_call_that_takes_the_rest)
{
    static const struct call_policy calls[] = {
        {.budget = REST},
        {.budget = FIXED(500), .min = MS(150)},
        {.budget = FIXED(500), .min = MS(250)},
    };
    struct trial trial;

    trial_open(&trial, of_calls(calls, one_then_a_pair));
    trial_expect_calls(&trial, 0);
    trial_expect_granted(&trial, 0, 650);
    trial_end(&trial, 0, CALL_OK, 650);
    trial_expect_calls(&trial, 650);
    trial_expect_granted(&trial, 1, 250);
    trial_expect_granted(&trial, 2, 250);
}

Test(plan_steps, nothing_is_kept_for_later_optional_calls)
{
    static const struct call_policy calls[] = {
        {.budget = REST},
        {.budget = FIXED(500), .min = MS(150), .optional = true},
    };
    struct trial trial;

    trial_open(&trial, of_calls(calls, one_by_one));
    trial_expect_calls(&trial, 0);
    trial_expect_granted(&trial, 0, 900);
}

Test(plan_steps, calls_side_by_side_are_each_granted_from_the_same_time)
{
    static const struct call_policy calls[] = {{.budget = FIXED(700)}, {.budget = FIXED(800)}};
    struct trial trial;

    trial_open(&trial, of_calls(calls, a_pair));
    struct decision decision = plan_next(&trial.plan, at_ms(0));

    cr_assert_eq(decision.kind, DECIDE_CALL);
    cr_expect_eq(decision.step.first, 0);
    cr_expect_eq(decision.step.count, 2);
    trial_expect_granted(&trial, 0, 700);
    trial_expect_granted(&trial, 1, 800);
    expect_point(plan_alarm(&trial.plan), 700);
    trial_end(&trial, 0, CALL_OK, 90);
    trial_expect(&trial, 90, DECIDE_WAIT);
    expect_point(plan_alarm(&trial.plan), 800);
    trial_end(&trial, 1, CALL_OK, 200);
    trial_expect(&trial, 200, DECIDE_ANSWER);
}

Test(plan_steps, an_optional_call_gets_no_more_than_the_required_ones_of_its_step)
{
    static const struct call_policy calls[] = {
        {.budget = FIXED(200)},
        {.budget = FIXED(300)},
        {.budget = FIXED(800), .optional = true},
        {.budget = FIXED(50), .optional = true},
    };
    static const struct step_policy steps[] = {{0, 4}, {0, 0}};
    struct trial trial;

    trial_open(&trial, of_calls(calls, steps));
    trial_expect_calls(&trial, 0);
    trial_expect_granted(&trial, 1, 300);
    trial_expect_granted(&trial, 2, 300);
    trial_expect_granted(&trial, 3, 50);
}

Test(plan_steps, optional_calls_among_themselves_run_to_their_own_grants)
{
    static const struct call_policy calls[] = {
        {.budget = FIXED(200), .optional = true},
        {.budget = FIXED(800), .optional = true},
    };
    struct trial trial;

    trial_open(&trial, of_calls(calls, a_pair));
    trial_expect_calls(&trial, 0);
    trial_expect_granted(&trial, 0, 200);
    trial_expect_granted(&trial, 1, 800);
    trial_end(&trial, 0, CALL_TIMEOUT, 200);
    trial_expect(&trial, 200, DECIDE_WAIT);
    trial_end(&trial, 1, CALL_BROKEN, 400);
    trial_expect(&trial, 400, DECIDE_ANSWER);
}

Test(plan_steps, a_step_is_not_over_before_its_optional_calls_are)
{
    static const struct call_policy calls[] = {
        {.budget = FIXED(300)},
        {.budget = FIXED(300), .optional = true},
    };
    struct trial trial;

    trial_open(&trial, of_calls(calls, a_pair));
    trial_expect_calls(&trial, 0);
    trial_end(&trial, 0, CALL_OK, 10);
    trial_expect(&trial, 10, DECIDE_WAIT);
    trial_end(&trial, 1, CALL_TIMEOUT, 300);
    trial_expect(&trial, 300, DECIDE_ANSWER);
}

Test(plan_steps, a_step_whose_calls_were_all_skipped_is_passed_over)
{
    static const struct call_policy calls[] = {
        {.budget = FIXED(850)},
        {.budget = FIXED(500), .min = MS(60), .optional = true},
        {.budget = FIXED(500)},
    };
    static const struct step_policy steps[] = {{0, 1}, {1, 1}, {2, 1}, {0, 0}};
    struct trial trial;

    trial_open(&trial, of_calls(calls, steps));
    trial_expect_calls(&trial, 0);
    trial_end(&trial, 0, CALL_OK, 850);
    struct decision decision = plan_next(&trial.plan, at_ms(850));

    cr_assert_eq(decision.kind, DECIDE_CALL);
    cr_expect_eq(decision.step.first, 2);
    cr_expect_eq(trial.ledger[1].outcome, CALL_SKIPPED);
    trial_expect_granted(&trial, 2, 50);
}

Test(plan_steps, a_last_step_whose_calls_were_all_skipped_leads_to_the_answer)
{
    static const struct call_policy calls[] = {
        {.budget = FIXED(850)},
        {.budget = FIXED(500), .min = MS(60), .optional = true},
    };
    struct trial trial;

    trial_open(&trial, of_calls(calls, one_by_one));
    trial_expect_calls(&trial, 0);
    trial_end(&trial, 0, CALL_OK, 841);
    trial_expect(&trial, 841, DECIDE_ANSWER);
    cr_expect_eq(trial.ledger[1].outcome, CALL_SKIPPED);
}

Test(plan_steps, a_required_call_for_which_too_little_is_left_ends_it_before_its_siblings_start)
{
    static const struct call_policy calls[] = {
        {.budget = FIXED(500)},
        {.budget = FIXED(500)},
        {.budget = FIXED(500), .min = MS(60)},
    };
    struct trial trial;

    trial_open(&trial, of_calls(calls, one_then_a_pair));
    trial_expect_calls(&trial, 0);
    /* its answer was noticed late: 50 are left */
    trial_end(&trial, 0, CALL_OK, 850);
    cr_expect_eq(trial_expect_end(&trial, 850, REASON_INFEASIBLE).call, 2);
    cr_expect_neq(trial.ledger[1].outcome, CALL_RUNNING);
    cr_expect_neq(trial.ledger[2].outcome, CALL_RUNNING);
}

Test(plan_steps, nothing_is_started_with_nothing_left)
{
    static const struct call_policy calls[] = {{.budget = FIXED(500)}, {.budget = FIXED(500)}};
    struct trial trial;

    trial_open(&trial, of_calls(calls, one_by_one));
    trial_expect_calls(&trial, 0);
    trial_end(&trial, 0, CALL_OK, 900);
    cr_expect_eq(trial_expect_end(&trial, 900, REASON_INFEASIBLE).call, 1);
}

Test(plan_steps, a_required_failure_ends_the_request_while_siblings_run)
{
    static const struct {
        enum call_outcome outcome;
        enum reason reason;
    } rows[] = {
        {CALL_TIMEOUT, REASON_CALL},         {CALL_QUEUED_OUT, REASON_QUEUE},
        {CALL_UPLOAD_OUT, REASON_UPLOAD},    {CALL_DNS_TIMEOUT, REASON_CALL},
        {CALL_CONNECT_TIMEOUT, REASON_CALL}, {CALL_DNS_ERROR, REASON_FAILED},
        {CALL_REFUSED, REASON_FAILED},       {CALL_BROKEN, REASON_FAILED},
        {CALL_INVALID, REASON_FAILED},       {CALL_STATUS, REASON_FAILED},
        {CALL_QUEUE_FULL, REASON_OVERLOAD},  {CALL_NO_MEMORY, REASON_OVERLOAD},
    };
    static const struct call_policy calls[] = {{.budget = FIXED(500)}, {.budget = FIXED(500)}};

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct trial trial;

        cr_expect_eq(plan_reason(rows[i].outcome), rows[i].reason, "row %zu", i);
        trial_open(&trial, of_calls(calls, a_pair));
        trial_expect_calls(&trial, 0);
        trial_end(&trial, 1, rows[i].outcome, 50);
        cr_expect_eq(trial_expect_end(&trial, 50, rows[i].reason).call, 1);
    }
}

Test(plan_steps, an_optional_failure_leaves_a_gap_and_the_rest_goes_on)
{
    static const struct call_policy calls[] = {
        {.budget = FIXED(500), .optional = true},
        {.budget = FIXED(500)},
    };

    for (int outcome = CALL_TIMEOUT; outcome <= CALL_STATUS; outcome++) {
        struct trial trial;

        trial_open(&trial, of_calls(calls, one_by_one));
        trial_expect_calls(&trial, 0);
        trial_end(&trial, 0, (enum call_outcome)outcome, 50);
        trial_expect_calls(&trial, 50);
        trial_expect_granted(&trial, 1, 500);
    }
}

Test(plan_steps, an_answer_that_cannot_be_on_its_way_in_time_is_given_up)
{
    static const struct call_policy calls[] = {{.budget = FIXED(500)}};
    static const struct step_policy steps[] = {{0, 1}, {0, 0}};
    static const struct {
        int64_t now_ms;
        enum decision_kind kind;
    } rows[] = {
        {900, DECIDE_ANSWER}, {979, DECIDE_ANSWER}, {980, DECIDE_GIVE_UP}, {2000, DECIDE_GIVE_UP}};

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct trial trial;

        trial_open(&trial, of_calls(calls, steps));
        trial_expect_calls(&trial, 0);
        trial_end(&trial, 0, CALL_OK, 400);
        struct decision decision = plan_next(&trial.plan, at_ms(rows[i].now_ms));

        cr_expect_eq(decision.kind, rows[i].kind, "row %zu", i);
        if (decision.kind == DECIDE_GIVE_UP) {
            cr_expect_eq(decision.reason, REASON_LOCAL);
            cr_expect_eq(decision.call, NO_CALL);
        }
    }
}

Test(plan_steps, without_a_call_under_way_the_alarm_is_for_the_reply)
{
    static const struct call_policy calls[] = {{.budget = FIXED(500)}, {.budget = FIXED(500)}};
    struct trial trial;

    trial_open(&trial, of_calls(calls, one_by_one));
    expect_point(plan_alarm(&trial.plan), 980);
    trial_expect_calls(&trial, 10);
    expect_point(plan_alarm(&trial.plan), 510);
    trial_end(&trial, 0, CALL_OK, 20);
    expect_point(plan_alarm(&trial.plan), 980);
}

Test(plan_steps, reasons_are_named_as_clients_read_them)
{
    static const char *const names[] = {
        [REASON_ARRIVAL] = "arrival",   [REASON_INFEASIBLE] = "infeasible",
        [REASON_CALL] = "call",         [REASON_QUEUE] = "queue",
        [REASON_LOCAL] = "local",       [REASON_UPLOAD] = "upload",
        [REASON_DRAIN] = "drain",       [REASON_FAILED] = "failed",
        [REASON_OVERLOAD] = "overload",
    };

    for (int i = REASON_ARRIVAL; i <= REASON_OVERLOAD; i++)
        cr_expect_str_eq(reason_name((enum reason)i), names[i]);
}
