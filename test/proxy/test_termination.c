#include "proxy/termination.h"

#include <criterion/criterion.h>

#include "proxy/record.h"

/* A request that ended so, with one call that is not to blame for it. */
static struct record ended(enum ending ending, enum phase phase)
{
    return (struct record){
        .ending = ending,
        .blamed = NO_CALL,
        .phase = phase,
        .calls_count = 1,
        .calls = {{.outcome = CALL_OK, .reach = REACH_BODY}},
    };
}

/* The same, and its call is to blame. */
static struct record ended_by_call(enum ending ending, enum call_outcome outcome, enum reach reach)
{
    struct record record = ended(ending, PHASE_SENDING);

    record.blamed = 0;
    record.calls[0] = (struct record_call){.outcome = outcome, .reach = reach};
    return record;
}

static void expect(struct record record, const char *code)
{
    struct termination got = termination_of(&record);

    cr_expect_str_eq(got.code, code);
}

Test(termination, nobody_ended_what_was_answered_whatever_the_status)
{
    expect(ended(ENDING_OK, PHASE_SENDING), "--");
    expect(ended(ENDING_UPSTREAM_5XX, PHASE_SENDING), "--");
}

Test(termination, the_budget_ended_what_timed_out_where_its_call_was)
{
    expect(ended_by_call(ENDING_TIMEOUT, CALL_DNS_TIMEOUT, REACH_NAME), "BN");
    expect(ended_by_call(ENDING_TIMEOUT, CALL_QUEUED_OUT, REACH_QUEUE), "BQ");
    expect(ended_by_call(ENDING_TIMEOUT, CALL_CONNECT_TIMEOUT, REACH_CONNECT), "BC");
    expect(ended_by_call(ENDING_TIMEOUT, CALL_UPLOAD_OUT, REACH_SEND), "BS");
    expect(ended_by_call(ENDING_TIMEOUT, CALL_TIMEOUT, REACH_HEAD), "BH");
    expect(ended_by_call(ENDING_TIMEOUT, CALL_TIMEOUT, REACH_BODY), "BD");
}

Test(termination, a_budget_that_was_over_at_arrival_had_nothing_called)
{
    struct record record = ended(ENDING_TIMEOUT, PHASE_SENDING);

    record.reason = REASON_ARRIVAL;
    record.calls[0].outcome = CALL_WAITING;
    expect(record, "BA");
}

Test(termination, between_calls_it_was_the_proxys_own_work)
{
    struct record record = ended(ENDING_TIMEOUT, PHASE_SENDING);

    record.reason = REASON_LOCAL;
    expect(record, "BL");
}

Test(termination, an_upstream_ended_what_failed)
{
    expect(ended_by_call(ENDING_FAILED, CALL_REFUSED, REACH_CONNECT), "UC");
    expect(ended_by_call(ENDING_FAILED, CALL_BROKEN, REACH_HEAD), "UH");
    expect(ended_by_call(ENDING_FAILED, CALL_TOO_LARGE, REACH_BODY), "UD");
    expect(ended_by_call(ENDING_CUT, CALL_BROKEN, REACH_BODY), "UD");
}

Test(termination, the_proxy_ended_what_met_a_limit_or_could_not_be_asked)
{
    expect(ended_by_call(ENDING_OVERLOAD, CALL_QUEUE_FULL, REACH_QUEUE), "PQ");
    expect(ended_by_call(ENDING_FAILED, CALL_UNFILLED, REACH_NOTHING), "PL");
    expect(ended_by_call(ENDING_OVERLOAD, CALL_NO_MEMORY, REACH_BODY), "PD");
}

Test(termination, a_client_that_left_had_come_so_far)
{
    expect(ended_by_call(ENDING_CLIENT_GONE, CALL_CANCELLED, REACH_QUEUE), "CQ");
    expect(ended_by_call(ENDING_CLIENT_GONE, CALL_CANCELLED, REACH_HEAD), "CH");
    expect(ended_by_call(ENDING_CLIENT_GONE, CALL_CANCELLED, REACH_BODY), "CD");
    expect(ended(ENDING_CLIENT_GONE, PHASE_SENDING), "CT");
    struct record record = ended(ENDING_CLIENT_GONE, PHASE_GATHERING);
    record.calls[0].outcome = CALL_WAITING;
    expect(record, "CR");
}

Test(termination, a_reply_that_was_cut_was_cut_by_the_budget_or_the_drain)
{
    expect(ended_by_call(ENDING_CUT, CALL_TIMEOUT, REACH_BODY), "BD");
    expect(ended(ENDING_CUT, PHASE_SENDING), "BT");
    struct record record = ended_by_call(ENDING_CUT, CALL_CANCELLED, REACH_BODY);
    record.reason = REASON_DRAIN;
    expect(record, "DD");
}

/* Only such a body cancels a call that its reply waits for. */
Test(termination, a_client_whose_body_is_not_valid_has_cut_its_reply)
{
    expect(ended_by_call(ENDING_CUT, CALL_CANCELLED, REACH_BODY), "CD");
}

Test(termination, the_rules_refuse_before_anything_is_called)
{
    struct record record = ended(ENDING_REFUSED, PHASE_SENDING);

    record.calls_count = 0;
    expect(record, "RA");
    record.bytes_up = 1;
    expect(record, "RR");
    record.reason = REASON_UPLOAD;
    expect(record, "CR");
}
