/* conf/troubleshooting: the rows about requests that are refused, limits, and the proxy itself. Each file
 * shows what its row says, and no more of it after the change that it marks. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "test/support/trouble.h"

TestSuite(troubleshooting_proxy, .timeout = 300);

#define GET TROUBLE_GET("/", "")
#define LAG "hourglass_loop_lag_seconds_sum"
#define LIMITS "hourglass_limit_reached_total"

enum { BODY = 1100000, SMALLER_BODY = 1040000 };

static char text[BODY + 1];

/* Has text hold so many letters. */
static const char *letters(size_t count)
{
    memset(text, 'x', count);
    text[count] = '\0';
    return text;
}

static const struct reply *post(const struct world *world, size_t count)
{
    struct dialogue *dialogue = world_dial(world);
    char head[100];

    snprintf(head, sizeof(head), "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: %zu\r\n\r\n",
             count);
    dialogue_send(dialogue, head);
    (void)dialogue_send_some(dialogue, letters(count), count);
    return dialogue_read(dialogue);
}

/* ---- refused ---------------------------------------------------------------------------------- */

Test(troubleshooting_proxy, template_names_what_the_request_does_not_have)
{
    SHOW(.file = "template", .ask = TROUBLE_GET("/items/7", ""), .status = 400,
         .says = "a value is missing", .counts = "hourglass_upstream_calls_total",
         .logs = {"outcome=refused termination=RL reason=failed", "unfilled={query.user}"},
         .label = "outcome=\"unfilled\"", .mended = 200);
}

Test(troubleshooting_proxy, malformed_budgets_are_rejected_if_the_file_says_so)
{
    SHOW(.file = "malformed", .ask = TROUBLE_GET("/", "X-Request-Timeout-Ms: 300ms\r\n"),
         .status = 400, .says = "a budget header cannot be read",
         .logs = {"status=400 outcome=refused termination=RA"},
         .counts = "hourglass_malformed_budgets_total", .label = "", .mended = 200);
}

#define NO_ROUTE "hourglass_requests_total"

Test(troubleshooting_proxy, no_route_matches_the_path)
{
    SHOW(.file = "no-route", .ask = TROUBLE_GET("/items/7/", ""), .status = 404,
         .says = "no route matches this path", .counts = NO_ROUTE,
         .logs = {"route=- method=GET path=/items/7/ status=404 outcome=refused termination=RA"},
         .label = "route=\"(none)\",method=\"GET\",outcome=\"refused\"", .mended = 200);
}

Test(troubleshooting_proxy, no_route_matches_the_method)
{
    SHOW(.file = "no-route",
         .ask = "POST /items/7 HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n", .status = 405,
         .says = "Allow: GET, HEAD", .mended = 200);
}

/* Half a head, and the rest 400 ms later, if it is still wanted. */
static const struct reply *ask_slowly(const struct world *world)
{
    struct dialogue *dialogue = world_dial(world);

    dialogue_send(dialogue, "GET / HTTP/1.1\r\nHost: h\r\n");
    usleep(400 * 1000);
    (void)dialogue_send_some(dialogue, "\r\n", 2);
    return dialogue_read(dialogue);
}

Test(troubleshooting_proxy, late_head_is_a_408)
{
    struct world *world = AS_IT_IS("late-head", );
    struct dialogue *dialogue = world_dial(world);

    dialogue_send(dialogue, "GET / HTTP/1.1\r\nHost: h\r\n");
    cr_expect_eq(dialogue_read(dialogue)->status, 408);
    EXPECT_LOGS(world, "late-head", "status=408 outcome=bad_request termination=CA");
    trouble_expect_count(world, "late-head", "hourglass_bad_requests_total", "");
    recipe_stop(world);
    world = MENDED("late-head", );
    cr_expect_eq(ask_slowly(world)->status, 200);
    recipe_stop(world);
}

Test(troubleshooting_proxy, body_that_two_calls_get_is_kept_and_may_be_too_long)
{
    struct world *world = AS_IT_IS("body", );

    cr_expect_eq(post(world, BODY)->status, 413);
    EXPECT_LOGS(world, "body", "status=413 outcome=refused termination=RA");
    trouble_expect_count(world, "body", LIMITS, "limit=\"request_body\"");
    recipe_stop(world);
    world = MENDED("body", );
    cr_expect_eq(post(world, BODY)->status, 200);
    recipe_stop(world);
}

Test(troubleshooting_proxy, header_size_is_more_than_max_header)
{
    char ask[2100];

    snprintf(ask, sizeof(ask), TROUBLE_GET("/", "Cookie: %.2000s\r\n"), letters(2000));
    SHOW(.file = "header-size", .ask = ask, .status = 431,
         .logs = {"status=431 outcome=bad_request termination=RA"}, .counts = LIMITS,
         .label = "limit=\"header_size\"", .mended = 200);
    snprintf(ask, sizeof(ask), TROUBLE_GET("/?%.2000s", ""), letters(2000));
    SHOW(.file = "header-size", .ask = ask, .status = 414, .mended = 200);
}

/* ---- limits ----------------------------------------------------------------------------------- */

static const struct reply *ask_beside_another(const struct world *world)
{
    dialogue_send(world_dial(world), GET);
    usleep(50 * 1000);
    return world_ask(world, GET);
}

Test(troubleshooting_proxy, queue_full_is_a_503_at_once)
{
    struct world *world = AS_IT_IS("queue-full", );

    cr_expect_eq(ask_beside_another(world)->status, 503);
    EXPECT_LOGS(world, "queue-full", "status=503 outcome=overload termination=PQ",
                "app:queue_full:");
    trouble_expect_count(world, "queue-full", "hourglass_upstream_calls_total",
                         "outcome=\"queue_full\"");
    recipe_stop(world);
    world = MENDED("queue-full", );
    cr_expect_eq(ask_beside_another(world)->status, 200);
    recipe_stop(world);
}

Test(troubleshooting_proxy, connections_beyond_the_limit_are_a_503)
{
    struct world *world = AS_IT_IS("connections", );
    struct dialogue *other = world_dial(world);

    dialogue_send(other, GET);
    cr_expect_eq(dialogue_read(other)->status, 200); /* it is there, and idle now */
    cr_expect_eq(world_ask(world, GET)->status, 503);
    trouble_expect_count(world, "connections", LIMITS, "limit=\"connections\"");
    recipe_stop(world);
    world = MENDED("connections", );
    other = world_dial(world);
    dialogue_send(other, GET);
    cr_expect_eq(dialogue_read(other)->status, 200);
    cr_expect_eq(world_ask(world, GET)->status, 200);
    recipe_stop(world);
}

Test(troubleshooting_proxy, memory_for_a_body_that_is_kept_is_short)
{
    struct world *world = AS_IT_IS("memory", );
    const struct reply *reply = post(world, SMALLER_BODY);

    cr_expect_eq(reply->status, 503);
    cr_expect_str_eq(reply_member(reply, "reason"), "overload");
    EXPECT_LOGS(world, "memory", "status=503 outcome=overload termination=PR");
    trouble_expect_count(world, "memory", LIMITS, "limit=\"memory\"");
    recipe_stop(world);
    world = MENDED("memory", );
    cr_expect_eq(post(world, SMALLER_BODY)->status, 200);
    recipe_stop(world);
}

/* ---- the proxy itself ------------------------------------------------------------------------- */

Test(troubleshooting_proxy, lag_is_seen_when_the_proxy_could_not_run)
{
    struct world *world = AS_IT_IS("lag", );

    trouble_expect_count(world, "lag", "hourglass_loop_lag_seconds_count", ""); /* it runs */
    program_pause(world_program(world));
    usleep(400 * 1000);
    program_signal(world_program(world), SIGCONT);
    for (int i = 0; i < 500 && world_metric(world, LAG, "") < 0.25; i++)
        usleep(10 * 1000);
    cr_expect_geq(world_metric(world, LAG, ""), 0.25);
    recipe_stop(world);
}

Test(troubleshooting_proxy, log_that_cannot_be_written_loses_lines)
{
    struct world *world = AS_IT_IS("log", );

    trouble_ask(world, GET, 200);
    trouble_expect_count(world, "log", "hourglass_log_lines_dropped_total", "");
    recipe_stop(world);
    world = MENDED("log", );
    trouble_ask(world, GET, 200);
    cr_expect(LOGS(world, "status=200"));
    cr_expect_eq(world_metric(world, "hourglass_log_lines_dropped_total", ""), 0);
    recipe_stop(world);
}

Test(troubleshooting_proxy, spans_are_dropped_where_nobody_wants_them)
{
    struct world *world = AS_IT_IS("spans", );

    trouble_ask(world, GET, 200);
    trouble_expect_count(world, "spans", "hourglass_trace_spans_dropped_total", "why=\"refused\"");
    recipe_stop(world);
    world = MENDED("spans", );
    trouble_ask(world, GET, 200);
    trouble_expect_count(world, "spans", "hourglass_trace_spans_exported_total", "");
    cr_expect_eq(world_metric_sum(world, "hourglass_trace_spans_dropped_total", "why="), 0);
    recipe_stop(world);
}

Test(troubleshooting_proxy, observe_counts_and_does_not_cut)
{
    SHOW(.file = "observe", .ask = GET, .status = 200,
         .logs = {"mode=observe would=time_out would_reason=call", "would_cut=\"app\""},
         .counts = "hourglass_would_cut_total", .label = "call=\"app\"", .mended = 504);
}
