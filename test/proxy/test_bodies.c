/* Bodies both ways and the framing of messages, from a client through the proxy to an origin. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "test/support/world.h"

TestSuite(bodies, .timeout = 300);

#define MIB ((size_t)1024 * 1024)

static struct world *before(struct origin *origin)
{
    return world_start(WORLD_PATIENT WORLD_ROUTE, origin_port(origin));
}

Test(bodies, body_by_content_length_arrives_whole_for_any_method)
{
    static const char *const methods[] = {"POST", "PUT", "PATCH", "DELETE", "GET", "OPTIONS"};
    static const char rest[] = " / HTTP/1.1\r\nHost: h\r\nContent-Length: 7\r\n\r\na\0b\r\n\xff!";
    struct origin *origin = origin_answering(ANSWER_OK, 0);
    struct world *world = before(origin);
    struct dialogue *dialogue = world_dial(world);

    for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++) {
        dialogue_send(dialogue, methods[i]);
        dialogue_send_bytes(dialogue, rest, sizeof(rest) - 1);
        cr_assert_eq(dialogue_read(dialogue)->status, 200, "%s", methods[i]);
        const struct message *message = &origin_body(origin, i)->message;
        cr_assert_eq(message->body_count, 7, "%s", methods[i]);
        cr_expect_eq(memcmp(message->body, "a\0b\r\n\xff!", 7), 0, "%s", methods[i]);
    }
    world_stop(world);
}

Test(bodies, chunked_body_arrives_whole_without_its_extensions_and_trailers)
{
    struct origin *origin = origin_answering(ANSWER_OK, 0);
    struct world *world = before(origin);

    cr_assert_eq(world_ask(world, "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
                                  "3;x=y\r\nabc\r\n00A\r\n0123456789\r\n0\r\nX-Sum: 1\r\n\r\n")
                     ->status,
                 200);
    const struct message *message = &origin_body(origin, 0)->message;
    cr_expect_str_eq(message->body, "abc0123456789");
    cr_expect_null(message_header(message, "X-Sum", 0));
    world_stop(world);
}

Test(bodies, empty_body_with_a_length_of_zero_is_an_empty_body)
{
    struct origin *origin = origin_answering(ANSWER_OK, 0);
    struct world *world = before(origin);

    cr_expect_eq(
        world_ask(world, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n")->status, 200);
    cr_expect_str_eq(message_header(&origin_body(origin, 0)->message, "Content-Length", 0), "0");
    cr_expect_eq(origin_body(origin, 0)->message.body_count, 0);
    world_stop(world);
}

Test(bodies, answer_arrives_whole_however_it_is_framed)
{
    static const struct script answers[] = {
        {.deeds = {SEND("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabcde")}},
        {.deeds = {SEND("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;q\r\nab\r\n"),
                   WAIT_MS(20), SEND("3\r\ncde\r\n0\r\nX-T: 1\r\n\r\n")}},
        {.deeds = {SEND("HTTP/1.1 200 OK\r\n\r\nab"), WAIT_MS(20), SEND("cde"), CLOSE}},
        {.deeds = {SEND("HTTP/1.0 200 OK\r\nConnection: close\r\n\r\nabcde"), CLOSE}},
        {.deeds = {SEND("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"), WAIT_MS(20),
                   SEND("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabcde")}},
        {.deeds = {DRIP("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabcde", 1)}},
    };
    enum { COUNT = sizeof(answers) / sizeof(*answers) };
    struct origin *origin = origin_start("127.0.0.1", answers, COUNT);
    struct world *world = before(origin);
    struct dialogue *dialogue = world_dial(world);

    for (size_t i = 0; i < COUNT; i++) {
        dialogue_send(dialogue, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
        const struct reply *reply = dialogue_read(dialogue);
        cr_assert_eq(reply->end, REPLY_COMPLETE, "answer %zu", i);
        cr_expect_eq(reply->status, 200, "answer %zu", i);
        cr_expect_str_eq(reply->body, "abcde", "answer %zu", i);
        cr_expect_null(message_header(&reply->message, "X-T", 0));
        cr_expect_null(message_header(&reply->message, "Link", 0));
    }
    world_stop(world);
}

Test(bodies, answers_that_have_no_body_leave_the_connection_in_step)
{
    static const struct script answers[] = {
        {.deeds = {SEND("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")}},
        {.deeds = {SEND("HTTP/1.1 204 No Content\r\nX-N: 1\r\n\r\n")}},
        {.deeds = {SEND("HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\n\r\n")}},
        {.deeds = {SEND("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")}},
        {.deeds = {SEND(ANSWER_OK)}},
    };
    struct origin *origin = origin_start("127.0.0.1", answers, 5);
    struct world *world = before(origin);
    struct dialogue *dialogue = world_dial(world);

    dialogue_send(dialogue, "HEAD / HTTP/1.1\r\nHost: h\r\n\r\n");
    const struct reply *head = dialogue_read_head(dialogue);
    cr_expect_eq(head->status, 200);
    cr_expect_str_eq(reply_header(head, "Content-Length"), "5");
    cr_expect_str_eq(origin_request(origin, 0)->message.start, "HEAD / HTTP/1.1");
    for (size_t i = 0; i < 4; i++)
        dialogue_send(dialogue, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    const struct reply *empty = dialogue_read(dialogue);
    cr_expect_eq(empty->status, 204);
    cr_expect_null(message_header(&empty->message, "Content-Length", 0));
    cr_expect_null(message_header(&empty->message, "Transfer-Encoding", 0));
    const struct reply *same = dialogue_read(dialogue);
    cr_expect_eq(same->status, 304);
    cr_expect_str_eq(reply_header(same, "ETag"), "\"x\"");
    cr_expect_str_eq(reply_header(dialogue_read(dialogue), "Content-Length"), "0");
    cr_expect_str_eq(dialogue_read(dialogue)->body, "ok");
    world_stop(world);
}

Test(bodies, pipelined_requests_are_answered_in_order)
{
    static const struct script answers[] = {
        {.deeds = {READ_ALL, WAIT_MS(60), SEND("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1")}},
        {.deeds = {READ_ALL, SEND("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n2")}},
        {.deeds = {READ_ALL, SEND("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n3")}},
    };
    struct origin *origin = origin_start("127.0.0.1", answers, 3);
    struct world *world = before(origin);
    struct dialogue *dialogue = world_dial(world);

    dialogue_send(dialogue, "GET /1 HTTP/1.1\r\nHost: h\r\n\r\n"
                            "POST /2 HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"
                            "GET /3 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    cr_expect_str_eq(dialogue_read(dialogue)->body, "1");
    cr_expect_str_eq(dialogue_read(dialogue)->body, "2");
    const struct reply *last = dialogue_read(dialogue);
    cr_expect_str_eq(last->body, "3");
    cr_expect_str_eq(reply_header(last, "Connection"), "close");
    cr_expect(dialogue_is_closed(dialogue));
    cr_expect_str_eq(origin_body(origin, 1)->message.body, "abc");
    world_stop(world);
}

Test(bodies, client_that_expects_100_continue_is_told_to_go_on)
{
    struct origin *origin = origin_answering(ANSWER_OK, 0);
    struct world *world = before(origin);
    struct dialogue *dialogue = world_dial(world);

    dialogue_send(dialogue, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n"
                            "Expect: 100-continue\r\n\r\n");
    cr_assert_eq(dialogue_read_any(dialogue)->status, 100);
    dialogue_send(dialogue, "abc");
    cr_expect_eq(dialogue_read(dialogue)->status, 200);
    cr_expect_str_eq(origin_body(origin, 0)->message.body, "abc");
    cr_expect_null(message_header(&origin_body(origin, 0)->message, "Expect", 0));
    world_stop(world);
}

Test(bodies, answer_that_comes_during_the_upload_reaches_the_client)
{
    struct origin *origin = ORIGIN(
        {.deeds = {
             READ_BYTES(1),
             SEND("HTTP/1.1 413 Too Much\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig"),
             SILENCE}});
    struct world *world = before(origin);
    struct dialogue *dialogue = world_dial(world);

    dialogue_send(dialogue, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\nabc");
    const struct reply *reply = dialogue_read(dialogue);
    cr_expect_eq(reply->status, 413);
    cr_expect_str_eq(reply->body, "big");
    cr_expect_lt(span_floor_ms(reply->took), 10000, "at once, not at the end of the budget");
    (void)origin_ended(origin, 0);
    world_stop(world);
}

/* The same with a good status: libcurl would go on waiting for the rest of the upload. */
Test(bodies, good_answer_that_comes_during_the_upload_reaches_the_client)
{
    struct origin *origin = ORIGIN({.deeds = {READ_BYTES(1), SEND(ANSWER_OK), SILENCE}});
    struct world *world = before(origin);
    struct dialogue *dialogue = world_dial(world);

    dialogue_send(dialogue, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\nabc");
    const struct reply *reply = dialogue_read(dialogue);
    cr_expect_eq(reply->status, 200);
    cr_expect_eq(reply->end, REPLY_COMPLETE);
    cr_expect_lt(span_floor_ms(reply->took), 10000, "at once, not at the end of the budget");
    world_stop(world);
}

/* It sends on, and reads only when it has sent all and slept a little. */
Test(bodies, an_early_answer_is_whole_for_a_client_that_goes_on_sending_before_it_reads)
{
    enum { LENGTH = 4000000, ANSWER = 400000 };
    struct origin *origin =
        ORIGIN({.deeds = {SEND("HTTP/1.1 401 Who\r\nContent-Length: 400000\r\n\r\n"), FLOOD(ANSWER),
                          WAIT_MS(5000)}});
    struct world *world = before(origin);
    struct dialogue *dialogue = world_dial(world);
    char *body = calloc(1, LENGTH);

    cr_assert_not_null(body);
    dialogue_send(dialogue, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4000000\r\n\r\n");
    cr_expect_eq(dialogue_send_some(dialogue, body, LENGTH), LENGTH, "it is kept waiting");
    free(body);
    usleep(1500 * 1000);
    const struct reply *reply = dialogue_read(dialogue);
    cr_expect_eq(reply->status, 401);
    cr_expect_eq(reply->end, REPLY_COMPLETE);
    cr_expect_eq(reply->message.body_count, ANSWER);
    world_stop(world);
}

/* More than sockets hold, so that libcurl is stopped and goes on many times: for a request with a body
 * in another way than for one without. */
Test(bodies, eight_mebibytes_come_down_unharmed)
{
    struct origin *origin =
        ORIGIN({.deeds = {READ_ALL, SEND("HTTP/1.1 200 OK\r\nContent-Length: 8388608\r\n\r\n"),
                          FLOOD(8388608)}},
               {.deeds = {READ_ALL,
                          SEND("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n800000\r\n"),
                          FLOOD(8388608), SEND("\r\n0\r\n\r\n")}},
               {.deeds = {READ_ALL, SEND("HTTP/1.1 200 OK\r\n\r\n"), FLOOD(8388608), CLOSE}});
    struct world *world = before(origin);

    for (int i = 0; i < 6; i++) {
        const struct reply *reply =
            world_ask(world, i < 3 ? "GET / HTTP/1.1\r\nHost: h\r\n\r\n"
                                   : "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi");
        cr_assert_eq(reply->end, REPLY_COMPLETE);
        cr_assert_eq(reply->message.body_count, 8 * MIB);
        for (size_t at = 0; at < 8 * MIB; at++)
            cr_assert_eq(reply->body[at], 'a' + (char)(at % (26 * 1024) % 26));
    }
    world_stop(world);
}

/* Far more than what sockets can hold between the two, whatever says where the answer ends. */
static void leave_an_answer_unread(const char *head, const char *request)
{
    struct origin *origin = ORIGIN({.deeds = {READ_ALL, SEND(ANSWER_OK)}},
                                   {.deeds = {READ_ALL, SEND(head), FLOOD(268435456)}});
    struct world *world = before(origin);
    struct dialogue *dialogue = world_dial(world);
    size_t sent = 0;

    world_get(world, "/", "");
    size_t before_it = world_memory(world);
    dialogue_send(dialogue, request);
    cr_assert(dialogue_awaits(dialogue, "abc"));
    for (size_t last = 1; sent != last; usleep(200 * 1000)) {
        last = sent;
        sent = origin_sent(origin);
    }
    size_t growth = world_memory(world) - before_it;
    cr_expect_lt(sent, 128 * MIB, "the origin was not held back: %s", head);
    cr_expect_lt(growth, 16 * MIB, "grew by %zu: %s", growth, head);
    dialogue_reset(dialogue);
    (void)origin_ended(origin, origin_request(origin, 1)->connection);
    world_stop(world);
}

Test(bodies, client_that_does_not_read_costs_little_memory_and_stops_the_origin)
{
    static const char *const heads[] = {
        "HTTP/1.1 200 OK\r\nContent-Length: 268435456\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10000000\r\n",
        "HTTP/1.1 200 OK\r\n\r\n",
    };

    for (size_t i = 0; i < sizeof(heads) / sizeof(*heads); i++) {
        leave_an_answer_unread(heads[i], "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
        leave_an_answer_unread(heads[i],
                               "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi");
    }
}

Test(bodies, origin_that_does_not_read_costs_little_memory_and_stops_the_client)
{
    struct origin *origin = ORIGIN({.deeds = {SEND(ANSWER_OK)}}, {.deeds = {SILENCE}});
    struct world *world = before(origin);
    struct dialogue *dialogue = world_dial(world);
    char *body = calloc(1, 128 * MIB);

    cr_assert_not_null(body);
    world_get(world, "/", "");
    size_t before_it = world_memory(world);
    dialogue_send(dialogue, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 134217728\r\n\r\n");
    size_t sent = dialogue_send_some(dialogue, body, 128 * MIB);
    size_t growth = world_memory(world) - before_it;
    free(body);
    cr_expect_lt(sent, 64 * MIB, "the client was not held back");
    cr_expect_lt(growth, 16 * MIB, "grew by %zu", growth);
    dialogue_reset(dialogue);
    /* The origin cannot see the end behind what it has not read; the log can. */
    cr_expect(LOGS(world, "status=499", "method=POST"));
    world_stop(world);
}
