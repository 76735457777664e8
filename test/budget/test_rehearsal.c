#include "budget/rehearsal.h"

#include <criterion/criterion.h>

#include "test/support/trial.h"

/* 1000 ms, 100 of them kept back: a look-up, with a cache behind it, then two side by side. */
enum { LOOK_UP, PAGE, ADVERT, CACHE };

static const struct call_policy calls[] = {
    [LOOK_UP] = {.budget = FIXED(300), .fallback = CACHE},
    [PAGE] = {.budget = FIXED(400), .min = MS(50)},
    [ADVERT] = {.budget = FIXED(200), .optional = true},
    [CACHE] = {.budget = FIXED(100)},
};
static const struct step_policy steps[] = {{0, 1}, {1, 2}};
static const struct policy policy = {
    .default_budget = MS(1000),
    .max = MS(5000),
    .local = FIXED(100),
    .reply = AUTO,
    .calls = calls,
    .calls_count = 4,
    .steps = steps,
    .steps_count = 2,
};

/* ---- rehearse --------------------------------------------------------------------------------- */

static struct rehearsed_call takes_ms(int64_t ms, enum call_outcome ends)
{
    return (struct rehearsed_call){.takes = span_ms(ms), .ends = ends};
}

static void expect_over(const struct rehearsal *rehearsal, int64_t ms)
{
    cr_expect_eq(rehearsal->over.ns, span_ms(ms).ns, "%lld", (long long)rehearsal->over.ns);
}

static void expect_outcome(const struct rehearsal *rehearsal, size_t call,
                           enum call_outcome outcome)
{
    cr_expect_str_eq(call_outcome_name(rehearsal->ledger[call].outcome),
                     call_outcome_name(outcome));
}

Test(rehearsal, calls_that_take_all_they_are_granted_end_well_just_then)
{
    struct rehearsed_call well[4];
    struct rehearsal rehearsal;

    for (size_t i = 0; i < 4; i++)
        well[i] =
            (struct rehearsed_call){.takes = SPAN_FOREVER, .is_in_time = true, .ends = CALL_OK};
    rehearse(&rehearsal, &policy, NULL, well);
    cr_expect_eq(rehearsal.end.kind, DECIDE_ANSWER);
    expect_over(&rehearsal, 700);
    expect_span(rehearsal.ledger[PAGE].granted, 400);
    expect_span(rehearsal.ledger[ADVERT].granted, 200);
    expect_outcome(&rehearsal, CACHE, CALL_WAITING);
}

Test(rehearsal, a_call_that_takes_more_than_its_grant_is_cut_and_stood_in_for)
{
    const struct rehearsed_call script[] = {takes_ms(301, CALL_OK), takes_ms(100, CALL_OK),
                                            takes_ms(201, CALL_OK), takes_ms(100, CALL_OK)};
    struct rehearsal rehearsal;

    rehearse(&rehearsal, &policy, NULL, script);
    cr_expect_eq(rehearsal.end.kind, DECIDE_ANSWER);
    expect_outcome(&rehearsal, LOOK_UP, CALL_TIMEOUT);
    expect_outcome(&rehearsal, CACHE, CALL_OK);
    expect_outcome(&rehearsal, ADVERT, CALL_TIMEOUT);
    expect_over(&rehearsal, 300 + 100 + 200);
}

Test(rehearsal, a_required_failure_ends_it_at_once_and_cancels_what_runs_beside_it)
{
    const struct rehearsed_call script[] = {takes_ms(10, CALL_OK), takes_ms(100, CALL_BROKEN),
                                            takes_ms(150, CALL_OK), takes_ms(0, CALL_OK)};
    struct rehearsal rehearsal;

    rehearse(&rehearsal, &policy, NULL, script);
    cr_expect_eq(rehearsal.end.kind, DECIDE_GIVE_UP);
    cr_expect_eq(rehearsal.end.reason, REASON_FAILED);
    cr_expect_eq(rehearsal.end.call, PAGE);
    expect_outcome(&rehearsal, ADVERT, CALL_CANCELLED);
    expect_over(&rehearsal, 110);
}

Test(rehearsal, a_call_that_is_in_time_ends_as_it_does_when_its_grant_is_over)
{
    const struct rehearsed_call script[] = {
        {.takes = MS(5000), .ends = CALL_BROKEN, .is_in_time = true},
        takes_ms(100, CALL_OK),
        takes_ms(100, CALL_OK),
        {.takes = MS(20), .ends = CALL_OK, .is_in_time = true},
    };
    struct rehearsal rehearsal;

    rehearse(&rehearsal, &policy, NULL, script);
    expect_outcome(&rehearsal, LOOK_UP, CALL_BROKEN);
    expect_over(&rehearsal, 300 + 20 + 100);
}

Test(rehearsal, a_call_that_yields_fails_only_if_another_can_stand_in_for_it)
{
    struct rehearsed_call script[] = {takes_ms(10, CALL_OK), takes_ms(10, CALL_OK),
                                      takes_ms(10, CALL_OK), takes_ms(10, CALL_OK)};
    struct rehearsal rehearsal;

    for (size_t i = 0; i < 4; i++)
        script[i].yields = true;
    rehearse(&rehearsal, &policy, NULL, script);
    expect_outcome(&rehearsal, LOOK_UP, CALL_BROKEN);
    expect_outcome(&rehearsal, CACHE, CALL_OK);
    expect_outcome(&rehearsal, PAGE, CALL_OK);
    expect_over(&rehearsal, 30);
}

Test(rehearsal, what_is_only_observed_is_granted_all_there_is)
{
    const struct rehearsed_call script[] = {takes_ms(2000, CALL_OK), takes_ms(2000, CALL_OK),
                                            takes_ms(100, CALL_OK), takes_ms(0, CALL_OK)};
    struct rehearsal rehearsal;

    rehearse_observed(&rehearsal, &policy, script);
    cr_expect_eq(rehearsal.end.kind, DECIDE_ANSWER);
    expect_span(rehearsal.ledger[LOOK_UP].granted, 4930);
    expect_over(&rehearsal, 4000);
}

/* ---- as late as can be ------------------------------------------------------------------------ */

static void expect_latest(const struct policy *its, const struct span *takes, int64_t ms)
{
    const struct rehearsed_call at_once[4] = {
        {.ends = CALL_OK}, {.ends = CALL_OK}, {.ends = CALL_OK}, {.ends = CALL_OK}};
    struct rehearsal rehearsal;

    rehearse(&rehearsal, its, NULL, at_once);
    cr_expect_eq(rehearse_latest(&rehearsal, takes).ns, span_ms(ms).ns);
}

/* The cache follows a look-up that has failed, then comes the page: the advert does not count. */
Test(rehearsal, the_latest_end_is_that_of_required_calls_behind_what_stood_in)
{
    static const struct span all[] = {SPAN_FOREVER, SPAN_FOREVER, SPAN_FOREVER, SPAN_FOREVER};
    static const struct span some[] = {MS(250), MS(120), MS(1000), MS(70)};

    expect_latest(&policy, all, 300 + 100 + 400);
    expect_latest(&policy, some, 250 + 70 + 120);
}

/* The cache needs 700 of the 850 ms that its step has: only a look-up that fails at 150 leaves them,
 * and then it may last until 850. */
Test(rehearsal, a_call_may_fail_just_in_time_for_what_stands_in)
{
    static const struct span all[] = {SPAN_FOREVER, SPAN_FOREVER, SPAN_FOREVER, SPAN_FOREVER};
    struct call_policy changed[4];
    struct policy its = policy;

    for (size_t i = 0; i < 4; i++)
        changed[i] = calls[i];
    changed[CACHE].min = span_ms(700);
    its.calls = changed;
    expect_latest(&its, all, 900);
    changed[CACHE].min = span_ms(851);
    expect_latest(&its, all, 300 + 400);
}

Test(rehearsal, what_never_begins_ends_at_the_start)
{
    static const struct span all[] = {SPAN_FOREVER, SPAN_FOREVER, SPAN_FOREVER, SPAN_FOREVER};
    struct policy its = policy;

    its.default_budget = span_ms(149);
    expect_latest(&its, all, 0);
}

/* ---- once more -------------------------------------------------------------------------------- */

/* A request that was observed: it asked for 1000 ms; times are since its start. */
static void observe(struct trial *trial)
{
    trial_open(trial, policy);
    plan_observe(&trial->plan);
}

static void again(struct rehearsal *rehearsal, const struct trial *trial, int64_t ended_ms)
{
    rehearse_again(rehearsal, &trial->plan, at_ms(ended_ms));
}

/* The whole of it, when nothing fails: the look-up, then the page and the advert. */
static void play(struct trial *trial, int64_t look_up_ms, int64_t page_ms, int64_t advert_ms)
{
    observe(trial);
    trial_expect_calls(trial, 0);
    trial_end(trial, LOOK_UP, CALL_OK, look_up_ms);
    trial_expect_calls(trial, look_up_ms);
    trial_end(trial, PAGE, CALL_OK, look_up_ms + page_ms);
    trial_end(trial, ADVERT, CALL_OK, look_up_ms + advert_ms);
    trial_expect(trial, look_up_ms + (page_ms > advert_ms ? page_ms : advert_ms), DECIDE_ANSWER);
}

Test(rehearsal, an_observed_request_that_was_in_time_would_have_been_answered_just_so)
{
    struct trial trial;
    struct rehearsal rehearsal;

    play(&trial, 300, 400, 200);
    again(&rehearsal, &trial, 999);
    cr_expect_eq(rehearsal.end.kind, DECIDE_ANSWER);
    cr_expect_not(rehearsal.is_late);
    expect_point(rehearsal.over, 700);
    expect_point(rehearsal.plan.hard, 1000);
    for (size_t i = LOOK_UP; i <= ADVERT; i++) {
        expect_outcome(&rehearsal, i, CALL_OK);
        cr_expect_eq(rehearsal.ledger[i].ended.ns, trial.ledger[i].ended.ns);
    }
}

Test(rehearsal, a_required_call_that_was_too_slow_would_have_been_cut_and_blamed)
{
    struct trial trial;
    struct rehearsal rehearsal;

    play(&trial, 100, 401, 100);
    again(&rehearsal, &trial, 600);
    cr_expect_eq(rehearsal.end.kind, DECIDE_GIVE_UP);
    cr_expect_eq(rehearsal.end.reason, REASON_CALL);
    cr_expect_eq(rehearsal.end.call, PAGE);
    expect_outcome(&rehearsal, PAGE, CALL_TIMEOUT);
    expect_outcome(&rehearsal, ADVERT, CALL_OK);
    expect_point(rehearsal.over, 500);
}

Test(rehearsal, an_optional_call_that_was_too_slow_would_have_left_a_gap)
{
    struct trial trial;
    struct rehearsal rehearsal;

    play(&trial, 100, 300, 3000);
    again(&rehearsal, &trial, 3200);
    cr_expect_eq(rehearsal.end.kind, DECIDE_ANSWER);
    expect_outcome(&rehearsal, ADVERT, CALL_TIMEOUT);
    expect_point(rehearsal.over, 400);
}

Test(rehearsal, a_call_for_which_nothing_is_left_would_have_been_blamed_without_being_made)
{
    struct trial trial;
    struct rehearsal rehearsal;

    trial_open_asked(&trial, policy, 149);
    plan_observe(&trial.plan);
    trial_expect_calls(&trial, 0);
    trial_end(&trial, LOOK_UP, CALL_OK, 10);
    again(&rehearsal, &trial, 10);
    cr_expect_eq(rehearsal.end.reason, REASON_INFEASIBLE);
    cr_expect_eq(rehearsal.plan.steps_begun, 0);
}

Test(rehearsal, what_came_with_an_expired_budget_would_have_been_refused)
{
    struct trial trial;
    struct rehearsal rehearsal;

    trial_open_asked(&trial, policy, 0);
    plan_observe(&trial.plan);
    trial_expect_calls(&trial, 1);
    trial_end(&trial, LOOK_UP, CALL_REFUSED, 10);
    again(&rehearsal, &trial, 11);
    cr_expect_eq(rehearsal.end.reason, REASON_ARRIVAL);
}

Test(rehearsal, the_waits_before_and_between_the_steps_are_kept)
{
    struct trial trial;
    struct rehearsal rehearsal;

    observe(&trial);
    trial_expect_calls(&trial, 400);
    trial_end(&trial, LOOK_UP, CALL_OK, 500);
    trial_expect_calls(&trial, 650);
    trial_expect_granted(&trial, PAGE, 4330);
    trial_end(&trial, ADVERT, CALL_OK, 651);
    trial_end(&trial, PAGE, CALL_OK, 901);
    trial_expect(&trial, 901, DECIDE_ANSWER);
    again(&rehearsal, &trial, 950);
    expect_point(rehearsal.ledger[LOOK_UP].started, 400);
    expect_point(rehearsal.ledger[PAGE].started, 650);
    expect_span(rehearsal.ledger[PAGE].granted, 250);
    cr_expect_eq(rehearsal.end.reason, REASON_CALL);
    cr_expect_eq(rehearsal.end.call, PAGE);
}

Test(rehearsal, a_request_that_waited_for_its_body_until_it_was_too_late_would_have_been_refused)
{
    struct trial trial;
    struct rehearsal rehearsal;

    observe(&trial);
    again(&rehearsal, &trial, 900);
    cr_expect_eq(rehearsal.end.reason, REASON_INFEASIBLE);
    again(&rehearsal, &trial, 849);
    cr_expect_eq(rehearsal.end.kind, DECIDE_ANSWER);
}

Test(rehearsal, an_answer_that_took_too_long_to_send_would_have_been_broken_off)
{
    struct trial trial;
    struct rehearsal rehearsal;

    play(&trial, 300, 400, 100);
    again(&rehearsal, &trial, 1000);
    cr_expect_eq(rehearsal.end.kind, DECIDE_GIVE_UP);
    cr_expect_eq(rehearsal.end.reason, REASON_LOCAL);
    cr_expect_eq(rehearsal.end.call, NO_CALL);
    cr_expect(rehearsal.is_late);
}

Test(rehearsal, what_stood_in_does_so_again_only_sooner_if_its_call_would_have_been_cut)
{
    struct trial trial;
    struct rehearsal rehearsal;

    observe(&trial);
    trial_expect_calls(&trial, 0);
    trial_end(&trial, LOOK_UP, CALL_BROKEN, 2000);
    trial_expect_calls(&trial, 2000);
    trial_end(&trial, CACHE, CALL_OK, 2080);
    trial_expect_calls(&trial, 2080);
    trial_end(&trial, PAGE, CALL_OK, 2100);
    trial_end(&trial, ADVERT, CALL_OK, 2100);
    again(&rehearsal, &trial, 2101);
    cr_expect_eq(rehearsal.end.kind, DECIDE_ANSWER);
    expect_outcome(&rehearsal, LOOK_UP, CALL_TIMEOUT);
    expect_point(rehearsal.ledger[CACHE].started, 300);
    expect_point(rehearsal.ledger[CACHE].ended, 380);
    expect_point(rehearsal.over, 400);
}

Test(rehearsal, a_stand_in_that_was_not_needed_is_taken_to_answer_at_once)
{
    struct trial trial;
    struct rehearsal rehearsal;

    play(&trial, 301, 100, 100);
    again(&rehearsal, &trial, 500);
    cr_expect_eq(rehearsal.end.kind, DECIDE_ANSWER);
    expect_outcome(&rehearsal, LOOK_UP, CALL_TIMEOUT);
    expect_point(rehearsal.ledger[CACHE].ended, 300);
    expect_point(rehearsal.over, 400);
}

Test(rehearsal, a_cancelled_call_is_judged_by_the_time_it_had_lasted_and_no_more)
{
    static const struct {
        int64_t left_ms; /* the client did */
        enum decision_kind kind;
    } rows[] = {{399, DECIDE_ANSWER}, {400, DECIDE_ANSWER}, {401, DECIDE_GIVE_UP}};

    for (size_t i = 0; i < 3; i++) {
        struct trial trial;
        struct rehearsal rehearsal;

        observe(&trial);
        trial_expect_calls(&trial, 0);
        trial_end(&trial, LOOK_UP, CALL_OK, 0);
        trial_expect_calls(&trial, 0);
        trial_end(&trial, ADVERT, CALL_OK, 0);
        trial_end(&trial, PAGE, CALL_CANCELLED, rows[i].left_ms);
        again(&rehearsal, &trial, rows[i].left_ms);
        cr_expect_eq(rehearsal.end.kind, rows[i].kind, "row %zu", i);
    }
}

Test(rehearsal, a_failure_that_was_no_matter_of_time_is_still_one)
{
    struct trial trial;
    struct rehearsal rehearsal;

    observe(&trial);
    trial_expect_calls(&trial, 0);
    trial_end(&trial, LOOK_UP, CALL_OK, 10);
    trial_expect_calls(&trial, 10);
    trial_end(&trial, PAGE, CALL_STATUS, 20);
    cr_expect_eq(trial_expect_end(&trial, 20, REASON_FAILED).call, PAGE);
    trial_end(&trial, ADVERT, CALL_CANCELLED, 20);
    again(&rehearsal, &trial, 21);
    cr_expect_eq(rehearsal.end.kind, DECIDE_GIVE_UP);
    cr_expect_eq(rehearsal.end.reason, REASON_FAILED);
    cr_expect_eq(rehearsal.end.call, PAGE);
}
