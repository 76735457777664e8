/* Traps of the libraries underneath, each met by a test that fails without its defence. They were
 * found in libcurl 7.88.1 and libevent 2.1.12; upstream's numbers are given where there are. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "test/support/fleet.h"
#include "test/support/name_server.h"
#include "test/support/world.h"

TestSuite(findings, .timeout = 300);

static struct world *before(struct origin *origin)
{
    return world_start(WORLD_PATIENT WORLD_ROUTE, origin_port(origin));
}

static const char *const get = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
static const char *const post = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc";

/* CURLOPT_TIMEOUT_MS is lost for ever when a packet comes within the last millisecond of it
 * (curl #11937). */
Test(findings, packet_just_before_the_grant_is_over_does_not_lose_the_deadline)
{
    enum { COUNT = 24 };
    struct script scripts[COUNT];

    for (int i = 0; i < COUNT; i++) {
        scripts[i] = (struct script){
            .deeds = {WAIT_US(18600 + 1000 * i / (COUNT - 1)), SEND("HTTP/1.1 200"), SILENCE}};
    }
    struct origin *origin = origin_start("127.0.0.1", scripts, COUNT);
    struct world *world = world_start(
        WORLD_PATIENT "[upstream u]\nurl = http://127.0.0.1:%u\n"
                      "[call r.c]\nupstream = u\nbudget = 20ms\n[route r]\nmatch = /*\nsteps = c\n",
        origin_port(origin));
    for (int i = 0; i < COUNT; i++) {
        const struct reply *reply = world_get(world, "/", "");
        cr_assert_eq(reply->status, 504, "request %d: %d", i, reply->status);
        cr_expect_geq(reply->took.ns, span_ms(20).ns);
        cr_expect_lt(reply->took.ns, span_ms(2000).ns);
    }
    world_stop(world);
}

/* Transfers that libcurl itself queues for a connection have no timeout (curl #13227). */
Test(findings, request_that_waits_behind_a_hung_one_is_let_go_in_time)
{
    struct origin *origin = ORIGIN({.deeds = {SILENCE}});
    struct world *world =
        world_start(WORLD_PATIENT "[upstream narrow]\nurl = http://127.0.0.1:%u\nconnections = 1\n"
                                  "[route r]\nmatch = /*\nupstream = narrow\n",
                    origin_port(origin));
    struct dialogue *hung = world_dial(world);

    dialogue_send(hung, get);
    (void)origin_request(origin, 0);
    const struct reply *reply = world_get(world, "/", "X-Request-Timeout-Ms: 100\r\n");
    cr_expect_eq(reply->status, 504);
    cr_expect_str_eq(reply_member(reply, "reason"), "queue");
    cr_expect_geq(reply->took.ns, span_ms(90).ns);
    cr_expect_eq(origin_requests(origin), 1);
    cr_expect(LOGS(world, "status=504", "reason=queue"));
    dialogue_close(hung);
    (void)origin_ended(origin, 0);
    world_stop(world);
}

Test(findings, request_that_waits_goes_as_soon_as_the_one_before_it_leaves)
{
    struct origin *origin = ORIGIN({.deeds = {SILENCE}}, {.deeds = {SEND(ANSWER_OK)}});
    struct world *world =
        world_start(WORLD_PATIENT "[upstream narrow]\nurl = http://127.0.0.1:%u\nconnections = 1\n"
                                  "[route r]\nmatch = /*\nupstream = narrow\n",
                    origin_port(origin));
    struct dialogue *hung = world_dial(world);
    struct dialogue *waits = world_dial(world);

    dialogue_send(hung, get);
    (void)origin_request(origin, 0);
    dialogue_send(waits, get);
    usleep(30 * 1000);
    cr_expect_eq(origin_requests(origin), 1);
    dialogue_close(hung);
    cr_expect_eq(dialogue_read(waits)->status, 200);
    world_stop(world);
}

/* When a transfer is let go while its name is looked up, libcurl waits for the lookup's thread and
 * the whole loop with it (curl #2975). */
Test(findings, silent_name_server_does_not_hold_up_other_requests)
{
    struct origin *origin = origin_answering(ANSWER_OK, 0);
    struct name_server *names = name_server_start(NAME_IS_SILENT);
    struct world *world =
        world_start(WORLD_PROXY "resolver = 127.0.0.1:%u\n" WORLD_BUDGET "default = 20s\n"
                                "[upstream named]\nurl = http://nowhere.test:80\n"
                                "[upstream backend]\nurl = http://127.0.0.1:%u\n"
                                "[route named]\nmatch = /named\nupstream = named\n"
                                "[route all]\nmatch = /*\nupstream = backend\n",
                    name_server_port(names), origin_port(origin));
    struct dialogue *named = world_dial(world);

    dialogue_send(named, "GET /named HTTP/1.1\r\nHost: h\r\nX-Request-Timeout-Ms: 300\r\n\r\n");
    struct span longest = SPAN_NONE;
    for (int i = 0; i < 100; i++) {
        const struct reply *reply = world_get(world, "/", "");
        cr_assert_eq(reply->status, 200);
        longest = span_max(longest, reply->took);
        usleep(5000);
    }
    cr_expect_lt(longest.ns, span_ms(3000).ns, "one took %g ms", span_as_ms(longest));
    cr_expect_eq(dialogue_read(named)->status, 504);
    world_stop(world);
    name_server_stop(names);
}

/* With prior knowledge of HTTP/2 every second request on a connection fails (curl #10634). */
Test(findings, connections_are_used_again_and_every_request_on_them_is_well)
{
    struct origin *origin = origin_answering(ANSWER_OK, 0);
    struct world *world = before(origin);
    struct dialogue *dialogue = world_dial(world);

    for (size_t i = 0; i < 25; i++) {
        dialogue_send(dialogue, i % 2 == 0 ? get : post);
        const struct reply *reply = dialogue_read(dialogue);
        cr_assert_eq(reply->status, 200, "request %zu: %d", i, reply->status);
        cr_assert_str_eq(reply->body, "ok");
        cr_expect_str_eq(origin_request(origin, i)->message.start + (i % 2 == 0 ? 3 : 4),
                         " / HTTP/1.1");
    }
    cr_expect_eq(origin_connections(origin), 1);
    world_stop(world);
}

/* Given several requests at once, libcurl runs them on one connection one behind the other, where the
 * answers are there at once: then the bytes of all of them have come when the first is looked at, and
 * must not be taken for what nobody asked for. */
Test(findings, requests_that_are_begun_together_need_no_more_connections_than_clients)
{
    enum { CLIENTS = 8, REQUESTS = 2000 };
    struct origin *origin = origin_answering(ANSWER_OK, 0);
    struct world *world = before(origin);
    struct fleet *fleet = fleet_start(
        &(struct fleet_options){.address = world_address(world, 0), .keepers = CLIENTS});

    while (fleet_answered(fleet) < REQUESTS)
        usleep(1000);
    struct tally tally = fleet_recall(fleet);
    cr_expect_geq(tally.answered, REQUESTS, "%s", tally_text(&tally));
    cr_expect_eq(tally.unwanted + tally.cut + tally.lost + tally.late, 0, "%s", tally_text(&tally));
    cr_expect_leq(origin_connections(origin), CLIENTS);
    world_stop(world);
}

#define EVIL "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nEVIL!!"

/* Bytes that come on an idle connection would be the answer to the next request (curl #10690). */
Test(findings, stray_bytes_on_an_idle_connection_are_nobodys_answer)
{
    struct origin *origin = ORIGIN({.deeds = {SEND(ANSWER_OK), WAIT_MS(30), SEND(EVIL)}},
                                   {.deeds = {SEND(ANSWER_OK EVIL)}}, {.deeds = {SEND(ANSWER_OK)}});
    struct world *world = before(origin);

    for (size_t i = 0; i < 4; i++) {
        const struct reply *reply = world_get(world, "/", "");
        cr_assert_eq(reply->status, 200, "request %zu: %d", i, reply->status);
        cr_assert_str_eq(reply->body, "ok", "request %zu got %s", i, reply->body);
        if (i < 2)
            origin_await_sent(origin, (i + 1) * strlen(ANSWER_OK EVIL));
    }
    cr_expect_geq(origin_connections(origin), 3, "such a connection is not used again");
    world_stop(world);
}

/* libcurl joins a folded line to the header before it. Where a head begins with one, and the handle
 * was used before, that is a header of the earlier response, whose memory was given back. */
Test(findings, head_that_begins_with_a_folded_line_touches_nothing_of_an_earlier_one)
{
    struct origin *origin = ORIGIN(
        {.deeds = {SEND("HTTP/1.1 200 OK\r\nX-Last: 1\r\nContent-Length: 0\r\n\r\n")}},
        {.deeds = {SEND("HTTP/1.1 200 OK\r\n folded\r\nContent-Length: 0\r\n\r\n"), CLOSE}},
        {.deeds = {SEND("HTTP/1.1 103 Early\r\nX: 1\r\n\r\nHTTP/1.1 200 OK\r\n\tfolded\r\n\r\n"),
                   CLOSE}},
        {.deeds = {SEND(ANSWER_OK)}});
    struct world *world = before(origin);

    cr_assert_eq(world_get(world, "/", "")->status, 200);
    for (int i = 0; i < 2; i++) {
        const struct reply *reply = world_get(world, "/", "");
        cr_expect_eq(reply->status, 502, "%d", reply->status);
        cr_expect_eq(reply->end, REPLY_COMPLETE);
    }
    cr_expect_eq(world_get(world, "/", "")->status, 200);
    world_stop(world);
}

/* libcurl sends any request again when a connection that it uses again dies before a byte of the
 * answer: a POST would be executed twice (curl #18417). */
Test(findings, post_on_a_connection_that_dies_arrives_once)
{
    struct origin *origin = ORIGIN({.deeds = {SEND(ANSWER_OK)}}, {.deeds = {READ_ALL, CLOSE}},
                                   {.deeds = {READ_ALL, SEND(ANSWER_OK)}});
    struct world *world = before(origin);

    cr_assert_eq(world_get(world, "/", "")->status, 200);
    const struct reply *reply = world_ask(world, post);
    cr_expect_eq(reply->status, 502);
    cr_expect_eq(origin_requests(origin), 2, "the POST was sent again");
    cr_expect_eq(origin_request(origin, 1)->connection, 0, "on the same connection");
    world_stop(world);
}

Test(findings, requests_that_are_not_safe_to_repeat_are_sent_once_in_every_shape)
{
    static const char *const requests[] = {
        "PATCH / HTTP/1.1\r\nHost: h\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
    };
    struct origin *origin = ORIGIN({.deeds = {SEND(ANSWER_OK)}}, {.deeds = {READ_ALL, RESET}},
                                   {.deeds = {SEND(ANSWER_OK)}}, {.deeds = {READ_ALL, RESET}},
                                   {.deeds = {SEND(ANSWER_OK)}}, {.deeds = {READ_ALL, RESET}},
                                   {.deeds = {SEND(ANSWER_OK)}});
    struct world *world = before(origin);

    for (size_t i = 0; i < 3; i++) {
        cr_assert_eq(world_get(world, "/", "")->status, 200);
        cr_expect_eq(world_ask(world, requests[i])->status, 502, "%s", requests[i]);
        cr_assert_eq(origin_requests(origin), 2 * (i + 1), "%s was sent again", requests[i]);
    }
    world_stop(world);
}

Test(findings, request_that_is_sent_again_is_counted_as_an_attempt)
{
    struct origin *origin =
        ORIGIN({.deeds = {SEND(ANSWER_OK)}}, {.deeds = {CLOSE}}, {.deeds = {SEND(ANSWER_OK)}});
    struct world *world = before(origin);

    cr_assert_eq(world_get(world, "/", "")->status, 200);
    const struct reply *reply = world_get(world, "/again", "");
    cr_expect_eq(reply->status, 200, "%d", reply->status);
    cr_expect_eq(origin_requests(origin), 3, "it was sent twice, and no more");
    cr_expect_eq(origin_request(origin, 1)->connection, 0, "first on the kept connection");
    cr_expect_eq(origin_request(origin, 2)->connection, 1);
    cr_expect(LOGS(world, "/again", "status=200", "attempts=2"));
    world_stop(world);
}

/* Handles are pooled; after five such resends one of them would refuse to work (curl #18926). */
Test(findings, connection_that_the_upstream_closed_while_idle_is_replaced_without_an_error)
{
    struct origin *origin = ORIGIN({.deeds = {READ_ALL, SEND(ANSWER_OK), CLOSE}});
    struct world *world = before(origin);

    for (size_t i = 0; i < 10; i++) {
        const struct reply *reply = world_ask(world, i % 2 == 0 ? get : post);
        cr_assert_eq(reply->status, 200, "request %zu: %d", i, reply->status);
        (void)origin_ended(origin, i);
    }
    cr_expect_eq(origin_requests(origin), 10);
    world_stop(world);
}

/* Header lines joined into one list node, to spare libcurl's printf, are still lines. */
Test(findings, many_headers_arrive_intact_in_order_and_each_on_its_own_line)
{
    struct origin *origin = origin_answering(ANSWER_OK, 0);
    struct world *world = before(origin);
    char lines[4000] = "";
    char line[64];

    for (int i = 0; i < 90; i++)
        sprintf(lines + strlen(lines), "X-Header-%02d: value of number %d\r\n", i, i);
    cr_assert_eq(world_get(world, "/", lines)->status, 200);
    const struct message *message = &origin_request(origin, 0)->message;
    const char *at = message->head;
    for (int i = 0; i < 90; i++) {
        snprintf(line, sizeof(line), "X-Header-%02d: value of number %d\r\n", i, i);
        at = strstr(at, line);
        cr_assert_not_null(at, "%s is not there, or not in its place", line);
        cr_expect(at == message->head || at[-1] == '\n');
    }
    world_stop(world);
}

/* evhttp hands a request on only when its body is whole. */
Test(findings, body_is_streamed_to_the_upstream_before_its_end)
{
    struct origin *origin = ORIGIN({.deeds = {READ_ALL, SEND(ANSWER_OK)}});
    struct world *world = before(origin);
    struct dialogue *dialogue = world_dial(world);

    dialogue_send(dialogue, "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
                            "3\r\nabc\r\n");
    for (int i = 0; i < 5000 && origin_received(origin, 0) < 3; i++)
        usleep(1000);
    cr_expect_eq(origin_received(origin, 0), 3);
    dialogue_send(dialogue, "2\r\nde\r\n0\r\n\r\n");
    cr_expect_eq(dialogue_read(dialogue)->status, 200);
    cr_expect_str_eq(origin_body(origin, 0)->message.body, "abcde");
    world_stop(world);
}

Test(findings, answer_is_streamed_to_the_client_before_its_end)
{
    struct origin *origin =
        ORIGIN({.deeds = {SEND("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"), SILENCE}});
    struct world *world = before(origin);
    struct dialogue *dialogue = world_dial(world);

    dialogue_send(dialogue, get);
    cr_expect(dialogue_awaits(dialogue, "\r\n\r\nabc"));
    cr_expect(origin_is_open(origin, 0));
    dialogue_close(dialogue);
    (void)origin_ended(origin, 0);
    world_stop(world);
}

/* evhttp does not read, and so sees nobody leave, from the end of a request to its reply. */
Test(findings, departure_is_noticed_while_the_request_is_pending)
{
    struct origin *origin = ORIGIN({.deeds = {READ_ALL, SILENCE}});
    struct world *world = before(origin);
    struct dialogue *dialogue = world_dial(world);

    dialogue_send(dialogue, post);
    (void)origin_body(origin, 0);
    cr_expect(origin_is_open(origin, 0));
    dialogue_close(dialogue);
    (void)origin_ended(origin, 0);
    cr_expect(LOGS(world, "status=499"));
    world_stop(world);
}

/* Edge-triggered events make libcurl's uploads hang. */
Test(findings, upload_of_eight_mebibytes_arrives_whole)
{
    enum { COUNT = 8 * 1024 * 1024 };
    struct origin *origin = origin_answering(ANSWER_OK, 0);
    struct world *world = before(origin);
    struct dialogue *dialogue = world_dial(world);
    char *body = malloc(COUNT);

    cr_assert_not_null(body);
    for (size_t i = 0; i < COUNT; i++)
        body[i] = (char)(i * 7 + (i >> 12));
    dialogue_send(dialogue, "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 8388608\r\n\r\n");
    dialogue_send_bytes(dialogue, body, COUNT);
    cr_expect_eq(dialogue_read(dialogue)->status, 200);
    const struct message *message = &origin_body(origin, 0)->message;
    cr_assert_eq(message->body_count, COUNT);
    cr_expect_eq(memcmp(message->body, body, COUNT), 0);
    free(body);
    world_stop(world);
}
