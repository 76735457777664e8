#include "proxy/record_json.h"

#include <criterion/criterion.h>

#include "conf/json.h"
#include "test/support/made_record.h"

static char room[4096];

static struct text written(const struct record *record)
{
    struct writer writer = writer_on(room, sizeof room);

    record_json_write(&writer, record, 1795391510123);
    cr_assert_not(writer.is_cut);
    struct text text = writer_text(&writer);
    cr_assert(json_is_value(text), "not JSON: %.*s", (int)text.count, text.at);
    return text;
}

static void expect_at(struct text document, const char *pointer, const char *expected)
{
    struct text found = json_find(document, text_of(pointer));

    cr_assert_not_null(found.at, "nothing at %s", pointer);
    cr_expect(text_is(found, text_of(expected)), "%s is %.*s, not %s", pointer, (int)found.count,
              found.at, expected);
}

static void expect_none(struct text document, const char *pointer)
{
    cr_expect_null(json_find(document, text_of(pointer)).at, "%s", pointer);
}

Test(record_json, says_what_was_asked_and_how_it_ended)
{
    struct record record = made_timed_out();
    struct text document = written(&record);

    expect_at(document, "/time", "\"2026-11-22T23:51:50.123Z\"");
    expect_at(document, "/request_id", "\"r-1\"");
    expect_at(document, "/trace_id", "\"4bf92f3577b34da6a3ce929d0e0e4736\"");
    expect_at(document, "/client", "\"192.0.2.1\"");
    expect_at(document, "/route", "\"page\"");
    expect_at(document, "/method", "\"GET\"");
    expect_at(document, "/path", "\"/page/7\"");
    expect_at(document, "/status", "504");
    expect_at(document, "/outcome", "\"timeout\"");
    expect_at(document, "/termination", "\"BH\"");
    expect_at(document, "/reason", "\"call\"");
    expect_at(document, "/whose", "\"call\"");
    expect_at(document, "/call", "\"price\"");
    expect_at(document, "/elapsed_ms", "350");
    expect_at(document, "/mode", "\"enforce\"");
    expect_at(document, "/budget_ms", "400");
    expect_at(document, "/source", "\"X-Request-Timeout-Ms\"");
    expect_at(document, "/queue_ms", "20");
    expect_at(document, "/bytes_down", "212");
}

Test(record_json, says_what_each_call_that_was_begun_was_granted_and_used)
{
    struct record record = made_timed_out();
    struct text document = written(&record);

    expect_at(document, "/calls/0/name", "\"stock\"");
    expect_at(document, "/calls/0/status", "200");
    expect_at(document, "/calls/0/used_ms", "31.25");
    expect_at(document, "/calls/1/outcome", "\"timeout\"");
    expect_at(document, "/calls/1/attempts", "2");
    expect_at(document, "/calls/1/begun_ms", "32");
    expect_at(document, "/calls/1/granted_ms", "300");
    expect_at(document, "/calls/1/queued_ms", "20");
    expect_none(document, "/calls/1/status");
    expect_none(document, "/calls/2");
}

Test(record_json, says_what_would_have_become_of_an_observed_request)
{
    struct record record = made_timed_out();

    expect_none(written(&record), "/would");
    record.is_observed = true;
    record.verdict = (struct verdict){
        .would = WOULD_TIME_OUT, .reason = REASON_CALL, .blamed = 1, .cut = 6, .skipped = 1};
    struct text document = written(&record);
    expect_at(document, "/mode", "\"observe\"");
    expect_at(document, "/would", "\"time_out\"");
    expect_at(document, "/would_reason", "\"call\"");
    expect_at(document, "/would_call", "\"price\"");
    expect_at(document, "/would_cut", "[\"price\",\"order\"]");
    expect_at(document, "/would_skip", "[\"stock\"]");
    record.verdict = (struct verdict){.would = WOULD_GO_ON, .blamed = NO_CALL};
    document = written(&record);
    expect_at(document, "/would", "\"go_on\"");
    expect_at(document, "/would_cut", "[]");
    expect_at(document, "/would_skip", "[]");
    expect_none(document, "/would_reason");
}

Test(record_json, shows_the_begin_of_a_path_and_its_query_if_that_may_be_shown)
{
    static char path[RECORD_PATH_MAX + 100];
    struct record record = made_timed_out();

    expect_at(written(&record), "/path", "\"/page/7\"");
    record.shows_query = true;
    expect_at(written(&record), "/path", "\"/page/7?secret=1\"");
    memset(path, 'p', sizeof path);
    record.path = (struct text){.at = path, .count = sizeof path};
    struct text shown = json_find(written(&record), TEXT("/path"));
    cr_expect_eq(shown.count, RECORD_PATH_MAX + 2, "and its quotes");
    record.shows_query = false;
    shown = json_find(written(&record), TEXT("/path"));
    cr_expect_eq(shown.count, RECORD_PATH_MAX + 2);
}

Test(record_json, says_what_a_template_lacked)
{
    struct record record = made_timed_out();

    expect_none(written(&record), "/unfilled");
    record.unfilled = TEXT("{query.q}");
    expect_at(written(&record), "/unfilled", "\"{query.q}\"");
}

Test(record_json, says_which_rule_an_answer_broke_that_was_not_valid)
{
    struct record record = made_timed_out();

    expect_none(written(&record), "/calls/1/fault");
    record.calls[1].outcome = CALL_INVALID;
    record.calls[1].fault = FAULT_LENGTHS;
    expect_at(written(&record), "/calls/1/fault", "\"two_lengths\"");
}

Test(record_json, leaves_out_what_a_request_without_a_route_does_not_have)
{
    struct record record = made_timed_out();

    record.route = NULL;
    record.calls_count = 0;
    record.blamed = NO_CALL;
    record.reason = REASON_NONE;
    record.ending = ENDING_REFUSED;
    record.bytes_up = 0;
    struct text document = written(&record);
    expect_at(document, "/termination", "\"RA\"");
    expect_none(document, "/route");
    expect_none(document, "/calls");
    expect_none(document, "/budget_ms");
    expect_none(document, "/call");
}

Test(record_json, what_a_client_says_cannot_leave_its_string)
{
    struct record record = made_timed_out();

    record.path = TEXT("/\"},{\\\n\x01\xff\x7f</script>");
    expect_at(written(&record), "/path", "\"/\\\"},{\\\\?\?\?\?</script>\"");
}

Test(record_json, remembers_that_it_did_not_fit)
{
    struct record record = made_timed_out();
    struct writer writer = writer_on(room, 100);

    record_json_write(&writer, &record, 0);
    cr_expect(writer.is_cut);
}
