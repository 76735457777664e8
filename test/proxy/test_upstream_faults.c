/* Upstreams that refuse, reset, lie or stay silent. The client is told so, in time; the log and
 * Proxy-Status say what happened. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "test/support/address.h"
#include "test/support/name_server.h"
#include "test/support/world.h"

TestSuite(upstream_faults, .timeout = 300);

static struct world *before(struct origin *origin)
{
    return world_start(WORLD_PATIENT WORLD_ROUTE, origin_port(origin));
}

/* The error's name in Proxy-Status, by RFC 9209. */
static bool says(const struct reply *reply, const char *error)
{
    const char *at = strstr(reply_header(reply, "Proxy-Status"), "error=");

    return at != NULL && strncmp(at + 6, error, strcspn(at + 6, ";, ")) == 0 && *error != '\0';
}

static void expect_error(const struct reply *reply, int status, const char *error)
{
    cr_expect_eq(reply->status, status, "got %d, not %d", reply->status, status);
    cr_expect_eq(reply->end, REPLY_COMPLETE);
    cr_expect_str_eq(reply_header(reply, "Content-Type"), "application/problem+json");
    cr_expect_str_eq(reply_member(reply, "call"), "backend");
    cr_expect(says(reply, error), "%s: %s", error, reply_header(reply, "Proxy-Status"));
}

Test(upstream_faults, refused_connection_is_a_502)
{
    struct origin *origin = origin_answering(ANSWER_OK, 0);
    unsigned port = origin_port(origin);

    origins_stop();
    struct world *world = world_start(WORLD_PATIENT WORLD_ROUTE, port);
    expect_error(world_get(world, "/", ""), 502, "connection_refused");
    cr_expect(LOGS(world, "status=502", "backend", "refused"));
    cr_expect_eq(world_metric(world, "upstream_calls_total", "outcome=\"refused\""), 1);
    world_stop(world);
}

Test(upstream_faults, missing_unix_socket_is_a_502)
{
    struct world *world = world_start(
        WORLD_PATIENT "[upstream backend]\nurl = unix:/tmp/hourglass-test-no-such.sock\n"
                      "[route all]\nmatch = /*\nupstream = backend\n");

    expect_error(world_get(world, "/", ""), 502, "connection_refused");
    world_stop(world);
}

Test(upstream_faults, connection_that_ends_at_any_stage_before_the_head_is_a_502)
{
    static const struct script scripts[] = {
        {.on_accept = true, .deeds = {RESET}},
        {.on_accept = true, .deeds = {CLOSE}},
        {.deeds = {RESET}},
        {.deeds = {CLOSE}},
        {.deeds = {SEND("HTTP/1.1 2"), WAIT_MS(20), RESET}},
        {.deeds = {SEND("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n"), WAIT_MS(20), RESET}},
        {.deeds = {SEND("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n"), WAIT_MS(20), CLOSE}},
        {.deeds = {SEND("HTTP/1.1 103 Early\r\n\r\n"), WAIT_MS(20), CLOSE}},
    };
    enum { COUNT = sizeof(scripts) / sizeof(*scripts) };
    struct origin *origin = origin_start("127.0.0.1", scripts, COUNT);
    struct world *world = before(origin);

    for (size_t i = 0; i < COUNT; i++) {
        const struct reply *reply = world_get(world, "/", "");
        cr_expect_eq(reply->status, 502, "script %zu: %d", i, reply->status);
        cr_expect_not_null(strstr(reply_header(reply, "Proxy-Status"), "error="), "%zu", i);
        cr_expect_lt(reply->took.ns, span_s(10).ns, "at once, not at the end of the budget");
    }
    cr_expect_eq(origin_connections(origin), COUNT, "nothing is tried twice");
    cr_expect(LOGS(world, "status=502", "backend", "broken"));
    world_stop(world);
}

Test(upstream_faults, what_is_not_http_or_cannot_be_trusted_is_a_502)
{
    static const char *const answers[] = {
        "\x15\x03\x01\x00\x02\x02\x28",
        "SSH-2.0-OpenSSH_9.2\r\n",
        "HTTP/0.9 hello\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nContent-Length: 3, 2\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nContent-Length: -3\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX-A: a\x01z\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX-A: a\rSet-Cookie: b\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX-A: a\r\n folded\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX-A : a\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nno colon\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 99 What\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    };
    enum { COUNT = sizeof(answers) / sizeof(*answers) };
    struct script scripts[COUNT];

    for (size_t i = 0; i < COUNT; i++)
        scripts[i] = (struct script){.deeds = {SEND(answers[i]), WAIT_MS(50), CLOSE}};
    struct origin *origin = origin_start("127.0.0.1", scripts, COUNT);
    struct world *world = before(origin);
    for (size_t i = 0; i < COUNT; i++) {
        const struct reply *reply = world_get(world, "/", "");
        cr_expect_eq(reply->status, 502, "%d for %s", reply->status, answers[i]);
        cr_expect_eq(reply->end, REPLY_COMPLETE, "%s", answers[i]);
        cr_expect(says(reply, "http_protocol_error"), "%s for %s",
                  reply_header(reply, "Proxy-Status"), answers[i]);
    }
    cr_expect(LOGS(world, "status=502", "backend:invalid:"));
    world_stop(world);
}

Test(upstream_faults, garbage_that_never_ends_is_a_502_at_once)
{
    struct origin *origin = ORIGIN({.deeds = {FLOOD(1024 * 1024), SILENCE}});
    struct world *world = before(origin);
    const struct reply *reply = world_get(world, "/", "");

    cr_expect_eq(reply->status, 502);
    cr_expect_lt(reply->took.ns, span_s(10).ns);
    (void)origin_ended(origin, 0);
    world_stop(world);
}

Test(upstream_faults, flood_of_headers_is_a_502)
{
    static char head[700 * 1024] = "HTTP/1.1 200 OK\r\n";
    size_t count = strlen(head);

    while (count < sizeof(head) - 64)
        count += (size_t)sprintf(head + count, "X-Flood: aaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n");
    struct origin *origin = ORIGIN({.deeds = {SEND(head), SILENCE}});
    struct world *world = before(origin);
    cr_expect_eq(world_get(world, "/", "")->status, 502);
    (void)origin_ended(origin, 0);
    world_stop(world);
}

Test(upstream_faults, silence_is_a_504_when_the_grant_is_over)
{
    struct origin *origin = ORIGIN({.deeds = {SILENCE}});
    struct world *world = before(origin);
    const struct reply *reply = world_get(world, "/", "X-Request-Timeout-Ms: 400\r\n");

    expect_error(reply, 504, "http_response_timeout");
    cr_expect_geq(reply->took.ns, span_ms(390).ns);
    (void)origin_ended(origin, 0);
    cr_expect(LOGS(world, "status=504", "reason=call", "backend", "timeout"));
    world_stop(world);
}

/* Each byte is on time, the answer is not: no timer may start afresh with every byte. */
Test(upstream_faults, drip_of_a_byte_every_30_ms_does_not_stretch_the_grant)
{
    struct origin *origin =
        ORIGIN({.deeds = {DRIP("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Drip: aaaaaaaaa"
                               "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n\r\nok",
                               30)}},
               {.deeds = {SEND("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n"),
                          DRIP("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
                               "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                               30),
                          SILENCE}});
    struct world *world = before(origin);
    const struct reply *head = world_get(world, "/", "X-Request-Timeout-Ms: 400\r\n");
    const struct reply *body = world_get(world, "/", "X-Request-Timeout-Ms: 400\r\n");

    expect_error(head, 504, "http_response_timeout");
    cr_expect_geq(head->took.ns, span_ms(390).ns);
    cr_expect_lt(head->took.ns, span_ms(2500).ns);
    cr_expect_eq(body->status, 200);
    cr_expect_eq(body->end, REPLY_TRUNCATED);
    cr_expect_geq(body->took.ns, span_ms(390).ns);
    cr_expect_lt(body->took.ns, span_ms(2500).ns);
    world_stop(world);
}

#define CHUNKED "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

Test(upstream_faults, body_that_ends_early_truncates_ours_visibly)
{
    static const struct {
        const char *answer;
        struct deed end;
        const char *logged;
    } cases[] = {
        {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", CLOSE, "backend:broken:"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", RESET, "backend:broken:"},
        {CHUNKED "3\r\nabc\r\n", CLOSE, "backend:broken:"},
        {CHUNKED "3\r\nabc", CLOSE, "backend:broken:"},
        {CHUNKED "9\r\nabc", RESET, "backend:broken:"},
        {CHUNKED "3\r\nabc\r\nzz\r\n", CLOSE, "backend:invalid:"},
        {"HTTP/1.1 200 OK\r\n\r\nabc", RESET, "backend:broken:"},
    };
    enum { COUNT = sizeof(cases) / sizeof(*cases) };
    struct script scripts[COUNT];
    char line[48];

    for (size_t i = 0; i < COUNT; i++)
        scripts[i] = (struct script){.deeds = {SEND(cases[i].answer), WAIT_MS(300), cases[i].end}};
    struct origin *origin = origin_start("127.0.0.1", scripts, COUNT);
    struct world *world = before(origin);

    for (size_t i = 0; i < COUNT; i++) {
        int id = snprintf(line, sizeof(line), "X-Request-Id: script-%zu\r\n", i) - 2;
        const struct reply *reply = world_get(world, "/", line);
        cr_expect_eq(reply->status, 200, "script %zu: %d", i, reply->status);
        cr_expect_eq(reply->end, REPLY_TRUNCATED, "script %zu: %d", i, (int)reply->end);
        cr_expect_str_eq(reply->body, "abc", "script %zu: %s", i, reply->body);
        line[id] = '\0';
        cr_expect(LOGS(world, strstr(line, "script"), "outcome=cut", cases[i].logged));
    }
    world_stop(world);
}

Test(upstream_faults, broken_answer_to_a_http_1_0_client_ends_in_a_reset)
{
    struct origin *origin =
        ORIGIN({.deeds = {SEND("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"),
                          WAIT_MS(300), CLOSE}});
    struct world *world = before(origin);

    cr_expect_eq(world_ask(world, "GET / HTTP/1.0\r\n\r\n")->end, REPLY_RESET);
    world_stop(world);
}

static struct world *before_name(struct name_server *names)
{
    return world_start(WORLD_PROXY "resolver = 127.0.0.1:%u\n" WORLD_BUDGET "default = 2s\n"
                                   "[upstream backend]\nurl = http://nowhere.test:80\n"
                                   "[route all]\nmatch = /*\nupstream = backend\n",
                       name_server_port(names));
}

Test(upstream_faults, name_that_does_not_exist_is_a_502)
{
    struct name_server *names = name_server_start(NAME_IS_UNKNOWN);
    struct world *world = before_name(names);

    expect_error(world_get(world, "/", ""), 502, "dns_error");
    cr_expect(LOGS(world, "status=502", "backend", "dns"));
    cr_expect_gt(name_server_asked(names), 0);
    world_stop(world);
    name_server_stop(names);
}

Test(upstream_faults, name_server_that_is_silent_is_a_504)
{
    struct name_server *names = name_server_start(NAME_IS_SILENT);
    struct world *world = before_name(names);
    const struct reply *reply = world_get(world, "/", "X-Request-Timeout-Ms: 150\r\n");

    expect_error(reply, 504, "dns_timeout");
    cr_expect_geq(reply->took.ns, span_ms(140).ns);
    world_stop(world);
    name_server_stop(names);
}

/* A full queue of connections that nobody accepts leaves further ones without an answer. */
Test(upstream_faults, connection_that_does_not_come_about_is_cut_at_its_limit)
{
    unsigned port;
    int listener = address_listen("127.0.0.1", &port);
    char address[32];

    cr_assert_eq(listen(listener, 0), 0);
    snprintf(address, sizeof(address), "127.0.0.1:%u", port);
    int filler = address_connect(address);
    struct world *world =
        world_start(WORLD_PATIENT "[upstream backend]\nurl = http://127.0.0.1:%u\nconnect = 100ms\n"
                                  "[route all]\nmatch = /*\nupstream = backend\n",
                    port);
    const struct reply *reply = world_get(world, "/", "");
    cr_expect(says(reply, "connection_timeout"), "%s", reply_header(reply, "Proxy-Status"));
    cr_expect_geq(reply->took.ns, span_ms(100).ns);
    cr_expect_lt(reply->took.ns, span_s(10).ns);
    world_stop(world);
    close(filler);
    close(listener);
}
