/* Upstreams that fall silent at every stage of an answer, or of an upload. The client is told when
 * the time of the call is over: by a 504, or by an answer that is visibly not whole. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "test/support/address.h"
#include "test/support/world.h"

TestSuite(stalls, .timeout = 300);

/* The budget of each request, and what its call has of it. */
enum { BUDGET_MS = 600, GRANT_MS = 588 };

#define WITH_BUDGET "Host: h\r\nX-Request-Timeout-Ms: 600\r\n"
#define GET "GET / HTTP/1.1\r\n" WITH_BUDGET "\r\n"
#define OK "HTTP/1.1 200 OK\r\n"
#define CHUNKED OK "Transfer-Encoding: chunked\r\n\r\n"

static const struct script before_head[] = {
    {.on_accept = true, .deeds = {SILENCE}},
    {.deeds = {SILENCE}},
    {.deeds = {SEND("H"), SILENCE}},
    {.deeds = {SEND("HTTP/1.1 2"), SILENCE}},
    {.deeds = {SEND("HTTP/1.1 200 OK\r"), SILENCE}},
    {.deeds = {SEND(OK), SILENCE}},
    {.deeds = {SEND(OK "Content-Le"), SILENCE}},
    {.deeds = {SEND(OK "Content-Length: 3\r\n"), SILENCE}},
    {.deeds = {SEND(OK "Content-Length: 3\r\n\r"), SILENCE}},
    {.deeds = {SEND("HTTP/1.1 103 Early\r\n"), SILENCE}},
    {.deeds = {SEND("HTTP/1.1 100 Continue\r\n\r\n"), SILENCE}},
    {.deeds = {SEND("HTTP/1.1 103 Early\r\n\r\n" OK), SILENCE}},
};
enum { BEFORE_HEAD = sizeof(before_head) / sizeof(*before_head) };

static const struct script after_head[] = {
    {.deeds = {SEND(OK "Content-Length: 9\r\n\r\n"), SILENCE}},
    {.deeds = {SEND(OK "Content-Length: 9\r\n\r\nabcdefgh"), SILENCE}},
    {.deeds = {SEND(OK "\r\n"), SILENCE}},
    {.deeds = {SEND(OK "\r\nabc"), SILENCE}},
    {.deeds = {SEND(CHUNKED), SILENCE}},
    {.deeds = {SEND(CHUNKED "3"), SILENCE}},
    {.deeds = {SEND(CHUNKED "3;more="), SILENCE}},
    {.deeds = {SEND(CHUNKED "3\r\n"), SILENCE}},
    {.deeds = {SEND(CHUNKED "3\r\nab"), SILENCE}},
    {.deeds = {SEND(CHUNKED "3\r\nabc"), SILENCE}},
    {.deeds = {SEND(CHUNKED "3\r\nabc\r\n"), SILENCE}},
    {.deeds = {SEND(CHUNKED "3\r\nabc\r\n0"), SILENCE}},
    {.deeds = {SEND(CHUNKED "3\r\nabc\r\n0\r\n"), SILENCE}},
    {.deeds = {SEND(CHUNKED "3\r\nabc\r\n0\r\nX-Trailer: "), SILENCE}},
};
enum { AFTER_HEAD = sizeof(after_head) / sizeof(*after_head) };

static struct world *before(struct origin *origin, const char *route_keys)
{
    return world_start(WORLD_PATIENT WORLD_ROUTE "%s", origin_port(origin), route_keys);
}

/* Every connection is closed, and every request has its one line. */
static void expect_nothing_left(struct world *world, struct origin *origin, size_t requests)
{
    for (size_t i = 0; i < origin_connections(origin); i++)
        (void)origin_ended(origin, i);
    dialogues_close();
    cr_expect_eq(world_count_lines(world), requests);
    cr_expect(world_is_at_rest(world));
    cr_expect_eq(world_metric(world, "calls_in_flight", ""), 0);
    world_stop(world);
}

static void expect_504(const struct reply *reply, const char *reason, size_t script)
{
    cr_expect_eq(reply->status, 504, "script %zu: %d", script, reply->status);
    cr_expect_eq(reply->end, REPLY_COMPLETE, "script %zu: %d", script, (int)reply->end);
    cr_expect_str_eq(reply_member(reply, "reason"), reason, "script %zu", script);
    cr_expect_geq(reply->took.ns, span_ms(GRANT_MS).ns, "script %zu", script);
}

static void expect_504s(const struct script *scripts, size_t count, const char *route_keys)
{
    struct origin *origin = origin_start("127.0.0.1", scripts, count);
    struct world *world = before(origin, route_keys);

    for (size_t i = 0; i < count; i++)
        expect_504(world_ask(world, GET), "call", i);
    cr_expect_eq(origin_connections(origin), count, "nothing is tried twice");
    expect_nothing_left(world, origin, count);
}

Test(stalls, before_the_end_of_the_head_are_504s)
{
    expect_504s(before_head, BEFORE_HEAD, "");
}

Test(stalls, within_what_is_held_back_are_504s)
{
    expect_504s(after_head, AFTER_HEAD, "buffer-first = 64KiB\n");
}

static void expect_cuts(const char *request, enum reply_end end)
{
    struct origin *origin = origin_start("127.0.0.1", after_head, AFTER_HEAD);
    struct world *world = before(origin, "");

    for (size_t i = 0; i < AFTER_HEAD; i++) {
        const struct reply *reply = world_ask(world, request);
        cr_expect_eq(reply->status, 200, "script %zu: %d", i, reply->status);
        cr_expect_eq(reply->end, end, "script %zu: %d", i, (int)reply->end);
        cr_expect_geq(reply->took.ns, span_ms(GRANT_MS).ns, "script %zu", i);
    }
    cr_expect(LOGS(world, "status=200", "outcome=cut", "reason=call", "backend:timeout:"));
    expect_nothing_left(world, origin, AFTER_HEAD);
}

Test(stalls, after_the_head_are_cuts)
{
    expect_cuts(GET, REPLY_TRUNCATED);
}

/* What has a length is short of it; the rest would look whole without a reset. */
Test(stalls, after_the_head_are_seen_by_a_client_of_http_1_0_too)
{
    struct origin *origin = origin_start("127.0.0.1", after_head + 2, AFTER_HEAD - 2);
    struct world *world = before(origin, "");

    for (size_t i = 2; i < AFTER_HEAD; i++) {
        const struct reply *reply = world_ask(world, "GET / HTTP/1.0\r\n" WITH_BUDGET "\r\n");
        cr_expect_eq(reply->end, REPLY_RESET, "script %zu: %d", i, (int)reply->end);
    }
    expect_nothing_left(world, origin, AFTER_HEAD - 2);
}

/* ---- connections and uploads ------------------------------------------------------------------ */

/* The time for connecting is longer than all the time there is. */
Test(stalls, connection_that_nobody_accepts_is_a_504)
{
    unsigned port;
    int listener = address_listen("127.0.0.1", &port);
    char address[ADDRESS_ROOM];

    cr_assert_eq(listen(listener, 0), 0);
    snprintf(address, sizeof(address), "127.0.0.1:%u", port);
    int filler = address_connect(address);
    struct world *world =
        world_start(WORLD_PATIENT "[upstream backend]\nurl = http://127.0.0.1:%u\n"
                                  "connect = 10s\n[route all]\nmatch = /*\nupstream = backend\n",
                    port);
    expect_504(world_ask(world, GET), "call", 0);
    cr_expect(LOGS(world, "status=504", "connect_timeout"));
    dialogues_close();
    cr_expect(world_is_at_rest(world));
    world_stop(world);
    close(filler);
    close(listener);
}

/* More than the proxy drops of a body when its answer is out. */
enum { LARGE = 64 * 1024 * 1024 };

/* Sends what is taken of a large body. */
static const struct reply *upload(struct world *world)
{
    static char body[LARGE];
    struct dialogue *dialogue = world_dial(world);

    dialogue_send(dialogue, "POST / HTTP/1.1\r\n" WITH_BUDGET "Content-Length: 67108864\r\n\r\n");
    size_t sent = dialogue_send_some(dialogue, body, LARGE);
    cr_expect_lt(sent, LARGE, "all of it was taken");
    return dialogue_read(dialogue);
}

/* The client would send more at any time: the upstream is to blame. */
Test(stalls, upload_that_is_not_read_is_a_504)
{
    static const struct script scripts[] = {
        {.deeds = {SILENCE}},
        {.deeds = {READ_BYTES(1), SILENCE}},
        {.deeds = {READ_BYTES(500000), WAIT_MS(30), READ_BYTES(600000), WAIT_MS(30), SILENCE}},
        {.deeds = {SEND("HTTP/1.1 100 Continue\r\n\r\n"), SILENCE}},
        {.deeds = {READ_BYTES(1), SEND(OK "Content-Le"), SILENCE}},
    };
    enum { COUNT = sizeof(scripts) / sizeof(*scripts) };
    struct origin *origin = origin_start("127.0.0.1", scripts, COUNT);
    struct world *world = before(origin, "");

    for (size_t i = 0; i < COUNT; i++)
        expect_504(upload(world), "call", i);
    expect_nothing_left(world, origin, COUNT);
}

Test(stalls, answer_that_is_not_whole_beside_an_upload_that_is_not_read_is_cut)
{
    struct origin *origin =
        ORIGIN({.deeds = {READ_BYTES(1), SEND(OK "Content-Length: 9\r\n\r\nabc"), SILENCE}});
    struct world *world = before(origin, "");
    const struct reply *reply = upload(world);

    cr_expect_eq(reply->status, 200);
    cr_expect_neq(reply->end, REPLY_COMPLETE, "%d", (int)reply->end);
    cr_expect(LOGS(world, "status=200", "outcome=cut"));
    expect_nothing_left(world, origin, 1);
}

/* ---- several attempts ------------------------------------------------------------------------- */

/* All attempts fall silent, at stages of their own, and share 990 ms. */
static void expect_504_after(const char *keys, size_t attempts)
{
    struct origin *origin = origin_start("127.0.0.1", before_head + 1, BEFORE_HEAD - 1);
    struct world *world =
        world_start(WORLD_PROXY WORLD_BUDGET "default = 1s\nreply = 10ms\n"
                                             "[upstream backend]\nurl = http://127.0.0.1:%u\n"
                                             "retry-budget = 100%%\nhedge-budget = 100%%\n"
                                             "[route r]\nmatch = /*\nsteps = a\n"
                                             "[call r.a]\nupstream = backend\n%s",
                    origin_port(origin), keys);
    const struct reply *reply = world_get(world, "/", "");

    expect_504(reply, "call", 0);
    cr_expect_geq(reply->took.ns, span_ms(990).ns);
    cr_expect_eq(origin_requests(origin), attempts, "%zu of %s", origin_requests(origin), keys);
    expect_nothing_left(world, origin, 1);
}

Test(stalls, of_attempts_are_a_504_when_their_call_is_over)
{
    expect_504_after("retries = 2\nattempt = 350ms\nbackoff = 0ms\n", 3);
}

Test(stalls, of_a_hedged_call_are_a_504_when_it_is_over)
{
    expect_504_after("hedge = 200ms\n", 2);
}

Test(stalls, of_hedged_attempts_are_a_504_when_their_call_is_over)
{
    expect_504_after("hedge = 150ms\nretries = 1\nattempt = 600ms\nbackoff = 0ms\n", 3);
}
