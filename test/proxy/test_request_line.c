/* The line of a request in the log: who has one, and what it says. That it cannot be forged is tested
 * from outside, in test_forging.c. */
#include "proxy/request_line.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "conf/json.h"
#include "proxy/record_json.h"
#include "proxy/trace.h"
#include "test/support/logfmt.h"
#include "test/support/made_record.h"

static char room[REQUEST_LINE_MAX + 2];

static const char *written(const struct record *record)
{
    struct writer writer = writer_on(room, REQUEST_LINE_MAX);

    request_line_write(&writer, record, 1795391510123);
    cr_assert_not(writer.is_cut);
    *writer.at = '\0';
    return room;
}

Test(request_line, of_a_request_that_timed_out_has_all_that_is_known_in_a_fixed_order)
{
    struct record record = made_timed_out();

    record.calls[1].status = 503;
    cr_expect_str_eq(
        written(&record),
        "time=2026-11-22T23:51:50.123Z request_id=r-1 trace_id=4bf92f3577b34da6a3ce929d0e0e4736 "
        "client=192.0.2.1 route=page method=GET path=/page/7 status=504 outcome=timeout "
        "termination=BH reason=call whose=call call=price elapsed_ms=350.0 upload_ms=2.0 "
        "bytes_up=3 "
        "bytes_down=212 budget_ms=400 source=X-Request-Timeout-Ms local_ms=1.0 queue_ms=20.0 "
        "calls=\"stock:ok:31.2/100.0 price:timeout:300.0/300.0:status=503:attempts=2:queued=20.0\" "
        "mode=enforce");
}

Test(request_line, without_a_route_has_nothing_of_a_budget)
{
    struct record record = made_answered();

    record.route = NULL;
    record.calls_count = 0;
    record.status = 404;
    record.ending = ENDING_REFUSED;
    cr_expect_str_eq(
        written(&record),
        "time=2026-11-22T23:51:50.123Z request_id=r-1 trace_id=4bf92f3577b34da6a3ce929d0e0e4736 "
        "client=192.0.2.1 route=- method=GET path=/page/7 status=404 outcome=refused "
        "termination=RA elapsed_ms=80.0 upload_ms=0.0 bytes_up=0 bytes_down=0");
}

Test(request_line, shows_a_query_only_when_that_may_be_shown)
{
    struct record record = made_answered();

    cr_expect_null(strstr(written(&record), "secret"));
    record.shows_query = true;
    cr_expect_not_null(strstr(written(&record), " path=\"/page/7?secret=1\" "), "%s", room);
    record.query = TEXT_NONE;
    cr_expect_not_null(strstr(written(&record), " path=/page/7 "), "%s", room);
}

/* ---- which -------------------------------------------------------------------------------------- */

static const struct conf_proxy ALL = {.log_sample = SHARE_WHOLE};
static const struct conf_proxy FAILED = {.log_when = {.kind = LOG_WHEN_FAILED}};
static const struct conf_proxy SLOW = {.log_when = {.kind = LOG_WHEN_SLOW, .share = 800000}};

Test(request_line, is_slow_with_more_than_the_share_to_the_nanosecond)
{
    struct record record = made_answered();

    cr_expect_not(request_line_is_due(&SLOW, &record), "80 of 100 ms is not more than 80%%");
    record.ended.ns++;
    cr_expect(request_line_is_due(&SLOW, &record));
    cr_expect_not(request_line_is_due(&FAILED, &record));
    cr_expect(request_line_is_due(&ALL, &record));
}

Test(request_line, longest_budgets_are_compared_exactly)
{
    struct record record = made_answered();

    record.budget = span_s(86400);
    record.ended.ns = span_s(69120).ns;
    cr_expect_not(request_line_is_due(&SLOW, &record));
    record.ended.ns++;
    cr_expect(request_line_is_due(&SLOW, &record));
}

Test(request_line, is_there_for_whatever_did_not_end_well)
{
    struct record record = made_answered();

    for (enum ending ending = 0; ending < ENDINGS; ending++) {
        record.ending = ending;
        cr_expect_eq(request_line_is_due(&FAILED, &record), ending != ENDING_OK, "%s",
                     ending_name(ending));
        cr_expect_eq(request_line_is_due(&SLOW, &record), ending != ENDING_OK, "%s",
                     ending_name(ending));
    }
}

enum { IDS = 20000 };

static bool is_due(int32_t sample, unsigned number)
{
    const struct conf_proxy conf = {.log_sample = sample};
    struct record record = made_answered();
    char id[32];

    snprintf(id, sizeof(id), "request-%u", number);
    record.id = text_of(id);
    return request_line_is_due(&conf, &record);
}

Test(request_line, a_sample_is_so_large_as_it_says_and_a_larger_one_holds_it)
{
    unsigned tenths = 0;
    unsigned halves = 0;

    for (unsigned i = 0; i < IDS; i++) {
        bool is_tenth = is_due(SHARE_WHOLE / 10, i);
        bool is_half = is_due(SHARE_WHOLE / 2, i);
        cr_assert(is_half || !is_tenth, "request-%u", i);
        cr_assert_not(is_due(0, i));
        tenths += is_tenth;
        halves += is_half;
    }
    cr_expect(tenths > IDS / 10 * 9 / 10 && tenths < IDS / 10 * 11 / 10, "%u", tenths);
    cr_expect(halves > IDS / 2 * 9 / 10 && halves < IDS / 2 * 11 / 10, "%u", halves);
}

/* Of those that enforce-share = 50% takes, half are in a sample of 50%. */
Test(request_line, a_sample_has_nothing_to_do_with_who_is_enforced)
{
    unsigned both = 0;

    for (unsigned i = 0; i < IDS; i++) {
        char id[32];
        snprintf(id, sizeof(id), "request-%u", i);
        bool is_enforced = trace_lot(text_of(id), SHARE_WHOLE) < SHARE_WHOLE / 2;
        both += is_enforced && is_due(SHARE_WHOLE / 2, i);
    }
    cr_expect(both > IDS / 4 * 9 / 10 && both < IDS / 4 * 11 / 10, "%u", both);
}

Test(request_line, a_call_whose_answer_was_not_valid_says_why_behind_its_times)
{
    struct record record = made_timed_out();

    cr_expect_null(strstr(written(&record), "fault="));
    record.calls[1].outcome = CALL_INVALID;
    record.calls[1].fault = FAULT_LENGTHS;
    cr_expect_not_null(strstr(written(&record), "price:invalid:300.0/300.0:fault=two_lengths:"));
}

/* ---- the longest -------------------------------------------------------------------------------- */

static char long_name[33];
static char long_path[8000];
static struct conf_call long_call = {.name = long_name};
static struct conf_route long_route = {.name = long_name};

/* All that can be long is as long as it can be, and of bytes that grow when they are written. */
static struct record longest(void)
{
    struct record record = made_answered();
    const struct span day = span_s(86400);

    memset(long_name, 'n', sizeof(long_name) - 1);
    memset(long_path, '"', sizeof(long_path));
    record.route = &long_route;
    record.id = (struct text){.at = long_path, .count = 128};
    record.path = (struct text){.at = long_path, .count = sizeof(long_path)};
    record.query = record.path;
    record.shows_query = true;
    record.unfilled = (struct text){.at = long_path, .count = 200};
    record.ending = ENDING_UPSTREAM_5XX;
    record.reason = REASON_INFEASIBLE;
    record.blamed = 0;
    record.bytes_up = record.bytes_down = INT64_MAX;
    record.ended.ns = record.budget.ns = record.local.ns = record.upload.ns = day.ns - 1000;
    record.queue = record.local;
    record.is_observed = true;
    record.verdict = (struct verdict){
        .would = WOULD_BREAK_OFF, .reason = REASON_INFEASIBLE, .cut = ~UINT32_C(1), .skipped = 1};
    record.calls_count = PLAN_CALLS_MAX;
    for (size_t i = 0; i < PLAN_CALLS_MAX; i++) {
        record.calls[i] = (struct record_call){.conf = &long_call,
                                               .outcome = CALL_CONNECT_TIMEOUT,
                                               .fault = FAULT_LENGTH_AND_CHUNKS,
                                               .status = 599,
                                               .attempts = 11,
                                               .begun = record.local,
                                               .granted = record.local,
                                               .used = record.local,
                                               .queued = record.local};
    }
    return record;
}

Test(request_line, fits_when_it_is_as_long_as_it_can_be)
{
    struct record record = longest();

    written(&record);
    strcat(room, "\n");
    cr_expect_eq(logfmt_count(room), 1);
}

Test(request_line, as_json_fits_when_it_is_as_long_as_it_can_be)
{
    struct record record = longest();
    struct writer writer = writer_on(room, REQUEST_LINE_MAX);

    record_json_write(&writer, &record, 0);
    cr_assert_not(writer.is_cut);
    cr_expect(json_is_value(writer_text(&writer)));
}
