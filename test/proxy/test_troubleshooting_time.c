/* conf/troubleshooting: the rows about a 504. Each file shows what its row says, and no more of it after
 * the change that it marks. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy/clock.h"
#include "test/support/address.h"
#include "test/support/trouble.h"

TestSuite(troubleshooting_time, .timeout = 300);

#define GET TROUBLE_GET("/", "")
#define TIMEOUTS "hourglass_timeouts_total"

Test(troubleshooting_time, arrival_is_a_deadline_by_a_clock_that_is_slow)
{
    char ask[200];

    snprintf(ask, sizeof(ask),
             TROUBLE_GET("/", "X-Deadline: %lld\r\nX-Request-Timeout-Ms: 400\r\n"),
             (long long)clock_realtime_ms() - 2000);
    SHOW(.file = "arrival", .ask = ask, .status = 504, .says = "details=\"arrival\"",
         .logs = {"termination=BA reason=arrival", "source=X-Deadline", "calls=\"\""},
         .counts = TIMEOUTS, .label = "reason=\"arrival\"", .mended = 200);
}

Test(troubleshooting_time, infeasible_is_less_than_is_kept_back_and_needed)
{
    SHOW(.file = "infeasible", .ask = TROUBLE_GET("/", "X-Request-Timeout-Ms: 200\r\n"),
         .status = 504, .says = "cannot hold the 250 ms that the route needs at least",
         .logs = {"termination=BA reason=infeasible", "budget_ms=200 source=X-Request-Timeout-Ms"},
         .counts = TIMEOUTS, .label = "reason=\"infeasible\"", .mended = 200);
}

Test(troubleshooting_time, call_is_slower_than_its_grant)
{
    SHOW(.file = "call", .ask = GET, .status = 504, .says = "error=http_response_timeout",
         .logs = {"termination=BH reason=call whose=default call=app", "calls=\"app:timeout:"},
         .counts = TIMEOUTS, .label = "call=\"app\",reason=\"call\"", .mended = 200);
}

Test(troubleshooting_time, cap_holds_though_much_of_the_budget_is_left)
{
    SHOW(.file = "cap", .ask = GET, .status = 504, .says = "of 100 ms\"",
         .logs = {"reason=call whose=call call=api", "db:ok:", "/100.0"}, .counts = TIMEOUTS,
         .label = "call=\"api\",reason=\"call\"", .mended = 200);
}

/* What nobody accepts: as good as a machine that does not answer. */
Test(troubleshooting_time, connect_runs_out_where_nobody_accepts)
{
    unsigned port;
    int listener = address_listen("127.0.0.1", &port);
    char address[ADDRESS_ROOM];

    cr_assert_eq(listen(listener, 0), 0);
    snprintf(address, sizeof(address), "127.0.0.1:%u", port);
    int filler = address_connect(address);
    struct world *world = AS_IT_IS("connect", {"app", port}, );
    cr_expect_eq(trouble_ask(world, GET, 504)->end, REPLY_COMPLETE);
    trouble_expect_logged(
        world, &(struct trouble){.file = "connect",
                                 .ask = GET,
                                 .status = 504,
                                 .logs = {"termination=BC reason=call whose=call call=app",
                                          "app:connect_timeout:"}});
    trouble_expect_count(world, "connect", "hourglass_upstream_calls_total",
                         "outcome=\"connect_timeout\"");
    recipe_stop(world);
    close(filler);
    close(listener);
    world = MENDED("connect", );
    trouble_ask(world, GET, 200);
    recipe_stop(world);
}

static void hold(const struct world *world, int count)
{
    for (int i = 0; i < count; i++)
        dialogue_send(world_dial(world), TROUBLE_GET("/", "X-Request-Timeout-Ms: 5000\r\n"));
    usleep(50 * 1000);
}

Test(troubleshooting_time, queue_is_where_the_time_goes_when_all_connections_are_taken)
{
    struct world *world = AS_IT_IS("queue", );

    hold(world, 6);
    const struct reply *reply = world_ask(world, GET);
    cr_expect_eq(reply->status, 504);
    cr_expect_str_eq(reply_member(reply, "reason"), "queue");
    trouble_expect_logged(
        world, &(struct trouble){.file = "queue",
                                 .ask = GET,
                                 .status = 504,
                                 .logs = {"termination=BQ reason=queue whose=default call=app",
                                          "app:queue_timeout:"}});
    trouble_expect_count(world, "queue", TIMEOUTS, "reason=\"queue\"");
    recipe_stop(world);
    world = MENDED("queue", );
    hold(world, 6);
    trouble_ask(world, GET, 200);
    recipe_stop(world);
}

Test(troubleshooting_time, local_is_a_merge_for_which_nothing_is_kept_back)
{
    SHOW(.file = "local", .ask = GET, .status = 504, .says = "details=\"local\"",
         .logs = {"termination=BL reason=local", "reviews:timeout:", "advice:timeout:"},
         .counts = TIMEOUTS, .label = "reason=\"local\"", .mended = 200,
         .mended_logs = "advice:timeout:");
}

static struct dialogue *begin_upload(const struct world *world)
{
    struct dialogue *dialogue = world_dial(world);

    dialogue_send(dialogue, "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\na");
    return dialogue;
}

Test(troubleshooting_time, upload_is_part_of_the_budget)
{
    struct world *world = AS_IT_IS("upload", );
    struct dialogue *dialogue = begin_upload(world);
    const struct reply *reply = dialogue_read(dialogue);

    cr_expect_eq(reply->status, 504);
    cr_expect_str_eq(reply_member(reply, "reason"), "upload");
    EXPECT_LOGS(world, "upload", "termination=BS reason=upload whose=client call=app",
                "app:upload_timeout:");
    trouble_expect_count(world, "upload", TIMEOUTS, "reason=\"upload\"");
    recipe_stop(world);
    world = MENDED("upload", );
    dialogue = begin_upload(world);
    usleep(400 * 1000);
    dialogue_send(dialogue, "b");
    cr_expect_eq(dialogue_read(dialogue)->status, 200);
    recipe_stop(world);
}

static const struct reply *stop_meanwhile(struct world *world)
{
    struct dialogue *dialogue = world_dial(world);

    dialogue_send(dialogue, GET);
    cr_expect(world_comes_to(world, "hourglass_requests_in_flight", "{route=\"all\"}", 1));
    program_signal(world_program(world), SIGTERM);
    return dialogue_read(dialogue);
}

Test(troubleshooting_time, drain_is_shorter_than_the_request)
{
    struct world *world = AS_IT_IS("drain", );
    const struct reply *reply = stop_meanwhile(world);

    cr_expect_eq(reply->status, 504);
    cr_expect_str_eq(reply_member(reply, "reason"), "drain");
    EXPECT_LOGS(world, "drain", "termination=DL reason=drain", "app:cancelled:");
    recipe_stopped(world);
    world = MENDED("drain", );
    cr_expect_eq(stop_meanwhile(world)->status, 200);
    recipe_stopped(world);
}

Test(troubleshooting_time, their_504_is_passed_on_as_it_came)
{
    SHOW(.file = "their-504", .ask = GET, .status = 504, .says = "received-status=504",
         .logs = {"outcome=upstream_5xx termination=--", ":status=504"},
         .counts = "hourglass_upstream_responses_total", .label = "status=\"5xx\"");
}

/* ---- the client's own timer ------------------------------------------------------------------- */

/* A client that waits 300 ms, and has left then. */
static void leave(const struct world *world, const char *ask)
{
    struct dialogue *dialogue = world_dial(world);

    dialogue_send(dialogue, ask);
    usleep(300 * 1000);
    dialogue_close(dialogue);
}

static void expect_default(const struct world *world, const char *file)
{
    EXPECT_LOGS(world, file, "status=499 outcome=client_gone termination=CH call=app",
                "budget_ms=5000 source=default");
}

Test(troubleshooting_time, format_that_is_another_one_makes_the_budget_unknown)
{
    static const char ask[] = TROUBLE_GET("/", "X-Request-Timeout-Ms: 300ms\r\n");
    struct world *world = AS_IT_IS("format", );

    leave(world, ask);
    expect_default(world, "format");
    trouble_expect_count(world, "format", "hourglass_malformed_budgets_total", "");
    recipe_stop(world);
    world = MENDED("format", );
    cr_expect_eq(reply_number(world_ask(world, ask), "budget_ms"), 300);
    recipe_stop(world);
}

Test(troubleshooting_time, untrusted_clients_are_not_believed)
{
    static const char ask[] = TROUBLE_GET("/", "X-Request-Timeout-Ms: 300\r\n");
    struct world *world = AS_IT_IS("untrusted", );

    leave(world, ask);
    expect_default(world, "untrusted");
    trouble_expect_count(world, "untrusted", "hourglass_untrusted_budgets_total", "");
    recipe_stop(world);
    world = MENDED("untrusted", );
    cr_expect_eq(reply_number(world_ask(world, ask), "budget_ms"), 300);
    recipe_stop(world);
}

Test(troubleshooting_time, client_gone_is_one_that_waits_less_long_than_the_default)
{
    struct world *world = AS_IT_IS("client-gone", );

    leave(world, GET);
    expect_default(world, "client-gone");
    trouble_expect_count(world, "client-gone", "hourglass_client_aborts_total", "stage=\"head\"");
    recipe_stop(world);
    world = MENDED("client-gone", );
    cr_expect_eq(world_ask(world, GET)->status, 504);
    recipe_stop(world);
}

/* Whether the 504 is in time is for the grant to say: it ends when the client stops waiting, or
 * before. */
Test(troubleshooting_time, reply_is_what_is_kept_for_the_way)
{
    static const char ask[] = TROUBLE_GET("/", "X-Request-Timeout-Ms: 300\r\n");
    struct world *world = AS_IT_IS("reply", );

    cr_expect_eq(world_ask(world, ask)->status, 504);
    EXPECT_LOGS(world, "reply", "budget_ms=300 source=X-Request-Timeout-Ms", "/300.0\"");
    recipe_stop(world);
    world = MENDED("reply", );
    cr_expect_eq(world_ask(world, ask)->status, 504);
    cr_expect(LOGS(world, "budget_ms=300", "/250.0\""));
    recipe_stop(world);
}

static struct dialogue *ask_and_end(const struct world *world)
{
    struct dialogue *dialogue = world_dial(world);

    dialogue_send(dialogue, GET);
    dialogue_half_close(dialogue);
    return dialogue;
}

Test(troubleshooting_time, half_close_is_taken_for_leaving)
{
    struct world *world = AS_IT_IS("half-close", );

    cr_expect_neq(dialogue_read(ask_and_end(world))->end, REPLY_COMPLETE);
    EXPECT_LOGS(world, "half-close", "status=499 outcome=client_gone termination=C",
                "app:cancelled:");
    trouble_expect_count(world, "half-close", "hourglass_client_aborts_total", "stage=\"");
    recipe_stop(world);
    world = MENDED("half-close", );
    cr_expect_eq(dialogue_read(ask_and_end(world))->status, 200);
    recipe_stop(world);
}
