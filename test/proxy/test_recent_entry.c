#include "proxy/recent_entry.h"

#include <criterion/criterion.h>
#include <string.h>

#include "proxy/record_json.h"
#include "proxy/trace_context.h"
#include "test/support/made_record.h"

static struct text json_of(const struct record *record, char *room, size_t count)
{
    struct writer writer = writer_on(room, count);

    record_json_write(&writer, record, 1795391510123);
    cr_assert_not(writer.is_cut);
    return writer_text(&writer);
}

Test(recent_entry, tells_all_that_the_record_said_when_that_is_gone)
{
    char before[4096];
    char after[4096];
    struct recent_entry entry;
    struct record told;
    struct trace_context trace = {.id = "4bf92f3577b34da6a3ce929d0e0e4736"};
    struct record record = made_timed_out();

    record.trace = &trace;
    record.is_observed = true;
    record.verdict = (struct verdict){
        .would = WOULD_TIME_OUT, .reason = REASON_CALL, .blamed = 1, .cut = 1U << 1};
    recent_entry_fill(&entry, &record, 1795391510123);
    for (size_t i = 0; i < record.calls_count; i++)
        record.calls[i].upstream = made_conf.upstreams[record.calls[i].conf->upstream].name;
    struct text expected = json_of(&record, before, sizeof before);
    memset(&record, 0xdd, sizeof record);
    memset(&trace, 0xdd, sizeof trace);
    recent_entry_tell(&entry, &made_conf, &told);
    struct text found = json_of(&told, after, sizeof after);
    cr_expect(text_is(found, expected), "%.*s\nis not\n%.*s", (int)found.count, found.at,
              (int)expected.count, expected.at);
    cr_expect_not_null(strstr(before, "\"name\":\"stock\",\"upstream\":\"east\""));
    cr_expect_not_null(strstr(before, "\"would_cut\":[\"price\"]"));
}

Test(recent_entry, cuts_long_texts_but_no_id)
{
    static char text[300];
    struct recent_entry entry;
    struct record told;
    struct record record = made_timed_out();

    memset(text, 'a', sizeof text);
    record.id = (struct text){.at = text, .count = 128};
    record.path = record.method = (struct text){.at = text, .count = sizeof text};
    recent_entry_fill(&entry, &record, 0);
    recent_entry_tell(&entry, &made_conf, &told);
    cr_expect_eq(told.id.count, 128);
    cr_expect_eq(told.path.count, 160);
    cr_expect_eq(told.method.count, 24);
}

Test(recent_entry, share_is_of_the_budget_and_all_of_it_where_that_was_nothing)
{
    struct recent_entry entry;
    struct record record = made_timed_out();

    recent_entry_fill(&entry, &record, 0);
    cr_expect_float_eq(recent_entry_share(&entry), 0.875, 1e-9);
    entry.budget = SPAN_NONE;
    cr_expect_eq(recent_entry_share(&entry), 1);
    entry.route = NULL;
    cr_expect_eq(recent_entry_share(&entry), 0);
}

Test(recent_entry, is_no_larger_than_its_calls_need)
{
    cr_expect_leq(recent_entry_size(0), 640);
    cr_expect_eq(recent_entry_size(PLAN_CALLS_MAX), sizeof(struct recent_entry));
}
