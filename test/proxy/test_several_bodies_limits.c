/* A body that is read whole before the first call: how large it may be, and clients that are slow
 * with it or leave. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proxy/clock.h"
#include "test/support/world.h"

TestSuite(several_bodies_limits, .timeout = 300);

enum { MOST = 1024 * 1024 };

static struct world *before(struct origin *origin)
{
    return world_start(WORLD_PATIENT "[upstream u]\nurl = http://127.0.0.1:%u\n"
                                     "[route r]\nmatch = /*\nsteps = a, b\n"
                                     "[call r.a]\nupstream = u\n[call r.b]\nupstream = u\n",
                       origin_port(origin));
}

static char body[MOST + 1];

static struct dialogue *post(const struct world *world, const char *lines)
{
    struct dialogue *dialogue = world_dial(world);
    char head[200];

    memset(body, 'x', sizeof(body));
    snprintf(head, sizeof(head), "POST / HTTP/1.1\r\nHost: h\r\n%s\r\n", lines);
    dialogue_send(dialogue, head);
    return dialogue;
}

static void expect_too_large(const struct reply *reply)
{
    cr_expect_eq(reply->status, 413);
    cr_expect_eq(reply->end, REPLY_COMPLETE);
    cr_expect_str_eq(reply_header(reply, "Content-Type"), "application/problem+json");
    cr_expect_str_neq(reply_header(reply, "X-Request-Id"), "");
    cr_expect_eq(reply_number(reply, "status"), 413);
}

/* Closed, or the next request is answered: never out of step. */
static void expect_in_step(struct dialogue *dialogue, const struct reply *last)
{
    const struct reply *reply;

    if (strcmp(reply_header(last, "Connection"), "close") == 0) {
        cr_expect(dialogue_is_closed(dialogue));
        return;
    }
    dialogue_send(dialogue, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    reply = dialogue_read(dialogue);
    cr_expect_eq(reply->status, 200);
    cr_expect_str_eq(reply->body, "ok");
}

Test(several_bodies_limits, byte_too_many_that_is_announced_is_refused)
{
    struct origin *origin = origin_answering(ANSWER_OK, 0);
    struct world *world = before(origin);
    struct dialogue *dialogue = post(world, "Content-Length: 1048577\r\n");
    const struct reply *reply;

    dialogue_send_some(dialogue, body, sizeof(body));
    reply = dialogue_read(dialogue);
    expect_too_large(reply);
    cr_expect_eq(origin_requests(origin), 0);
    expect_in_step(dialogue, reply);
    cr_expect(LOGS(world, "status=413", "route=r", "outcome="));
    world_stop(world);
}

/* It is answered before it has sent any of it. */
Test(several_bodies_limits, announced_length_is_enough_to_refuse_it)
{
    static const char *const lines[] = {"Content-Length: 1048577\r\n",
                                        "Content-Length: 1048577\r\nExpect: 100-continue\r\n",
                                        "Content-Length: 99999999999\r\n"};

    for (size_t i = 0; i < 3; i++) {
        struct origin *origin = origin_answering(ANSWER_OK, 0);
        struct world *world = before(origin);
        struct dialogue *dialogue = post(world, lines[i]);
        const struct reply *reply = dialogue_read(dialogue);

        expect_too_large(reply);
        cr_expect_eq(reply->interims, 0);
        cr_expect_lt(reply->took.ns, span_s(4).ns);
        cr_expect_eq(origin_requests(origin), 0);
        world_stop(world);
    }
}

Test(several_bodies_limits, chunk_too_many_is_refused)
{
    struct origin *origin = origin_answering(ANSWER_OK, 0);
    struct world *world = before(origin);
    struct dialogue *dialogue = post(world, "Transfer-Encoding: chunked\r\n");

    dialogue_send(dialogue, "100000\r\n");
    dialogue_send_bytes(dialogue, body, MOST);
    dialogue_send(dialogue, "\r\n");
    usleep(50 * 1000);
    cr_expect_eq(origin_requests(origin), 0);
    dialogue_send(dialogue, "1\r\nx\r\n0\r\n\r\n");
    const struct reply *reply = dialogue_read(dialogue);
    expect_too_large(reply);
    cr_expect_eq(origin_requests(origin), 0);
    expect_in_step(dialogue, reply);
    cr_expect(LOGS(world, "status=413"));
    world_stop(world);
}

Test(several_bodies_limits, chunks_without_end_are_refused)
{
    struct origin *origin = origin_answering(ANSWER_OK, 0);
    struct world *world = before(origin);
    struct dialogue *dialogue = post(world, "Transfer-Encoding: chunked\r\n");

    for (int i = 0; i < 3; i++) {
        dialogue_send_some(dialogue, "100000\r\n", 8);
        dialogue_send_some(dialogue, body, MOST);
        dialogue_send_some(dialogue, "\r\n", 2);
    }
    expect_too_large(dialogue_read(dialogue));
    cr_expect_eq(origin_requests(origin), 0);
    world_stop(world);
}

/* One call alone streams it, whatever its length. */
Test(several_bodies_limits, call_that_passes_through_alone_knows_no_such_limit)
{
    struct origin *origin = origin_answering(ANSWER_OK, 0);
    struct world *world = world_start(WORLD_PATIENT "[upstream u]\nurl = http://127.0.0.1:%u\n"
                                                    "[route r]\nmatch = /*\nsteps = a, b\n"
                                                    "[call r.a]\nupstream = u\nrequest = GET /a\n"
                                                    "[call r.b]\nupstream = u\n",
                                      origin_port(origin));
    struct dialogue *dialogue = post(world, "Content-Length: 1048577\r\n");

    dialogue_send_bytes(dialogue, body, sizeof(body));
    cr_expect_eq(dialogue_read(dialogue)->status, 200);
    cr_expect_eq(origin_body(origin, 1)->message.body_count, sizeof(body));
    world_stop(world);
}

/* ---- slow clients, and those that leave ------------------------------------------------------- */

Test(several_bodies_limits, body_that_does_not_come_in_time_is_a_408)
{
    static const char *const framings[] = {"Content-Length: 5\r\n",
                                           "Transfer-Encoding: chunked\r\n"};

    for (size_t i = 0; i < 2; i++) {
        struct origin *origin = origin_answering(ANSWER_OK, 0);
        struct world *world = before(origin);
        char lines[100];
        snprintf(lines, sizeof(lines), "X-Request-Timeout-Ms: 200\r\n%s", framings[i]);
        struct dialogue *dialogue = post(world, lines);
        dialogue_send(dialogue, i == 0 ? "hel" : "3\r\nhel\r\n");
        const struct reply *reply = dialogue_read(dialogue);

        cr_expect_eq(reply->status, 408);
        cr_expect_eq(reply->end, REPLY_COMPLETE);
        cr_expect_geq(reply->took.ns, span_ms(190).ns);
        cr_expect_str_eq(reply_header(reply, "Connection"), "close");
        cr_expect(dialogue_is_closed(dialogue));
        cr_expect_eq(origin_requests(origin), 0);
        cr_expect(LOGS(world, "status=408"));
        world_stop(world);
    }
}

/* The time that the upload took is gone: the calls are told less. */
Test(several_bodies_limits, time_of_the_upload_is_spent)
{
    struct origin *origin = origin_answering(ANSWER_OK, 0);
    struct world *world = before(origin);
    struct dialogue *dialogue = post(world, "X-Request-Timeout-Ms: 5000\r\nContent-Length: 5\r\n");

    usleep(1000 * 1000);
    dialogue_send(dialogue, "hello");
    cr_expect_eq(dialogue_read(dialogue)->status, 200);
    const char *told =
        message_header(&origin_request(origin, 0)->message, "X-Request-Timeout-Ms", 0);
    cr_assert_not_null(told);
    cr_expect_leq(atoi(told), 4480,
                  "20 ms are kept back, and most of the 1000 ms were seen to pass");
    cr_expect_gt(atoi(told), 0);
    world_stop(world);
}

Test(several_bodies_limits, client_that_leaves_during_its_upload_makes_no_call)
{
    for (int i = 0; i < 3; i++) {
        struct origin *origin = origin_answering(ANSWER_OK, 0);
        struct world *world = before(origin);
        struct dialogue *dialogue = post(world, "Content-Length: 300000\r\n");

        dialogue_send_bytes(dialogue, body, 200000);
        usleep(30 * 1000);
        if (i == 0)
            dialogue_close(dialogue);
        else if (i == 1)
            dialogue_reset(dialogue);
        else
            dialogue_half_close(dialogue);
        cr_expect(LOGS(world, "status=499", "outcome=client_gone", "route=r"), "way %d", i);
        cr_expect_eq(origin_requests(origin), 0);
        cr_expect_eq(world_count_lines(world), 1);
        world_stop(world);
    }
}

Test(several_bodies_limits, broken_chunk_makes_no_call)
{
    struct origin *origin = origin_answering(ANSWER_OK, 0);
    struct world *world = before(origin);
    struct dialogue *dialogue = post(world, "Transfer-Encoding: chunked\r\n");

    dialogue_send(dialogue, "3\r\nhel\r\nzz\r\n");
    cr_expect_eq(dialogue_read(dialogue)->status, 400);
    cr_expect(dialogue_is_closed(dialogue));
    cr_expect_eq(origin_requests(origin), 0);
    world_stop(world);
}

/* A budget that is spent, or that holds not even what the calls need least, needs no body. */
Test(several_bodies_limits, expired_request_is_answered_without_its_body)
{
    struct origin *origin = origin_answering(ANSWER_OK, 0);
    struct world *world = before(origin);
    const struct reply *reply =
        dialogue_read(post(world, "X-Request-Timeout-Ms: 0\r\nContent-Length: 5\r\n"));

    cr_expect_eq(reply->status, 504);
    cr_expect_str_eq(reply_member(reply, "reason"), "arrival");
    cr_expect_eq(origin_requests(origin), 0);
    world_stop(world);
}

Test(several_bodies_limits, stopping_ends_an_upload_that_does_not_end)
{
    struct origin *origin = origin_answering(ANSWER_OK, 0);
    struct world *world =
        world_start(WORLD_PROXY "drain = 100ms\n" WORLD_BUDGET "default = 20s\n"
                                "[upstream u]\nurl = http://127.0.0.1:%u\n"
                                "[route r]\nmatch = /*\nsteps = a, b\n"
                                "[call r.a]\nupstream = u\n[call r.b]\nupstream = u\n",
                    origin_port(origin));
    struct dialogue *dialogue = post(world, "Content-Length: 5\r\n");

    dialogue_send(dialogue, "hel");
    cr_expect(world_comes_to(world, "hourglass_requests_in_flight", "{route=\"r\"}", 1));
    program_signal(world_program(world), SIGTERM);
    const struct reply *reply = dialogue_read(dialogue);
    cr_expect(reply->status == 504 || reply->status == 408, "%d", reply->status);
    cr_expect_eq(origin_requests(origin), 0);
    world_stopped(world);
}
