/* conf/troubleshooting: the rows about what upstreams do, and about retries and hedges. Each file shows
 * what its row says, and no more of it after the change that it marks. */
#include <criterion/criterion.h>
#include <string.h>

#include "test/support/name_server.h"
#include "test/support/trouble.h"

TestSuite(troubleshooting_calls, .timeout = 300);

#define GET TROUBLE_GET("/", "")
#define UPSTREAM_CALLS "hourglass_upstream_calls_total"
#define REFUSED_RETRIES "hourglass_upstream_retries_refused_total"

/* ---- 502 -------------------------------------------------------------------------------------- */

Test(troubleshooting_calls, refused_is_an_address_where_nobody_listens)
{
    SHOW(.file = "refused", .ask = GET, .status = 502, .says = "error=connection_refused",
         .logs = {"status=502 outcome=failed termination=UC", "app:refused:"},
         .counts = UPSTREAM_CALLS, .label = "outcome=\"refused\"", .mended = 200);
}

Test(troubleshooting_calls, name_is_not_known)
{
    struct name_server *server = name_server_start(NAME_IS_UNKNOWN);

    SHOW(.file = "name", .ask = GET, .status = 502, .says = "error=dns_error",
         .logs = {"status=502 outcome=failed termination=UN", "app:dns_error:"},
         .counts = UPSTREAM_CALLS, .label = "outcome=\"dns_error\"", .mended = 200,
         .part = {"resolver", name_server_port(server)});
    name_server_stop(server);
}

static struct origin *broken_once(void)
{
    return ORIGIN({.deeds = {READ_ALL, CLOSE}}, {.deeds = {READ_ALL, SEND(ANSWER_OK)}});
}

Test(troubleshooting_calls, broken_is_a_connection_that_ends_without_an_answer)
{
    struct world *world = AS_IT_IS("broken", {"app", origin_port(broken_once())}, );
    const struct reply *reply = world_ask(world, GET);

    cr_expect_eq(reply->status, 502);
    EXPECT_LOGS(world, "broken", "status=502 outcome=failed termination=UH", "answer:broken:");
    trouble_expect_count(world, "broken", UPSTREAM_CALLS, "outcome=\"broken\"");
    recipe_stop(world);
    world = MENDED("broken", {"app", origin_port(broken_once())}, );
    cr_expect_eq(world_ask(world, GET)->status, 200);
    recipe_stop(world);
}

Test(troubleshooting_calls, invalid_is_what_cannot_be_merged)
{
    SHOW(.file = "invalid", .ask = GET, .status = 502, .says = "error=http_protocol_error",
         .logs = {"status=502 outcome=failed termination=UD", "news:invalid:", ":fault=json"},
         .counts = UPSTREAM_CALLS, .label = "outcome=\"invalid\"", .mended = 200,
         .mended_logs = "news:invalid:");
}

Test(troubleshooting_calls, too_large_is_more_than_is_kept)
{
    SHOW(.file = "too-large", .ask = GET, .status = 502, .says = "error=http_response_body_size",
         .logs = {"status=502 outcome=failed termination=UD", "stock:too_large:"},
         .counts = UPSTREAM_CALLS, .label = "outcome=\"too_large\"", .mended = 200);
}

/* ---- answers that are not whole --------------------------------------------------------------- */

#define HEAD "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n"

static struct origin *dripping(void)
{
    return ORIGIN({.deeds = {READ_ALL, SEND(HEAD), DRIP("xxxxxxxxxxxxxxxxxxxx", 50)}});
}

Test(troubleshooting_calls, cut_is_a_download_without_a_time_of_its_own)
{
    static const char ask[] = TROUBLE_GET("/downloads/1", "");
    struct world *world = AS_IT_IS("cut", {"app", origin_port(dripping())}, );
    const struct reply *reply = world_ask(world, ask);

    cr_expect_eq(reply->status, 200);
    cr_expect_eq(reply->end, REPLY_TRUNCATED);
    EXPECT_LOGS(world, "cut", "status=200 outcome=cut termination=BD", "app:timeout:");
    trouble_expect_count(world, "cut", "hourglass_requests_total", "outcome=\"cut\"");
    recipe_stop(world);
    world = MENDED("cut", {"app", origin_port(dripping())}, );
    reply = world_ask(world, ask);
    cr_expect_eq(reply->end, REPLY_COMPLETE);
    cr_expect_str_eq(reply->body, "xxxxxxxxxxxxxxxxxxxx");
    recipe_stop(world);
}

static struct origin *half(void)
{
    return ORIGIN({.deeds = {READ_ALL, SEND(HEAD "half"), WAIT_MS(100), CLOSE}});
}

Test(troubleshooting_calls, half_answer_is_a_clean_502_where_its_beginning_is_held_back)
{
    struct world *world = AS_IT_IS("half-answer", {"app", origin_port(half())}, );
    const struct reply *reply = world_ask(world, GET);

    cr_expect_eq(reply->status, 200);
    cr_expect_eq(reply->end, REPLY_TRUNCATED);
    EXPECT_LOGS(world, "half-answer", "status=200 outcome=cut termination=UD", "app:broken:");
    trouble_expect_count(world, "half-answer", UPSTREAM_CALLS, "outcome=\"broken\"");
    recipe_stop(world);
    world = MENDED("half-answer", {"app", origin_port(half())}, );
    reply = world_ask(world, GET);
    cr_expect_eq(reply->status, 502);
    cr_expect_eq(reply->end, REPLY_COMPLETE);
    recipe_stop(world);
}

Test(troubleshooting_calls, gap_is_an_optional_call_that_was_late)
{
    struct world *world;

    SHOW(.file = "gap", .ask = GET, .status = 200, .says = "X-Budget-Partial: advice",
         .logs = {"status=200 outcome=ok termination=--", "advice:timeout:"},
         .counts = "hourglass_calls_total", .label = "call=\"advice\",outcome=\"timeout\"");
    world = MENDED("gap", );
    cr_expect_str_eq(reply_header(world_ask(world, GET), "X-Budget-Partial"), "");
    recipe_stop(world);
}

/* ---- retries and hedges ----------------------------------------------------------------------- */

/* As often as the row asks. Which of them the stub fails is the same at every start. */
static void expect_all_are_answered(struct world *world, const char *ask)
{
    for (int i = 0; i < 10; i++)
        cr_expect_eq(world_ask(world, ask)->status, 200);
    cr_expect(LOGS(world, "status=200", "attempts=2"));
    recipe_stop(world);
}

Test(troubleshooting_calls, retry_method_is_one_that_may_do_harm_when_done_twice)
{
    static const char ask[] = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n";

    SHOW(.file = "retry-method", .ask = ask, .status = 503,
         .logs = {"method=POST path=/ status=503 outcome=upstream_5xx", "app:ok:", ":status=503\""},
         .counts = REFUSED_RETRIES, .label = "why=\"method\"");
    expect_all_are_answered(MENDED("retry-method", ), ask);
}

Test(troubleshooting_calls, retry_budget_is_used_up)
{
    SHOW(.file = "retry-budget", .ask = GET, .status = 503,
         .logs = {"status=503 outcome=upstream_5xx", "app:ok:", ":status=503\""},
         .counts = REFUSED_RETRIES, .label = "why=\"allowance\"");
    expect_all_are_answered(MENDED("retry-budget", ), GET);
}

static struct origin *silent_once(void)
{
    return ORIGIN({.deeds = {READ_ALL, SILENCE}}, {.deeds = {READ_ALL, SEND(ANSWER_OK)}});
}

Test(troubleshooting_calls, retry_time_is_all_used_by_the_first_attempt)
{
    struct world *world;

    SHOW(.file = "retry-time", .ask = GET, .status = 504,
         .logs = {"termination=BH reason=call whose=default call=app", "app:timeout:", "/490.0\""},
         .counts = REFUSED_RETRIES, .label = "why=\"time\"");
    world = MENDED("retry-time", {"app", origin_port(silent_once())}, );
    cr_expect_eq(world_ask(world, GET)->status, 200);
    cr_expect(LOGS(world, "status=200", "attempts=2"));
    recipe_stop(world);
}

static struct origin *asking_for_a_second(void)
{
    return ORIGIN({.deeds = {READ_ALL, SEND("HTTP/1.1 503 No\r\nRetry-After: 1\r\n"
                                            "Content-Length: 0\r\n\r\n")}},
                  {.deeds = {READ_ALL, SEND(ANSWER_OK)}});
}

Test(troubleshooting_calls, retry_after_more_than_is_left_is_not_waited_for)
{
    struct world *world = AS_IT_IS("retry-after", {"app", origin_port(asking_for_a_second())}, );
    const struct reply *reply = world_ask(world, GET);

    cr_expect_eq(reply->status, 503);
    cr_expect_str_eq(reply_header(reply, "Retry-After"), "1");
    EXPECT_LOGS(world, "retry-after", "status=503 outcome=upstream_5xx", ":status=503\"");
    trouble_expect_count(world, "retry-after", REFUSED_RETRIES, "why=\"retry_after\"");
    recipe_stop(world);
    world = MENDED("retry-after", {"app", origin_port(asking_for_a_second())}, );
    reply = world_ask(world, GET);
    cr_expect_eq(reply->status, 200);
    cr_expect_geq(reply->took.ns, span_ms(1000).ns);
    recipe_stop(world);
}

/* The stub's tenth answer takes longer than hedge says. */
Test(troubleshooting_calls, hedge_finds_no_connection_free)
{
    struct world *world = AS_IT_IS("hedge", );

    for (int i = 0; i < 10; i++)
        trouble_ask(world, GET, 200);
    trouble_expect_count(world, "hedge", "hourglass_upstream_hedges_refused_total", "app");
    recipe_stop(world);
    world = MENDED("hedge", {"app", origin_port(silent_once())}, );
    cr_expect_eq(world_ask(world, GET)->status, 200);
    cr_expect_eq(world_metric_sum(world, "hourglass_upstream_hedges_won_total", "app"), 1);
    cr_expect_leq(world_metric_sum(world, "hourglass_upstream_hedges_refused_total", "app"), 0);
    recipe_stop(world);
}

/* ---- upstreams that work on ------------------------------------------------------------------- */

Test(troubleshooting_calls, late_answers_are_read_to_their_end_unless_they_are_cancelled)
{
    struct origin *origin = origin_answering(ANSWER_OK, 300);
    struct world *world = AS_IT_IS("late", {"app", origin_port(origin)}, );

    cr_expect_eq(world_ask(world, GET)->status, 504);
    trouble_expect_count(world, "late", "hourglass_upstream_drained_total", "app");
    trouble_expect_count(world, "late", "hourglass_call_late_seconds_count", "call=\"app\"");
    cr_expect(origin_is_open(origin, 0));
    recipe_stop(world);
    origin = ORIGIN({.deeds = {READ_ALL, SILENCE}});
    world = MENDED("late", {"app", origin_port(origin)}, );
    cr_expect_eq(world_ask(world, GET)->status, 504);
    (void)origin_ended(origin, 0);
    cr_expect_leq(world_metric_sum(world, "hourglass_upstream_drained_total", "app"), 0);
    recipe_stop(world);
}
