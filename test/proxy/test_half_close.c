/* half-close = continue: clients that end their side, as nc -N does, and wait for their answers. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proxy/clock.h"
#include "test/support/world.h"

TestSuite(half_close, .timeout = 300);

#define GET "GET / HTTP/1.1\r\nHost: h\r\n\r\n"
#define PATIENT WORLD_PATIENT "half-close = continue\n"

static struct world *before(struct origin *origin)
{
    return world_start(PATIENT WORLD_ROUTE, origin_port(origin));
}

static struct dialogue *say_last(const struct world *world, const char *request)
{
    struct dialogue *dialogue = world_dial(world);

    dialogue_send(dialogue, request);
    dialogue_half_close(dialogue);
    return dialogue;
}

/* Request n of the origin ends soon, and is logged as the client's leaving. */
static void expect_cancelled(struct world *world, struct origin *origin, size_t n)
{
    struct instant left = clock_now();
    struct span took =
        span_since(left, origin_ended(origin, origin_request(origin, n)->connection));

    cr_expect_lt(took.ns, span_s(2).ns, "%g ms", span_as_ms(took));
    cr_expect(LOGS(world, "status=499", "backend", "cancelled"));
    cr_expect_eq(world_metric_sum(world, "hourglass_requests_in_flight", ""), 0);
}

Test(half_close, client_is_answered_in_full_and_the_connection_closed)
{
    struct origin *origin = origin_answering(ANSWER_OK, 100);
    struct world *world = before(origin);
    struct dialogue *dialogue = say_last(world, GET);
    const struct reply *reply = dialogue_read(dialogue);

    cr_expect_eq(reply->status, 200);
    cr_expect_eq(reply->end, REPLY_COMPLETE);
    cr_expect_str_eq(reply->body, "ok");
    cr_expect_str_eq(reply_header(reply, "Connection"), "close");
    cr_expect(dialogue_is_closed(dialogue));
    cr_expect(LOGS(world, "status=200", "outcome=ok"));
    cr_expect_eq(world_count_lines(world), 1);
    world_stop(world);
}

Test(half_close, client_that_uploads_a_body_first_is_answered_too)
{
    enum { LENGTH = 1 << 20 };
    static char request[LENGTH + 100];
    struct origin *origin = ORIGIN({.deeds = {WAIT_MS(100), READ_ALL, SEND(ANSWER_OK)}});
    struct world *world = before(origin);

    strcpy(request, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1048576\r\n\r\n");
    memset(request + strlen(request), 'x', LENGTH);
    const struct reply *reply = dialogue_read(say_last(world, request));
    cr_expect_eq(reply->status, 200);
    cr_expect_eq(origin_received(origin, 0), (size_t)LENGTH);
    world_stop(world);
}

Test(half_close, client_gets_a_long_answer_whole)
{
    enum { LENGTH = 8 << 20 };
    struct origin *origin =
        ORIGIN({.deeds = {SEND("HTTP/1.1 200 OK\r\nContent-Length: 8388608\r\n\r\n"),
                          FLOOD(LENGTH / 2), WAIT_MS(50), FLOOD(LENGTH / 2)}});
    struct world *world = before(origin);
    struct dialogue *dialogue = say_last(world, GET);

    usleep(100 * 1000);
    const struct reply *reply = dialogue_read(dialogue);
    cr_expect_eq(reply->end, REPLY_COMPLETE);
    cr_expect_eq(reply->message.body_count, (size_t)LENGTH);
    world_stop(world);
}

Test(half_close, budget_ends_a_request_as_it_ends_any)
{
    struct origin *origin = ORIGIN({.deeds = {SILENCE}});
    struct world *world = before(origin);
    const struct reply *reply = dialogue_read(
        say_last(world, "GET / HTTP/1.1\r\nHost: h\r\nX-Request-Timeout-Ms: 100\r\n\r\n"));

    cr_expect_eq(reply->status, 504);
    cr_expect_str_eq(reply_member(reply, "reason"), "call");
    world_stop(world);
}

Test(half_close, reset_is_leaving_all_the_same)
{
    struct origin *origin = ORIGIN({.deeds = {SILENCE}});
    struct world *world = before(origin);
    struct dialogue *dialogue = say_last(world, GET);

    (void)origin_request(origin, 0);
    usleep(20 * 1000);
    cr_assert(origin_is_open(origin, 0));
    dialogue_reset(dialogue);
    expect_cancelled(world, origin, 0);
    world_stop(world);
}

Test(half_close, end_within_an_upload_is_leaving_all_the_same)
{
    static const char *const requests[] = {
        "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\nabc",
        "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
        "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n",
    };
    struct origin *origin = ORIGIN({.deeds = {READ_ALL}});
    struct world *world = before(origin);

    for (size_t i = 0; i < 3; i++) {
        struct dialogue *dialogue = world_dial(world);
        dialogue_send(dialogue, requests[i]);
        (void)origin_request(origin, i);
        dialogue_half_close(dialogue);
        expect_cancelled(world, origin, i);
    }
    world_stop(world);
}

Test(half_close, requests_in_the_pipe_go_on_or_not_as_their_own_routes_say)
{
    struct origin *origin = origin_answering(ANSWER_OK, 100);
    struct world *world =
        world_start(WORLD_PATIENT "[upstream u]\nurl = http://127.0.0.1:%u\n"
                                  "[route stays]\nmatch = /stays\nupstream = u\n"
                                  "half-close = continue\n"
                                  "[route leaves]\nmatch = /leaves\nupstream = u\n",
                    origin_port(origin));
    struct dialogue *dialogue = say_last(world, "GET /stays HTTP/1.1\r\nHost: h\r\n\r\n"
                                                "GET /stays HTTP/1.1\r\nHost: h\r\n\r\n"
                                                "GET /leaves HTTP/1.1\r\nHost: h\r\n\r\n");

    cr_expect_eq(dialogue_read(dialogue)->status, 200);
    cr_expect_eq(dialogue_read(dialogue)->status, 200);
    cr_expect_neq(dialogue_read(dialogue)->end, REPLY_COMPLETE);
    cr_expect(LOGS(world, "status=499", "route=leaves"));
    cr_expect_eq(world_count_lines(world), 3);
    world_stop(world);
}

Test(half_close, merged_answer_goes_out_too)
{
    struct origin *origin = origin_answering("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1", 50);
    struct world *world = world_start(PATIENT "[upstream u]\nurl = http://127.0.0.1:%u\n"
                                              "[route page]\nmatch = /*\nsteps = a + b\n"
                                              "answer = merge\n"
                                              "[call page.a]\nupstream = u\nrequest = GET /a\n"
                                              "[call page.b]\nupstream = u\nrequest = GET /b\n",
                                      origin_port(origin));
    const struct reply *reply = dialogue_read(say_last(world, GET));

    cr_expect_eq(reply->status, 200);
    cr_expect_eq(reply_number(reply, "a"), 1);
    cr_expect_eq(reply_number(reply, "b"), 1);
    world_stop(world);
}
