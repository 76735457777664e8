#include "proxy/routes_json.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#include "conf/json.h"

static char names[][8] = {"page", "stock", "db"};
static struct call_policy policies[] = {{.optional = true}};
static struct conf_call calls[] = {{.name = names[1], .upstream = 0}};
static struct conf_route routes[] = {{
    .name = names[0],
    .match = "GET /a\"b/{id}",
    .policy = {.default_budget = {.ns = 1200 * NS_PER_MS},
               .max = {.ns = 30 * NS_PER_S},
               .calls = policies,
               .calls_count = 1},
    .calls = calls,
    .calls_count = 1,
    .enforce_share = SHARE_WHOLE,
}};
static struct wire_field fields[] = {{.name = "X-Budget"}};
static struct conf_upstream upstreams[] = {{.name = names[2], .connections = 256}};
static struct conf conf = {
    .budget_headers = fields,
    .budget_headers_count = 1,
    .routes = routes,
    .routes_count = 1,
    .upstreams = upstreams,
    .upstreams_count = 1,
};
static struct metrics metrics[2];
static const struct metrics *const workers[] = {&metrics[0], &metrics[1]};
static char *document;

static void set_up(void)
{
    metrics_init(&metrics[0], &conf);
    metrics_init(&metrics[1], &conf);
}

static void tear_down(void)
{
    metrics_finish(&metrics[0]);
    metrics_finish(&metrics[1]);
    free(document);
}

TestSuite(routes_json, .init = set_up, .fini = tear_down);

static struct text printed(void)
{
    size_t count = 0;
    FILE *out = open_memstream(&document, &count);
    const struct metrics_view view = {
        .conf = &conf,
        .workers = workers,
        .workers_count = 2,
        .whole = {.log = {.dropped = 4},
                  .memory_bytes = 1000,
                  .memory_max_bytes = 2000,
                  .max_connections = 50,
                  .time_ms = 1795391510123,
                  .uptime = span_us(2500900)},
    };

    cr_assert(out);
    routes_json_print(out, &view);
    fclose(out);
    cr_assert(json_is_value((struct text){.at = document, .count = count}), "%s", document);
    return (struct text){.at = document, .count = count};
}

static void expect_at(struct text whole, const char *pointer, const char *expected)
{
    struct text found = json_find(whole, text_of(pointer));

    cr_assert_not_null(found.at, "nothing at %s", pointer);
    cr_expect(text_is(found, text_of(expected)), "%s is %.*s, not %s", pointer, (int)found.count,
              found.at, expected);
}

Test(routes_json, the_process_and_the_bounds_are_told)
{
    struct text whole = printed();

    expect_at(whole, "/time_ms", "1795391510123");
    expect_at(whole, "/uptime_ms", "2500");
    expect_at(whole, "/le_ms", "[0.5,1,2,5,10,20,50,100,200,500,1000,2000,5000,10000,20000,60000]");
    expect_at(whole, "/le_ratio", "[0.1,0.2,0.3,0.4,0.5,0.6,0.7,0.8,0.9,1,1.1]");
    expect_at(whole, "/process/workers", "2");
    expect_at(whole, "/process/max_connections", "50");
    expect_at(whole, "/process/memory_bytes", "1000");
    expect_at(whole, "/process/memory_max_bytes", "2000");
    expect_at(whole, "/process/log_lines_dropped", "4");
}

Test(routes_json, the_process_says_how_late_it_was_itself)
{
    histogram_note_span(&metrics[0].loop_lag, span_ms(1));
    histogram_note_span(&metrics[1].loop_lag, span_ms(300));
    histogram_note_span(&metrics[1].deadline_lateness, span_us(700));
    struct text whole = printed();

    expect_at(whole, "/process/loop_lag/count", "2");
    expect_at(whole, "/process/loop_lag/sum_ms", "301");
    expect_at(whole, "/process/loop_lag/buckets", "[0,1,0,0,0,0,0,0,0,1,0,0,0,0,0,0,0]");
    expect_at(whole, "/process/deadline_lateness/buckets", "[0,1,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]");
}

Test(routes_json, a_route_says_what_it_is)
{
    struct text whole = printed();

    expect_at(whole, "/routes/0/name", "\"page\"");
    expect_at(whole, "/routes/0/match", "\"GET /a\\\"b/{id}\"");
    expect_at(whole, "/routes/0/mode", "\"enforce\"");
    expect_at(whole, "/routes/0/default_ms", "1200");
    expect_at(whole, "/routes/0/max_ms", "30000");
    expect_at(whole, "/routes/0/calls/0/name", "\"stock\"");
    expect_at(whole, "/routes/0/calls/0/upstream", "\"db\"");
    expect_at(whole, "/routes/0/calls/0/optional", "true");
}

Test(routes_json, methods_sources_and_workers_are_added_up)
{
    counter_add(&metrics[0].routes[0].requests[0][ENDING_OK], 3);
    counter_add(&metrics[1].routes[0].requests[4][ENDING_OK], 4);
    counter_add(&metrics[0].routes[1].requests[0][ENDING_REFUSED], 5);
    counter_add(&metrics[0].routes[0].timeouts[REASON_ARRIVAL], 6);
    counter_add(&metrics[0].routes[0].whose[WHOSE_CLIENT], 5);
    counter_add(&metrics[0].calls[0][0].timeouts[REASON_ARRIVAL], 1);
    counter_add(&metrics[0].calls[0][0].timeouts[REASON_CALL], 7);
    histogram_note_span(&metrics[0].budgets[0], span_ms(1));
    histogram_note_span(&metrics[1].budgets[1], span_us(2500));
    counter_add(&metrics[0].routes[0].observed, 9);
    counter_add(&metrics[0].routes[0].would_time_out[REASON_CALL], 5);
    counter_add(&metrics[1].routes[0].would_time_out[REASON_CALL], 3);
    counter_add(&metrics[0].routes[0].in_flight, 2);
    counter_add(&metrics[1].routes[0].in_flight, 3);
    counter_add(&metrics[1].routes[1].in_flight, 1);
    struct text whole = printed();
    expect_at(whole, "/routes/0/in_flight", "5");
    expect_at(whole, "/routes/0/observed", "9");
    expect_at(whole, "/routes/0/would_time_out/call", "8");
    expect_at(whole, "/routes/0/would_time_out/arrival", "0");
    expect_at(whole, "/process/in_flight", "6");
    expect_at(whole, "/routes/0/requests/ok", "7");
    expect_at(whole, "/routes/0/requests/cut", "0");
    expect_at(whole, "/unrouted/refused", "5");
    expect_at(whole, "/routes/0/timeouts/arrival", "7");
    expect_at(whole, "/routes/0/timeouts_whose/client", "5");
    expect_at(whole, "/routes/0/timeouts_whose/proxy", "0");
    expect_at(whole, "/routes/0/timeouts/call", "7");
    expect_at(whole, "/routes/0/budget/count", "2");
    expect_at(whole, "/routes/0/budget/sum_ms", "3.5");
    expect_at(whole, "/routes/0/budget/buckets", "[0,1,0,1,0,0,0,0,0,0,0,0,0,0,0,0,0]");
}

Test(routes_json, histograms_are_not_cumulative)
{
    struct call_metrics *stock = &metrics[0].calls[0][0];

    histogram_note_span(&metrics[0].routes[0].elapsed, span_s(90));
    histogram_note(&metrics[0].routes[0].used_ratio, &scale_of_ratios, 1500000);
    histogram_note_span(&metrics[1].routes[0].local, span_ms(1));
    histogram_note_span(&stock->granted, span_ms(2));
    histogram_note_span(&stock->used, span_ms(3));
    histogram_note_span(&stock->left, span_ms(4));
    histogram_note_span(&stock->late, span_ms(5));
    counter_add(&stock->attempts, 9);
    counter_add(&stock->outcomes[CALL_SKIPPED], 8);
    struct text whole = printed();
    expect_at(whole, "/routes/0/elapsed/sum_ms", "90000");
    expect_at(whole, "/routes/0/elapsed/buckets", "[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,1]");
    expect_at(whole, "/routes/0/used_ratio/sum", "1.500000");
    expect_at(whole, "/routes/0/used_ratio/buckets", "[0,0,0,0,0,0,0,0,0,0,0,1]");
    expect_at(whole, "/routes/0/local/sum_ms", "1");
    expect_at(whole, "/routes/0/calls/0/granted/sum_ms", "2");
    expect_at(whole, "/routes/0/calls/0/used/sum_ms", "3");
    expect_at(whole, "/routes/0/calls/0/left/sum_ms", "4");
    expect_at(whole, "/routes/0/calls/0/late/sum_ms", "5");
    expect_at(whole, "/routes/0/calls/0/attempts", "9");
    expect_at(whole, "/routes/0/calls/0/outcomes/skipped", "8");
}

Test(routes_json, upstreams_are_told_with_the_limit_of_their_connections)
{
    counter_add(&metrics[0].upstreams[0].in_flight, 1);
    counter_add(&metrics[1].upstreams[0].queued, 2);
    counter_add(&metrics[1].upstreams[0].hedges_won, 3);
    struct text whole = printed();
    expect_at(whole, "/upstreams/0/name", "\"db\"");
    expect_at(whole, "/upstreams/0/in_flight", "1");
    expect_at(whole, "/upstreams/0/queued", "2");
    expect_at(whole, "/upstreams/0/connections", "512");
    expect_at(whole, "/upstreams/0/hedges_won", "3");
}
