#include "proxy/recent_entry.h"

#include <criterion/criterion.h>
#include <string.h>

#include "proxy/record_json.h"

static char names[][8] = {"page", "stock", "price", "west", "east"};
static struct conf_upstream upstreams[] = {{.name = names[3]}, {.name = names[4]}};
static struct conf_call calls[] = {{.name = names[1], .upstream = 1},
                                   {.name = names[2], .upstream = 0}};
static struct conf_route route = {.name = names[0], .calls = calls, .calls_count = 2};
static struct conf conf = {.upstreams = upstreams, .upstreams_count = 2};
static char header[] = "X-Request-Timeout-Ms";
static const struct wire_field FIELD = {.name = header};

static struct record timed_out(const struct trace_context *trace)
{
    return (struct record){
        .route = &route,
        .source = &FIELD,
        .id = TEXT("r-1"),
        .trace = trace,
        .client = TEXT("192.0.2.1"),
        .method = TEXT("GET"),
        .path = TEXT("/page/7"),
        .status = 504,
        .ending = ENDING_TIMEOUT,
        .reason = REASON_CALL,
        .blamed = 1,
        .phase = PHASE_SENDING,
        .started = {.ns = 1000},
        .ended = {.ns = 350001000},
        .budget = span_ms(400),
        .local = span_ms(1),
        .upload = span_ms(2),
        .queue = span_ms(20),
        .bytes_up = 5,
        .bytes_down = 12,
        .is_observed = true,
        .verdict = {.would = WOULD_TIME_OUT, .reason = REASON_CALL, .blamed = 1, .cut = 2},
        .calls_count = 2,
        .calls = {{.conf = &calls[0],
                   .outcome = CALL_OK,
                   .reach = REACH_BODY,
                   .status = 200,
                   .attempts = 1,
                   .granted = span_ms(100),
                   .used = span_ms(30)},
                  {.conf = &calls[1],
                   .outcome = CALL_TIMEOUT,
                   .reach = REACH_HEAD,
                   .attempts = 2,
                   .begun = span_ms(32),
                   .granted = span_ms(300),
                   .used = span_ms(300),
                   .queued = span_ms(20)}},
    };
}

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
    struct record record = timed_out(&trace);

    recent_entry_fill(&entry, &record, 1795391510123);
    record.calls[0].upstream = names[4];
    record.calls[1].upstream = names[3];
    struct text expected = json_of(&record, before, sizeof before);
    memset(&record, 0xdd, sizeof record);
    memset(&trace, 0xdd, sizeof trace);
    recent_entry_tell(&entry, &conf, &told);
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
    struct trace_context trace = {.id = ""};
    struct record record = timed_out(&trace);

    memset(text, 'a', sizeof text);
    record.id = (struct text){.at = text, .count = 128};
    record.path = record.method = (struct text){.at = text, .count = sizeof text};
    recent_entry_fill(&entry, &record, 0);
    recent_entry_tell(&entry, &conf, &told);
    cr_expect_eq(told.id.count, 128);
    cr_expect_eq(told.path.count, 160);
    cr_expect_eq(told.method.count, 24);
}

Test(recent_entry, share_is_of_the_budget_and_all_of_it_where_that_was_nothing)
{
    struct recent_entry entry;
    struct trace_context trace = {.id = ""};
    struct record record = timed_out(&trace);

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
