#include "proxy/metrics.h"

#include <criterion/criterion.h>

#include "proxy/record.h"
#include "proxy/trace_context.h"

static char names[][8] = {"page", "stock", "price"};
static struct conf_call calls[] = {{.name = names[1], .upstream = 1}, {.name = names[2]}};
static struct conf_route routes[] = {{.name = names[0], .calls = calls, .calls_count = 2}};
static struct wire_field fields[] = {{.name = "X-Budget"}};
static struct conf_upstream upstreams[] = {{.name = names[1]}, {.name = names[2]}};
static struct conf conf = {
    .budget_headers = fields,
    .budget_headers_count = 1,
    .routes = routes,
    .routes_count = 1,
    .upstreams = upstreams,
    .upstreams_count = 2,
};
static struct metrics metrics;
static struct record record;

/* A GET that had a budget of 400 ms, took 100, and had one call of two. */
static void set_up(void)
{
    metrics_init(&metrics, &conf);
    record = (struct record){
        .route = &routes[0],
        .source = &fields[0],
        .method = TEXT("GET"),
        .status = 200,
        .blamed = NO_CALL,
        .phase = PHASE_SENDING,
        .ended = {.ns = 100 * NS_PER_MS},
        .budget = span_ms(400),
        .local = span_ms(3),
        .calls_count = 2,
        .calls = {{.conf = &calls[0],
                   .outcome = CALL_OK,
                   .attempts = 2,
                   .granted = span_ms(300),
                   .used = span_ms(97)},
                  {.conf = &calls[1], .outcome = CALL_WAITING}},
    };
}

static void tear_down(void)
{
    metrics_finish(&metrics);
}

TestSuite(metrics_note, .init = set_up, .fini = tear_down);

static void note(void)
{
    metrics_note(&metrics, &conf, &record);
}

static uint64_t count_of(const struct histogram *histogram)
{
    uint64_t count = 0;

    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
        count += histogram->buckets[i];
    return count;
}

/* One value, and it is this. */
static void expect_one(const struct histogram *histogram, int64_t value)
{
    cr_expect_eq(count_of(histogram), 1);
    cr_expect_eq(histogram->sum, (uint64_t)value);
}

Test(metrics_note, a_request_is_counted_with_its_budget_and_what_it_used)
{
    note();
    cr_expect_eq(metrics.routes[0].requests[0][ENDING_OK], 1);
    expect_one(&metrics.routes[0].elapsed, span_ms(100).ns);
    expect_one(&metrics.routes[0].local, span_ms(3).ns);
    expect_one(&metrics.routes[0].used_ratio, 250000);
    expect_one(&metrics.budgets[0], span_ms(400).ns);
    cr_expect_eq(count_of(&metrics.budgets[1]), 0);
}

Test(metrics_note, a_budget_that_nobody_named_is_the_default)
{
    record.source = NULL;
    note();
    expect_one(&metrics.budgets[1], span_ms(400).ns);
}

Test(metrics_note, a_budget_of_nothing_has_no_part_that_was_used)
{
    record.budget = SPAN_NONE;
    note();
    expect_one(&metrics.budgets[0], 0);
    cr_expect_eq(count_of(&metrics.routes[0].used_ratio), 0);
}

Test(metrics_note, only_calls_that_were_begun_are_counted)
{
    struct call_metrics *stock = &metrics.calls[0][0];

    note();
    cr_expect_eq(stock->outcomes[CALL_OK], 1);
    cr_expect_eq(stock->attempts, 2);
    expect_one(&stock->granted, span_ms(300).ns);
    expect_one(&stock->used, span_ms(97).ns);
    expect_one(&stock->left, span_ms(203).ns);
    cr_expect_eq(metrics.calls[0][1].outcomes[CALL_WAITING], 0);
    cr_expect_eq(count_of(&metrics.calls[0][1].granted), 0);
    cr_expect_eq(count_of(&metrics.deadline_lateness), 0);
}

Test(metrics_note, a_skipped_call_is_its_upstreams_too_and_has_no_times)
{
    record.calls[0].outcome = CALL_SKIPPED;
    note();
    cr_expect_eq(metrics.calls[0][0].outcomes[CALL_SKIPPED], 1);
    cr_expect_eq(metrics.upstreams[1].calls[CALL_SKIPPED], 1);
    cr_expect_eq(count_of(&metrics.calls[0][0].used), 0);
}

Test(metrics_note, a_call_that_was_cut_says_how_late_that_was)
{
    record.calls[0].outcome = CALL_TIMEOUT;
    record.calls[0].used = span_us(300250);
    note();
    expect_one(&metrics.deadline_lateness, span_us(250).ns);
    expect_one(&metrics.calls[0][0].left, 0);
}

Test(metrics_note, a_connect_that_took_too_long_is_no_late_deadline)
{
    record.calls[0].outcome = CALL_CONNECT_TIMEOUT;
    note();
    cr_expect_eq(count_of(&metrics.deadline_lateness), 0);
}

Test(metrics_note, a_504_is_counted_by_its_reason_with_the_call_to_blame)
{
    record.ending = ENDING_TIMEOUT;
    record.reason = REASON_CALL;
    record.whose = WHOSE_DEFAULT;
    record.blamed = 0;
    note();
    record.reason = REASON_ARRIVAL;
    record.whose = WHOSE_CLIENT;
    record.blamed = NO_CALL;
    note();
    cr_expect_eq(metrics.calls[0][0].timeouts[REASON_CALL], 1);
    cr_expect_eq(metrics.routes[0].timeouts[REASON_CALL], 0);
    cr_expect_eq(metrics.routes[0].timeouts[REASON_ARRIVAL], 1);
    cr_expect_eq(metrics.routes[0].whose[WHOSE_DEFAULT], 1);
    cr_expect_eq(metrics.routes[0].whose[WHOSE_CLIENT], 1);
    cr_expect_eq(metrics.routes[0].requests[0][ENDING_TIMEOUT], 2);
}

Test(metrics_note, methods_have_places_and_what_clients_invent_has_one_together)
{
    static const char *const texts[] = {"GET",   "HEAD",     "POST",    "PUT",
                                        "PATCH", "DELETE",   "OPTIONS", "CONNECT",
                                        "TRACE", "PROPFIND", "get",     ""};

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        record.method = text_of(texts[i]);
        note();
    }
    for (size_t i = 0; i < METHOD_KINDS - 1; i++) {
        cr_expect_eq(metrics.routes[0].requests[i][ENDING_OK], 1, "%s", texts[i]);
        cr_expect_str_eq(method_label((unsigned)i), texts[i]);
    }
    cr_expect_eq(metrics.routes[0].requests[METHOD_KINDS - 1][ENDING_OK], 3);
}

Test(metrics_note, a_client_that_left_is_counted_by_how_far_its_request_was)
{
    static const struct {
        enum reach reach;
        unsigned stage;
        const char *label;
    } rows[] = {
        {REACH_NAME, 2, "name"}, {REACH_QUEUE, 3, "queue"}, {REACH_CONNECT, 4, "connect"},
        {REACH_SEND, 5, "send"}, {REACH_HEAD, 6, "head"},   {REACH_BODY, 7, "body"},
    };

    record.ending = ENDING_CLIENT_GONE;
    record.blamed = 0;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        record.calls[0].reach = rows[i].reach;
        note();
        cr_expect_eq(metrics.aborts[rows[i].stage], 1, "%s", rows[i].label);
        cr_expect_str_eq(stage_label(rows[i].stage), rows[i].label);
    }
    record.blamed = NO_CALL;
    note();
    cr_expect_eq(metrics.aborts[9], 1, "while the reply was sent");
}

Test(metrics_note, what_no_route_took_has_a_place_of_its_own)
{
    record = (struct record){.method = TEXT("GET"),
                             .ending = ENDING_REFUSED,
                             .blamed = NO_CALL,
                             .ended = {.ns = NS_PER_MS}};
    note();
    cr_expect_eq(metrics.routes[1].requests[0][ENDING_REFUSED], 1);
    expect_one(&metrics.routes[1].elapsed, NS_PER_MS);
}
