/* What goes through the proxy, both ways, seen from a client and an origin on real sockets. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/support/world.h"

TestSuite(pass_through, .timeout = 300);

static struct world *before(struct origin *origin)
{
    return world_start(WORLD_PATIENT WORLD_ROUTE, origin_port(origin));
}

static const char *received(struct origin *origin, size_t n, const char *name)
{
    return message_header(&origin_request(origin, n)->message, name, 0);
}

Test(pass_through, method_and_target_arrive_unchanged)
{
    static const char *const starts[] = {
        "GET / HTTP/1.1",           "GET /a/b?x=1&y=%20%2F HTTP/1.1",
        "DELETE /order/7 HTTP/1.1", "PATCH /a//b HTTP/1.1",
        "GET /a/.../c//d HTTP/1.1", "OPTIONS /x HTTP/1.1",
        "GET /? HTTP/1.1",          "PUT /a;b=c?d HTTP/1.1",
        "GET /a%20b HTTP/1.1",      "GET /[x]|y HTTP/1.1",
        "REPORT /x HTTP/1.1",       "GET /x?a?b=/../ HTTP/1.1",
    };
    struct origin *origin = origin_answering(ANSWER_OK, 0);
    struct world *world = before(origin);
    struct dialogue *dialogue = world_dial(world);

    for (size_t i = 0; i < sizeof(starts) / sizeof(*starts); i++) {
        dialogue_send(dialogue, starts[i]);
        dialogue_send(dialogue, "\r\nHost: h\r\n\r\n");
        cr_assert_eq(dialogue_read(dialogue)->status, 200, "%s", starts[i]);
        cr_expect_str_eq(origin_request(origin, i)->message.start, starts[i]);
    }
    world_stop(world);
}

/* Where a header line begins in a head that was received; fails the test when it is not there. */
static const char *find(const char *head, const char *line)
{
    const char *at = strstr(head, line);

    cr_assert_not_null(at, "no %s in\n%s", line, head);
    return at;
}

Test(pass_through, request_headers_cross_unchanged_in_order_and_twice)
{
    struct origin *origin = origin_answering(ANSWER_OK, 0);
    struct world *world = before(origin);

    world_get(world, "/",
              "X-B: 2\r\nx-a: 1\r\nX-B: 3\r\nCookie: a=b; c=\"d\"\r\nX-B:  4 \t\r\n"
              "X-Empty:\r\nAccept: text/html\r\nX-High: caf\xc3\xa9\r\n");
    const char *head = origin_request(origin, 0)->message.head;
    const char *at = find(head, "X-B: 2\r\n");
    at = find(at, "x-a: 1\r\n");
    at = find(at, "X-B: 3\r\n");
    at = find(at, "Cookie: a=b; c=\"d\"\r\n");
    at = find(at, "X-B: 4\r\n");
    at = find(at, "X-Empty:");
    at = find(at, "Accept: text/html\r\n");
    find(at, "X-High: caf\xc3\xa9\r\n");
    cr_expect_null(message_header(&origin_request(origin, 0)->message, "Accept", 1));
    cr_expect_null(received(origin, 0, "User-Agent"), "libcurl's own headers must not appear");
    cr_expect_null(received(origin, 0, "Content-Type"));
    world_stop(world);
}

Test(pass_through, hop_by_hop_headers_and_those_named_in_connection_do_not_cross)
{
    static const char *const names[] = {"Connection",  "Keep-Alive", "Proxy-Connection",
                                        "TE",          "Upgrade",    "Proxy-Authorization",
                                        "X-Only-Here", "X-Nor-This", "Trailer"};
    struct origin *origin = origin_answering(ANSWER_OK, 0);
    struct world *world = before(origin);

    world_get(world, "/",
              "Connection: keep-alive, X-Only-Here\r\nKeep-Alive: timeout=5\r\n"
              "Proxy-Connection: keep-alive\r\nTE: trailers\r\nUpgrade: websocket\r\n"
              "Connection: x-nor-this\r\nX-Only-Here: 1\r\nX-Nor-This: 2\r\n"
              "Trailer: X-Sum\r\nProxy-Authorization: Basic eDp5\r\nX-Stays: 3\r\n");
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        cr_expect_null(received(origin, 0, names[i]), "%s crossed", names[i]);
    cr_expect_str_eq(received(origin, 0, "X-Stays"), "3");
    world_stop(world);
}

Test(pass_through, response_headers_cross_in_order_but_for_those_of_the_connection)
{
    struct origin *origin = origin_answering(
        "HTTP/1.1 418 Short And Stout\r\nSet-Cookie: a=1\r\nX-Z: z\r\nSet-Cookie: b=2\r\n"
        "Connection: X-Secret\r\nX-Secret: s\r\nKeep-Alive: timeout=9\r\nServer: pot\r\n"
        "Date: Thu, 01 Jan 1970 00:00:01 GMT\r\nContent-Length: 3\r\nUpgrade: tea\r\n\r\npot",
        0);
    struct world *world = before(origin);
    const struct reply *reply = world_get(world, "/", "");
    const char *at = find(reply->message.head, "Set-Cookie: a=1\r\n");

    at = find(at, "X-Z: z\r\n");
    find(find(at, "Set-Cookie: b=2\r\n"), "Server: pot\r\n");
    cr_expect_eq(reply->status, 418);
    cr_expect_str_eq(reply->body, "pot");
    cr_expect_str_eq(reply_header(reply, "Date"), "Thu, 01 Jan 1970 00:00:01 GMT");
    cr_expect_null(message_header(&reply->message, "Date", 1));
    cr_expect_null(message_header(&reply->message, "X-Secret", 0));
    cr_expect_null(message_header(&reply->message, "Keep-Alive", 0));
    cr_expect_null(message_header(&reply->message, "Upgrade", 0));
    cr_expect_str_eq(reply_header(reply, "Via"), "1.1 hourglass");
    world_stop(world);
}

/* RFC 9110 section 7.2 asks for it. */
Test(pass_through, host_is_the_first_header_and_stands_there_once)
{
    static const char *const requests[] = {
        "GET / HTTP/1.1\r\nAccept: a/b\r\nHost: h.test\r\n\r\n",
        "HEAD / HTTP/1.1\r\nAccept: a/b\r\nHost: h.test\r\n\r\n",
        "PUT / HTTP/1.1\r\nContent-Length: 1\r\nHost: h.test\r\n\r\na",
    };
    struct origin *origin = origin_answering(ANSWER_OK, 0);
    struct world *world = before(origin);

    for (size_t i = 0; i < sizeof(requests) / sizeof(*requests); i++) {
        world_ask(world, requests[i]);
        const struct message *message = &origin_request(origin, i)->message;
        cr_expect_eq(strncmp(message->head, "Host: h.test\r\n", 14), 0, "%s", message->head);
        cr_expect_null(message_header(message, "Host", 1));
    }
    world_stop(world);
}

Test(pass_through, via_and_forwarding_headers_are_set_and_host_is_kept)
{
    struct origin *origin = origin_answering(ANSWER_OK, 0);
    struct world *world = before(origin);

    world_get(world, "/", "");
    cr_expect_str_eq(received(origin, 0, "Host"), "proxy.test");
    cr_expect_str_eq(received(origin, 0, "Via"), "1.1 hourglass");
    cr_expect_str_eq(received(origin, 0, "X-Forwarded-For"), "127.0.0.1");
    cr_expect_str_eq(received(origin, 0, "X-Forwarded-Proto"), "http");
    cr_expect_str_eq(received(origin, 0, "X-Forwarded-Host"), "proxy.test");
    world_stop(world);
}

/* RFC 9110 section 7.6.3: Via says the version of the message that was received. */
Test(pass_through, via_says_the_version_that_a_message_came_with)
{
    struct origin *origin =
        ORIGIN({.deeds = {SEND("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok")}});
    struct world *world = world_start(WORLD_PATIENT WORLD_ROUTE, origin_port(origin));
    struct dialogue *dialogue = world_dial(world);

    dialogue_send(dialogue, "GET / HTTP/1.0\r\n\r\n");
    cr_expect_str_eq(reply_header(dialogue_read(dialogue), "Via"), "1.0 hourglass");
    cr_expect_str_eq(received(origin, 0, "Via"), "1.0 hourglass");
    cr_expect_str_eq(reply_header(world_get(world, "/", ""), "Via"), "1.0 hourglass");
    cr_expect_str_eq(received(origin, 1, "Via"), "1.1 hourglass");
    world_stop(world);
}

/* All values of a header as a receiver may join them (RFC 9110 section 5.3). */
static void joined(const struct message *message, const char *name, char text[static 256])
{
    const char *value;

    text[0] = '\0';
    for (size_t n = 0; (value = message_header(message, name, n)) != NULL; n++)
        snprintf(text + strlen(text), 256 - strlen(text), "%s%s", n > 0 ? ", " : "", value);
}

Test(pass_through, forwarding_headers_of_a_trusted_peer_are_believed)
{
    struct origin *origin = origin_answering(ANSWER_OK, 0);
    struct world *world = before(origin);
    char text[256];

    world_get(world, "/",
              "X-Forwarded-For: 192.0.2.1, 192.0.2.2\r\nX-Forwarded-Proto: https\r\n"
              "X-Forwarded-Host: public.test\r\nVia: 1.0 other\r\n");
    const struct message *message = &origin_request(origin, 0)->message;
    joined(message, "X-Forwarded-For", text);
    cr_expect_str_eq(text, "192.0.2.1, 192.0.2.2, 127.0.0.1");
    joined(message, "Via", text);
    cr_expect_str_eq(text, "1.0 other, 1.1 hourglass");
    cr_expect_str_eq(received(origin, 0, "X-Forwarded-Proto"), "https");
    cr_expect_str_eq(received(origin, 0, "X-Forwarded-Host"), "public.test");
    world_stop(world);
}

Test(pass_through, forwarding_headers_of_others_are_replaced)
{
    struct origin *origin = origin_answering(ANSWER_OK, 0);
    struct world *world =
        world_start(WORLD_PROXY "trust = 192.0.2.0/24\n" WORLD_BUDGET "default = 20s\n" WORLD_ROUTE,
                    origin_port(origin));
    char text[256];

    world_get(world, "/",
              "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: https\r\n"
              "X-Request-Id: forged\r\n");
    joined(&origin_request(origin, 0)->message, "X-Forwarded-For", text);
    cr_expect_str_eq(text, "127.0.0.1");
    cr_expect_str_eq(received(origin, 0, "X-Forwarded-Proto"), "http");
    cr_expect_str_neq(received(origin, 0, "X-Request-Id"), "forged");
    world_stop(world);
}

Test(pass_through, request_id_is_the_same_at_the_origin_for_the_client_and_in_the_log)
{
    struct origin *origin = origin_answering(ANSWER_OK, 0);
    struct world *world = before(origin);
    const char *fresh = reply_header(world_get(world, "/", ""), "X-Request-Id");
    const char *kept =
        reply_header(world_get(world, "/", "X-Request-Id: from-client.7\r\n"), "X-Request-Id");
    const char *other = reply_header(world_get(world, "/", ""), "X-Request-Id");

    cr_expect_geq(strlen(fresh), 16);
    cr_expect_str_neq(fresh, other);
    cr_expect_str_eq(received(origin, 0, "X-Request-Id"), fresh);
    cr_expect(LOGS(world, "request_id=", fresh, "status=200"));
    cr_expect_str_eq(kept, "from-client.7");
    cr_expect_str_eq(received(origin, 1, "X-Request-Id"), kept);
    cr_expect(LOGS(world, "request_id=from-client.7", "status=200"));
    world_stop(world);
}

Test(pass_through, budget_headers_are_stripped_and_the_upstream_is_told_what_is_left)
{
    struct origin *origin = origin_answering(ANSWER_OK, 0);
    struct world *world = before(origin);

    world_get(world, "/",
              "X-Request-Timeout-Ms: 4000\r\ngrpc-timeout: 9S\r\n"
              "x-envoy-expected-rq-timeout-ms: 9000\r\n");
    const struct message *message = &origin_request(origin, 0)->message;
    const char *told = message_header(message, "X-Request-Timeout-Ms", 0);
    cr_assert_not_null(told);
    cr_expect_leq(atoi(told), 3990, "told %s of 4000 with 10 kept back", told);
    cr_expect_gt(atoi(told), 0);
    cr_expect_null(message_header(message, "X-Request-Timeout-Ms", 1));
    cr_expect_null(message_header(message, "grpc-timeout", 0));
    cr_expect_null(message_header(message, "x-envoy-expected-rq-timeout-ms", 0));
    world_stop(world);
}

Test(pass_through, each_upstream_is_told_in_its_own_format_or_not_at_all)
{
    struct origin *origin = origin_answering(ANSWER_OK, 0);
    struct world *world = world_start(
        WORLD_PATIENT "[upstream grpc]\nurl = http://127.0.0.1:%u\ntell = grpc-timeout: grpc\n"
                      "[upstream quiet]\nurl = http://127.0.0.1:%u\ntell = none\n"
                      "[route grpc]\nmatch = /grpc\nupstream = grpc\n"
                      "[route quiet]\nmatch = /quiet\nupstream = quiet\n",
        origin_port(origin), origin_port(origin));
    char unit = '\0';
    unsigned left = 0;

    world_get(world, "/grpc", "X-Request-Timeout-Ms: 4000\r\n");
    world_get(world, "/quiet", "X-Request-Timeout-Ms: 4000\r\n");
    const char *told = received(origin, 0, "grpc-timeout");
    cr_assert_not_null(told);
    cr_assert_eq(sscanf(told, "%8u%c", &left, &unit), 2);
    cr_expect(strchr("mun", unit) != NULL || (unit == 'S' && left <= 3), "told %s", told);
    cr_expect_gt(left, 0);
    cr_expect_null(received(origin, 0, "X-Request-Timeout-Ms"));
    cr_expect_null(received(origin, 1, "X-Request-Timeout-Ms"));
    cr_expect_null(received(origin, 1, "grpc-timeout"));
    world_stop(world);
}

Test(pass_through, http_1_0_client_gets_an_answer_that_ends_with_the_connection)
{
    struct origin *origin = origin_answering(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", 0);
    struct world *world = before(origin);
    const struct reply *reply = world_ask(world, "GET /x HTTP/1.0\r\n\r\n");

    cr_expect_eq(reply->end, REPLY_COMPLETE);
    cr_expect_eq(reply->message.framing, FRAMING_CLOSE);
    cr_expect_str_eq(reply->body, "abcde");
    cr_expect_str_eq(origin_request(origin, 0)->message.start, "GET /x HTTP/1.1");
    cr_expect_not_null(received(origin, 0, "Host"), "1.1 needs one");
    world_stop(world);
}

Test(pass_through, request_that_no_route_takes_is_answered_by_the_proxy)
{
    struct origin *origin = origin_answering(ANSWER_OK, 0);
    struct world *world = world_start(WORLD_PATIENT "[upstream u]\nurl = http://127.0.0.1:%u\n"
                                                    "[route r]\nmatch = GET,PUT /x\nupstream = u\n"
                                                    "[route any]\nmatch = /any\nupstream = u\n",
                                      origin_port(origin));
    const struct reply *reply = world_ask(world, "POST /x HTTP/1.1\r\nHost: h\r\n\r\n");

    cr_expect_eq(reply->status, 405);
    cr_expect_not_null(strstr(reply_header(reply, "Allow"), "GET"));
    cr_expect_not_null(strstr(reply_header(reply, "Allow"), "PUT"));
    cr_expect_eq(world_get(world, "/y", "")->status, 404);
    cr_expect_eq(world_ask(world, "TRACE /x HTTP/1.1\r\nHost: h\r\n\r\n")->status, 405);
    reply = world_ask(world, "TRACE /any HTTP/1.1\r\nHost: h\r\n\r\n");
    cr_expect_eq(reply->status, 405);
    cr_expect_str_eq(reply_header(reply, "Allow"), "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
    cr_expect_eq(world_ask(world, "CONNECT h:80 HTTP/1.1\r\nHost: h\r\n\r\n")->status, 405);
    cr_expect_eq(origin_requests(origin), 0);
    world_stop(world);
}
