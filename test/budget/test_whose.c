#include "budget/whose.h"

#include <criterion/criterion.h>

#include "test/support/trial.h"

/* Of 1000 ms, 900 for the calls: one of its own 300, a quarter of the whole, and what is left. */
enum { FIXED_CALL, SHARE_CALL, REST_CALL };

static const struct call_policy calls[] = {
    [FIXED_CALL] = {.budget = FIXED(300)},
    [SHARE_CALL] = {.budget = PERCENT(25)},
    [REST_CALL] = {.budget = REST},
};
static const struct step_policy side_by_side[] = {{0, 3}};
static const struct policy policy = {
    .default_budget = MS(1000),
    .max = MS(2000),
    .local = FIXED(100),
    .reply = FIXED(5),
    .calls = calls,
    .calls_count = 3,
    .steps = side_by_side,
    .steps_count = 1,
};

/* A negative number: the client asked for nothing. */
static void begin(struct trial *trial, int64_t asked_ms)
{
    if (asked_ms < 0)
        trial_open(trial, policy);
    else
        trial_open_asked(trial, policy, asked_ms);
    trial_expect_calls(trial, 0);
}

/* The call is cut so long after the end of its grant; by then its answer was there. */
static enum whose found(struct trial *trial, int call, int64_t late_ms)
{
    struct span granted = trial->ledger[call].granted;
    const struct whose_end end = {.reason = REASON_CALL, .call = call};

    trial->ledger[call].came_late = true;
    trial_end(trial, (size_t)call, CALL_TIMEOUT, span_floor_ms(granted) + late_ms);
    return whose_limit(&trial->plan, &end);
}

/* The same, and no answer was there. */
static enum whose cut(struct trial *trial, int call, bool has_asked, int64_t late_ms)
{
    struct span granted = trial->ledger[call].granted;
    const struct whose_end end = {.reason = REASON_CALL, .call = call, .has_asked = has_asked};

    trial_end(trial, (size_t)call, CALL_TIMEOUT, span_floor_ms(granted) + late_ms);
    return whose_limit(&trial->plan, &end);
}

static void expect_whose(enum whose found, enum whose expected)
{
    cr_expect_eq(found, expected, "%s, not %s", whose_name(found), whose_name(expected));
}

Test(whose, is_the_calls_where_it_was_granted_all_of_its_own)
{
    struct trial trial;

    begin(&trial, -1);
    expect_whose(cut(&trial, FIXED_CALL, false, 0), WHOSE_CALL);
    expect_whose(cut(&trial, SHARE_CALL, false, 1), WHOSE_CALL);
}

Test(whose, is_the_default_of_the_route_where_that_ends_a_call_that_may_take_the_rest)
{
    struct trial trial;

    begin(&trial, -1);
    expect_whose(cut(&trial, REST_CALL, false, 0), WHOSE_DEFAULT);
}

Test(whose, is_the_clients_where_it_left_the_call_less_than_that)
{
    struct trial trial;

    begin(&trial, 380);
    expect_whose(cut(&trial, FIXED_CALL, true, 0), WHOSE_CLIENT);
    expect_whose(cut(&trial, SHARE_CALL, true, 0), WHOSE_CLIENT);
    expect_whose(cut(&trial, REST_CALL, true, 0), WHOSE_CLIENT);
}

Test(whose, is_the_calls_though_the_client_sent_a_budget_which_was_large_enough)
{
    struct trial trial;

    begin(&trial, 1000);
    expect_whose(cut(&trial, FIXED_CALL, true, 0), WHOSE_CALL);
}

Test(whose, is_the_most_that_a_client_may_ask_for_where_it_asked_for_more)
{
    struct trial trial;

    begin(&trial, 60000);
    expect_whose(cut(&trial, REST_CALL, true, 0), WHOSE_MAX);
}

Test(whose, is_the_most_where_a_request_is_only_observed)
{
    struct trial trial;

    trial_open_asked(&trial, policy, 500);
    plan_observe(&trial.plan);
    trial_expect_calls(&trial, 0);
    expect_whose(cut(&trial, FIXED_CALL, true, 0), WHOSE_MAX);
}

Test(whose, is_the_proxys_where_an_answer_was_found_far_too_late)
{
    struct trial trial;

    begin(&trial, -1);
    expect_whose(found(&trial, FIXED_CALL, 20), WHOSE_PROXY);
    expect_whose(found(&trial, SHARE_CALL, 19), WHOSE_CALL);
    expect_whose(found(&trial, REST_CALL, 400), WHOSE_PROXY);
}

Test(whose, is_not_the_proxys_where_no_answer_had_come_however_late_that_was_noticed)
{
    struct trial trial;

    begin(&trial, -1);
    expect_whose(cut(&trial, FIXED_CALL, false, 20), WHOSE_CALL);
    expect_whose(cut(&trial, REST_CALL, false, 400), WHOSE_DEFAULT);
}

Test(whose, is_the_calls_where_another_limit_of_its_own_ended_it_before)
{
    struct trial trial;

    begin(&trial, 380);
    expect_whose(cut(&trial, REST_CALL, true, -50), WHOSE_CALL);
}

/* 40 ms of a grant are the call's min: who waits for a place gives up before they are all there is. */
Test(whose, is_the_clients_where_a_call_found_no_place_in_the_little_time_that_it_left)
{
    static const enum call_outcome outcomes[] = {CALL_QUEUED_OUT, CALL_DNS_TIMEOUT};

    for (size_t i = 0; i < sizeof outcomes / sizeof *outcomes; i++) {
        struct trial trial;
        const struct whose_end end = {
            .reason = plan_reason(outcomes[i]), .call = REST_CALL, .has_asked = true};
        begin(&trial, 380);
        trial_end(&trial, REST_CALL, outcomes[i],
                  span_floor_ms(trial.ledger[REST_CALL].granted) - 40);
        expect_whose(whose_limit(&trial.plan, &end), WHOSE_CLIENT);
    }
}

Test(whose, goes_by_the_reason_where_no_grant_ran_out)
{
    static const struct {
        enum reason reason;
        bool has_asked;
        enum whose whose;
    } ends[] = {
        {REASON_ARRIVAL, true, WHOSE_CLIENT},      {REASON_INFEASIBLE, true, WHOSE_CLIENT},
        {REASON_INFEASIBLE, false, WHOSE_DEFAULT}, {REASON_LOCAL, false, WHOSE_DEFAULT},
        {REASON_UPLOAD, false, WHOSE_CLIENT},      {REASON_DRAIN, true, WHOSE_DRAIN},
        {REASON_FAILED, true, WHOSE_NOBODY},       {REASON_OVERLOAD, true, WHOSE_NOBODY},
        {REASON_NONE, true, WHOSE_CLIENT},         {REASON_NONE, false, WHOSE_DEFAULT},
    };

    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        struct trial trial;
        const struct whose_end end = {
            .reason = ends[i].reason, .call = NO_CALL, .has_asked = ends[i].has_asked};
        trial_open_asked(&trial, policy, 600);
        expect_whose(whose_limit(&trial.plan, &end), ends[i].whose);
    }
}
