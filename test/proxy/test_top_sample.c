#include "proxy/top_sample.h"

#include <criterion/criterion.h>

#include "test/support/top_pages.h"

TestSuite(top_sample, .timeout = 300);

Test(top_sample, reads_all_that_routes_says)
{
    struct top_sample sample;

    cr_assert(top_sample_read(&sample, text_of(TOP_ROUTES_AFTER)));
    cr_expect_str_eq(sample.version, "9.9");
    cr_expect_eq(sample.time_ms, 1795391511000);
    cr_expect_eq(sample.uptime_ms, 61000);
    cr_expect_eq(sample.in_flight, 7);
    cr_expect_eq(sample.unrouted[ENDING_REFUSED], 25);
    cr_expect_eq(sample.loop_lag.buckets[1], 1);
    cr_expect_eq(sample.deadline_lateness.count, 0);
    cr_expect_eq(sample.deadline_lateness.bounds_count, 3);
    cr_assert_eq(sample.routes_count, 2);
    cr_expect_eq(sample.routes[0].would_time_out[REASON_LOCAL], 2);
    const struct top_route *order = &sample.routes[1];
    cr_expect_str_eq(order->name, "order");
    cr_expect_eq(order->in_flight, 4);
    cr_expect_eq(order->requests[ENDING_OK], 108);
    cr_expect_eq(order->timeouts[REASON_CALL], 3);
    cr_expect_eq(order->timeouts_whose[WHOSE_CALL], 1);
    cr_expect_eq(order->timeouts_whose[WHOSE_CLIENT], 3);
    cr_assert_eq(order->elapsed.bounds_count, 3);
    cr_expect_eq(order->elapsed.bounds[2], 10000);
    cr_expect_eq(order->elapsed.buckets[1], 3);
    cr_expect_eq(order->elapsed.sum, 8450);
    cr_expect_eq(order->used_ratio.bounds_count, 2);
    cr_expect_eq(order->used_ratio.sum, 8);
    cr_assert_eq(order->calls_count, 1);
    cr_expect_str_eq(order->calls[0].name, "db");
    cr_expect_eq(order->calls[0].outcomes[CALL_TIMEOUT], 3);
    cr_expect_eq(order->calls[0].granted.sum, 55500);
    cr_expect_eq(order->calls[0].late.buckets[1], 1);
    cr_assert_eq(sample.upstreams_count, 1);
    cr_expect_eq(sample.upstreams[0].queued, 2);
    top_sample_finish(&sample);
}

Test(top_sample, reads_all_that_requests_says)
{
    struct top_requests requests;

    cr_assert(top_requests_read(&requests, text_of(TOP_REQUESTS)));
    cr_assert_eq(requests.count, 2);
    cr_expect_str_eq(requests.list[0].id, "r-77");
    cr_expect_str_eq(requests.list[0].call, "db");
    cr_expect_str_eq(requests.list[0].whose, "client");
    cr_expect_eq(requests.list[0].elapsed_ms, 980.5);
    cr_expect_str_eq(requests.list[1].reason, "");
    top_requests_finish(&requests);
}

Test(top_sample, what_is_missing_or_strange_is_nothing)
{
    static const char *const answers[] = {
        "{\"routes\":[]}",
        "{\"routes\":[1,null,\"x\",[],{}]}",
        "{\"routes\":[{\"calls\":{\"a\":1},\"elapsed\":[],\"requests\":7}],\"process\":[]}",
        "{\"routes\":[{\"elapsed\":{\"buckets\":[1,2,3,4,5,6]}}],\"le_ms\":[1]}",
        "{\"routes\":[{\"calls\":{\"a\":{},\"b\":{},\"c\":{}}}],\"upstreams\":{\"a\":1,\"b\":2}}",
        "{\"routes\":[{\"name\":7,\"calls\":[{\"used\":{\"buckets\":{}}}]}],\"le_ms\":{}}",
    };

    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        struct top_sample sample;
        cr_expect(top_sample_read(&sample, text_of(answers[i])), "%s", answers[i]);
        cr_expect_eq(sample.workers, 0);
        top_sample_finish(&sample);
    }
}

Test(top_sample, what_is_no_such_answer_is_refused)
{
    static const char *const answers[] = {
        "",          "ok", "[]", "{}", "{\"routes\":{}}", "{\"routes\":[}", "{\"routes\":[]} x",
        "\"routes\""};

    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        struct top_sample sample;
        struct top_requests requests;
        cr_expect_not(top_sample_read(&sample, text_of(answers[i])), "%s", answers[i]);
        cr_expect_not(top_requests_read(&requests, text_of(answers[i])), "%s", answers[i]);
    }
}

Test(top_sample, every_beginning_of_an_answer_is_refused)
{
    size_t count = strlen(TOP_ROUTES_AFTER);

    for (size_t i = 0; i < count; i++) {
        struct top_sample sample;
        cr_assert_not(top_sample_read(&sample, (struct text){TOP_ROUTES_AFTER, i}), "%zu", i);
    }
}
