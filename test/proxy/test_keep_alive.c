/* One client connection, many requests: forms of targets, sizes of heads, HTTP/1.0, pipelines. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/support/world.h"

TestSuite(keep_alive, .timeout = 300);

static struct world *before(struct origin *origin)
{
    return world_start(WORLD_PATIENT WORLD_ROUTE, origin_port(origin));
}

Test(keep_alive, long_pipeline_is_answered_whole_and_in_order)
{
    enum { COUNT = 300 };
    struct origin *origin = origin_answering(ANSWER_OK, 0);
    struct world *world = before(origin);
    struct dialogue *dialogue = world_dial(world);
    static char requests[COUNT * 64];
    char start[64];

    for (int i = 0; i < COUNT; i++)
        sprintf(requests + strlen(requests), "GET /%d HTTP/1.1\r\nHost: h\r\n\r\n", i);
    dialogue_send(dialogue, requests);
    for (size_t i = 0; i < COUNT; i++) {
        const struct reply *reply = dialogue_read(dialogue);
        cr_assert_eq(reply->end, REPLY_COMPLETE, "reply %zu", i);
        cr_assert_eq(reply->status, 200, "reply %zu", i);
        snprintf(start, sizeof(start), "GET /%zu HTTP/1.1", i);
        cr_assert_str_eq(origin_request(origin, i)->message.start, start);
    }
    world_stop(world);
}

Test(keep_alive, http_1_0_keeps_the_connection_only_when_asked_to)
{
    struct origin *origin = origin_answering(ANSWER_OK, 0);
    struct world *world = before(origin);
    struct dialogue *dialogue = world_dial(world);

    dialogue_send(dialogue, "GET /1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    const struct reply *kept = dialogue_read(dialogue);
    cr_expect_str_eq(reply_header(kept, "Connection"), "keep-alive");
    cr_expect_str_eq(kept->body, "ok");
    dialogue_send(dialogue, "GET /2 HTTP/1.0\r\n\r\n");
    cr_expect_str_eq(dialogue_read(dialogue)->body, "ok");
    cr_expect(dialogue_is_closed(dialogue));
    world_stop(world);
}

Test(keep_alive, connection_close_is_obeyed_in_any_case_and_company)
{
    struct origin *origin = origin_answering(ANSWER_OK, 0);
    struct world *world = before(origin);
    struct dialogue *dialogue = world_dial(world);

    dialogue_send(dialogue, "GET / HTTP/1.1\r\nHost: h\r\nConnection: TE, Close\r\n\r\n");
    cr_expect_str_eq(reply_header(dialogue_read(dialogue), "Connection"), "close");
    cr_expect(dialogue_is_closed(dialogue));
    world_stop(world);
}

Test(keep_alive, absolute_target_becomes_a_path_and_its_authority_the_host)
{
    struct origin *origin = origin_answering(ANSWER_OK, 0);
    struct world *world = before(origin);

    cr_expect_eq(
        world_ask(world, "GET http://real.test:81/a?b HTTP/1.1\r\nHost: other.test\r\n\r\n")
            ->status,
        200);
    const struct message *message = &origin_request(origin, 0)->message;
    cr_expect_str_eq(message->start, "GET /a?b HTTP/1.1");
    cr_expect_str_eq(message_header(message, "Host", 0), "real.test:81");
    cr_expect_null(message_header(message, "Host", 1));
    world_stop(world);
}

Test(keep_alive, heads_just_below_the_limit_pass_both_ways)
{
    static char lines[4000];
    static char answer[16 * 1024] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n";

    memset(lines, 'a', 3900);
    memcpy(lines, "X-Long: ", 8);
    strcpy(lines + 3900, "\r\n");
    for (int i = 0; i < 90; i++)
        sprintf(answer + strlen(answer), "X-Answer-%02d: some value of some length %d\r\n", i, i);
    strcat(answer, "X-Last: yes\r\n\r\nok");
    struct origin *origin = origin_answering(answer, 0);
    struct world *world = before(origin);
    const struct reply *reply = world_get(world, "/", lines);

    cr_expect_eq(reply->status, 200);
    cr_expect_str_eq(reply_header(reply, "X-Last"), "yes");
    cr_expect_str_eq(reply_header(reply, "X-Answer-89"), "some value of some length 89");
    const char *arrived = message_header(&origin_request(origin, 0)->message, "X-Long", 0);
    cr_assert_not_null(arrived);
    cr_expect_eq(strlen(arrived), 3900 - 8);
    world_stop(world);
}

Test(keep_alive, lengths_over_four_gibibytes_are_kept_exactly)
{
    struct origin *origin =
        origin_answering("HTTP/1.1 200 OK\r\nContent-Length: 5000000001\r\n\r\n", 0);
    struct world *world = before(origin);
    const struct reply *reply = world_ask(world, "HEAD / HTTP/1.1\r\nHost: h\r\n\r\n");

    cr_expect_str_eq(reply_header(reply, "Content-Length"), "5000000001");
    world_stop(world);
}

Test(keep_alive, connection_stays_in_step_after_errors_of_upstreams)
{
    struct origin *origin =
        ORIGIN({.deeds = {READ_ALL, CLOSE}}, {.deeds = {READ_ALL, SEND(ANSWER_OK)}},
               {.deeds = {READ_ALL, SILENCE}}, {.deeds = {READ_ALL, SEND(ANSWER_OK)}});
    struct world *world = before(origin);
    struct dialogue *dialogue = world_dial(world);
    static const int statuses[] = {502, 200, 504, 200};

    for (size_t i = 0; i < 4; i++) {
        dialogue_send(dialogue, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n"
                                "X-Request-Timeout-Ms: 500\r\n\r\nabc");
        cr_assert_eq(dialogue_read(dialogue)->status, statuses[i], "request %zu", i);
    }
    world_stop(world);
}

/* Its answer comes before its body: what is left of the body is not the next request. */
Test(keep_alive, body_that_nobody_wants_does_not_become_a_request)
{
    struct origin *origin = origin_answering(ANSWER_OK, 0);
    struct world *world = world_start(
        WORLD_PATIENT "[upstream u]\nurl = http://127.0.0.1:%u\n[route r]\nmatch = /r\nsteps = c\n"
                      "[call r.c]\nupstream = u\nrequest = GET /own\n",
        origin_port(origin));
    struct dialogue *dialogue = world_dial(world);

    dialogue_send(dialogue, "POST /r HTTP/1.1\r\nHost: h\r\nContent-Length: 41\r\n\r\n");
    dialogue_send(dialogue, "GET /r HTTP/1.1\r\nHost: h\r\nX-Smuggled: 1\r\n\r\n");
    cr_expect_eq(dialogue_read(dialogue)->status, 200);
    cr_expect_eq(origin_requests(origin), 1);
    cr_expect_str_eq(origin_request(origin, 0)->message.start, "GET /own HTTP/1.1");
    cr_expect_null(message_header(&origin_request(origin, 0)->message, "X-Smuggled", 0));
    world_stop(world);
}

Test(keep_alive, pipelined_request_behind_the_last_answer_of_a_stopping_proxy_is_not_served)
{
    struct origin *origin = origin_answering(ANSWER_OK, 200);
    struct world *world = before(origin);
    struct dialogue *dialogue = world_dial(world);

    dialogue_send(dialogue, "GET /1 HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\n");
    (void)origin_request(origin, 0);
    program_signal(world_program(world), SIGTERM);
    const struct reply *reply = dialogue_read(dialogue);
    cr_expect_eq(reply->status, 200);
    cr_expect_str_eq(reply_header(reply, "Connection"), "close");
    cr_expect_eq(dialogue_read(dialogue)->end, REPLY_NONE);
    cr_expect_eq(origin_requests(origin), 1);
    world_stopped(world);
}
