/* Collectors of spans that refuse, fall silent, drip, or are not there; and the stop of the proxy. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "test/support/collector.h"
#include "test/support/name_server.h"
#include "test/support/world.h"

TestSuite(collectors, .timeout = 300);

/* ---- the collector ---------------------------------------------------------------------------- */

Test(collectors, spans_of_many_requests_go_together_on_one_connection)
{
    struct origin *collector = collector_start();
    struct origin *origin = origin_answering(ANSWER_OK, 0);
    struct world *world = world_start(EXPORT WORLD_BUDGET "default = 20s\n" WORLD_ROUTE,
                                      origin_port(collector), origin_port(origin));

    for (int i = 0; i < 20; i++)
        world_get(world, "/", "");
    collector_wait(world, "hourglass_trace_spans_exported_total", "", 40);
    for (int i = 0; i < 20; i++)
        world_get(world, "/", "");
    collector_wait(world, "hourglass_trace_spans_exported_total", "", 80);
    cr_expect_lt(origin_requests(collector), 20);
    cr_expect_eq(origin_connections(collector), 1);
    world_stop(world);
}

Test(collectors, the_same_message_is_sent_again_when_the_collector_asks_for_it)
{
    struct origin *collector = ORIGIN(
        {.deeds = {READ_ALL,
                   SEND("HTTP/1.1 429 Later\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n")}},
        {.deeds = {READ_ALL, CLOSE}}, {.deeds = {READ_ALL, SEND(TAKEN)}});
    struct origin *origin = origin_answering(ANSWER_OK, 0);
    struct world *world = world_start(EXPORT WORLD_BUDGET "default = 20s\n" WORLD_ROUTE,
                                      origin_port(collector), origin_port(origin));

    world_get(world, "/", "");
    cr_assert_eq(collector_receive(collector, 0), 2);
    struct instant first = origin_request(collector, 0)->at;
    struct instant second = origin_request(collector, 1)->at;
    cr_assert_eq(collector_receive(collector, 1), 2);
    cr_expect_geq(span_since(first, second).ns, 1 * NS_PER_S);
    cr_assert_eq(collector_receive(collector, 2), 2);
    cr_expect_str_eq(origin_body(collector, 0)->message.body,
                     origin_body(collector, 2)->message.body);
    collector_wait(world, "hourglass_trace_spans_exported_total", "", 2);
    cr_expect_eq(world_metric(world, "hourglass_trace_spans_dropped_total", "failed"), 0);
    world_stop(world);
}

Test(collectors, what_the_collector_does_not_want_is_dropped_and_counted)
{
    struct origin *collector = ORIGIN(
        {.deeds = {READ_ALL, SEND("HTTP/1.1 400 No\r\nContent-Length: 0\r\n\r\n")}},
        {.deeds =
             {READ_ALL,
              SEND("HTTP/1.1 200 OK\r\nContent-Length: 62\r\n\r\n"
                   "{\"partialSuccess\":{\"rejectedSpans\":\"1\",\"errorMessage\":\"no\"}}  ")}},
        {.deeds = {READ_ALL,
                   SEND("HTTP/1.1 302 Go\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n")}});
    struct origin *origin = origin_answering(ANSWER_OK, 0);
    struct world *world = world_start(EXPORT WORLD_BUDGET "default = 20s\n" WORLD_ROUTE,
                                      origin_port(collector), origin_port(origin));

    world_get(world, "/", "");
    collector_wait(world, "hourglass_trace_spans_dropped_total", "refused", 2);
    world_get(world, "/", "");
    collector_wait(world, "hourglass_trace_spans_dropped_total", "refused", 3);
    cr_expect_eq(world_metric(world, "hourglass_trace_spans_exported_total", ""), 1);
    world_get(world, "/", "");
    collector_wait(world, "hourglass_trace_spans_dropped_total", "refused", 5);
    cr_expect_eq(origin_requests(collector), 3);
    world_stop(world);
}

Test(collectors, requests_never_wait_for_a_collector_that_is_silent_and_what_waits_is_bounded)
{
    enum { REQUESTS = 1200 };
    struct origin *collector = ORIGIN({.deeds = {SILENCE}});
    struct origin *origin = origin_answering(ANSWER_OK, 0);
    struct world *world = world_start(EXPORT WORLD_BUDGET "default = 5s\n" WORLD_ROUTE,
                                      origin_port(collector), origin_port(origin));
    char padding[3000];
    char target[3100];

    memset(padding, 'p', sizeof padding);
    snprintf(target, sizeof target, "/%.*s", (int)sizeof padding - 1, padding);
    for (int i = 0; i < REQUESTS; i++) {
        cr_assert_eq(world_get(world, target, "")->status, 200);
        dialogues_hang_up(); /* there may be no more descriptors than 1024 */
    }
    cr_expect_gt(world_metric(world, "hourglass_trace_spans_dropped_total", "full"), 0);
    cr_expect_lt(world_metric(world, "hourglass_memory_bytes", ""), 3.5 * 1024 * 1024);
    world_stop(world);
}

Test(collectors, an_answer_that_drips_or_floods_does_no_harm)
{
    struct origin *collector =
        ORIGIN({.deeds = {READ_ALL, SEND("HTTP/1.1 200 OK\r\nContent-Length: 900000\r\n\r\n"),
                          FLOOD(900000)}},
               {.deeds = {READ_ALL, SEND("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"),
                          DRIP("{", 10), SILENCE}});
    struct origin *origin = origin_answering(ANSWER_OK, 0);
    struct world *world = world_start(EXPORT WORLD_BUDGET "default = 5s\n" WORLD_ROUTE,
                                      origin_port(collector), origin_port(origin));

    world_get(world, "/", "");
    collector_wait(world, "hourglass_trace_spans_exported_total", "", 2);
    world_get(world, "/", "");
    (void)origin_body(collector, 1);
    cr_expect_eq(world_get(world, "/", "")->status, 200);
    world_stop(world);
}

Test(collectors, an_early_refusal_of_a_long_message_ends_it)
{
    enum { REQUESTS = 200 };
    struct origin *collector =
        ORIGIN({.deeds = {SEND("HTTP/1.1 413 Much\r\nContent-Length: 0\r\n\r\n"), CLOSE}});
    struct origin *origin = origin_answering(ANSWER_OK, 0);
    struct world *world = world_start(EXPORT WORLD_BUDGET "default = 5s\n" WORLD_ROUTE,
                                      origin_port(collector), origin_port(origin));

    for (int i = 0; i < REQUESTS; i++)
        world_get(world, "/", "");
    collector_wait(world, "hourglass_trace_spans_dropped_total", "refused", 2 * REQUESTS);
    world_stop(world);
}

Test(collectors, a_collector_that_is_not_there_harms_nobody)
{
    struct origin *origin = origin_answering(ANSWER_OK, 0);
    struct world *world =
        world_start(EXPORT WORLD_BUDGET "default = 5s\n" WORLD_ROUTE, 1U, origin_port(origin));

    for (int i = 0; i < 5; i++)
        cr_expect_eq(world_get(world, "/", "")->status, 200);
    cr_expect_eq(world_metric(world, "hourglass_trace_spans_exported_total", ""), 0);
    world_stop(world);
}

/* Two addresses where nobody listens come first: each costs a try. */
Test(collectors, name_of_a_collector_is_resolved_and_its_other_addresses_are_tried)
{
    struct origin *collector = collector_start();
    struct origin *origin = origin_answering(ANSWER_OK, 0);
    struct name_server *names = name_server_start(NAME_IS_LAST);
    struct world *world =
        world_start(WORLD_PROXY "resolver = 127.0.0.1:%u\ntrace-share = 100%%\n"
                                "trace-export = http://otel.test:%u/in\n" WORLD_BUDGET
                                "default = 5s\n" WORLD_ROUTE,
                    name_server_port(names), origin_port(collector), origin_port(origin));

    cr_expect_eq(world_get(world, "/", "")->status, 200);
    collector_wait(world, "hourglass_trace_spans_exported_total", "", 2);
    const struct message *message = &origin_body(collector, 0)->message;
    cr_expect_str_eq(message->start, "POST /in HTTP/1.1");
    cr_expect_eq(otlp_read(message->body, "hourglass", collector_spans), 2);
    world_stop(world);
    name_server_stop(names);
}

Test(collectors, a_collector_without_an_address_is_tried_again_and_harms_nobody)
{
    struct origin *origin = origin_answering(ANSWER_OK, 0);
    struct name_server *names = name_server_start(NAME_IS_UNKNOWN);
    struct origin *collector = collector_start();
    struct world *world =
        world_start(WORLD_PROXY "resolver = 127.0.0.1:%u\ntrace-share = 100%%\n"
                                "trace-export = http://otel.test:%u\n" WORLD_BUDGET
                                "default = 5s\n" WORLD_ROUTE,
                    name_server_port(names), origin_port(collector), origin_port(origin));

    cr_expect_eq(world_get(world, "/", "")->status, 200);
    name_server_turn(names, NAME_IS_LOCAL);
    collector_wait(world, "hourglass_trace_spans_exported_total", "", 2);
    cr_expect_eq(collector_receive(collector, 0), 2);
    world_stop(world);
    name_server_stop(names);
}

/* ---- the stop --------------------------------------------------------------------------------- */

Test(collectors, what_was_gathered_is_sent_when_the_proxy_stops)
{
    struct origin *collector = collector_start();
    struct origin *origin = origin_answering(ANSWER_OK, 0);
    struct world *world = world_start(EXPORT WORLD_BUDGET "default = 20s\n" WORLD_ROUTE,
                                      origin_port(collector), origin_port(origin));
    int code;

    world_get(world, "/", "");
    program_signal(world_program(world), SIGTERM);
    cr_assert_eq(collector_receive(collector, 0), 2);
    code = program_exit_code(world_program(world), span_s(20));
    cr_expect_eq(code, 0);
    world_stopped(world);
}

Test(collectors, a_stop_waits_a_second_at_most_for_the_collector)
{
    struct origin *collector = ORIGIN({.deeds = {READ_ALL, SILENCE}});
    struct origin *origin = origin_answering(ANSWER_OK, 0);
    struct world *world =
        world_start(EXPORT "drain = 60s\n" WORLD_BUDGET "default = 20s\n" WORLD_ROUTE,
                    origin_port(collector), origin_port(origin));

    world_get(world, "/", "");
    world_stop(world); /* and fails the test after 20 s */
}

/* Before its pause is over: there will be no other chance. */
Test(collectors, what_waits_for_another_try_is_sent_when_the_proxy_stops)
{
    struct origin *collector = ORIGIN(
        {.deeds = {READ_ALL, SEND("HTTP/1.1 503 Later\r\nRetry-After: 50\r\nContent-Length: 0\r\n"
                                  "\r\n")}},
        {.deeds = {READ_ALL, SEND(TAKEN)}});
    struct origin *origin = origin_answering(ANSWER_OK, 0);
    struct world *world =
        world_start(EXPORT "drain = 60s\n" WORLD_BUDGET "default = 20s\n" WORLD_ROUTE,
                    origin_port(collector), origin_port(origin));

    world_get(world, "/", "");
    cr_assert_eq(collector_receive(collector, 0), 2);
    program_signal(world_program(world), SIGTERM);
    cr_expect_eq(collector_receive(collector, 1), 2);
    world_stopped(world);
}
