/* Answers that are held back and arrive: as they would without, however they are framed; where that
 * is configured; and what it costs. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proxy/clock.h"
#include "test/support/world.h"

TestSuite(buffer_first_whole, .timeout = 300);

#define KIB ((size_t)1024)
#define HOLDING WORLD_PATIENT "buffer-first = 16KiB\n" WORLD_ROUTE
#define CHUNKED "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

static struct world *before(struct origin *origin)
{
    return world_start(HOLDING, origin_port(origin));
}

Test(buffer_first_whole, answers_arrive_as_they_would_without)
{
    static const struct {
        const char *answer;
        int status;
        const char *body;
        const char *length; /* "" where it is chunked */
    } cases[] = {
        {ANSWER_OK, 200, "ok", "2"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200, "", "0"},
        {CHUNKED "3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n", 200, "abcdefg", ""},
        {CHUNKED "0\r\n\r\n", 200, "", ""},
        {"HTTP/1.1 404 No\r\nContent-Length: 4\r\n\r\nnone", 404, "none", "4"},
        {"HTTP/1.1 503 No\r\nContent-Length: 3\r\n\r\nsad", 503, "sad", "3"},
        {"HTTP/1.1 302 Go\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n", 302, "", "0"},
        {"HTTP/1.1 103 Early\r\nLink: </a>\r\n\r\n" ANSWER_OK, 200, "ok", "2"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct world *world = before(origin_answering(cases[i].answer, 0));
        struct dialogue *dialogue = world_dial(world);
        for (int n = 0; n < 2; n++) {
            dialogue_send(dialogue, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
            const struct reply *reply = dialogue_read(dialogue);
            cr_expect_eq(reply->status, cases[i].status);
            cr_expect_eq(reply->end, REPLY_COMPLETE);
            cr_expect_str_eq(reply->body, cases[i].body);
            cr_expect_str_eq(reply_header(reply, "Content-Length"), cases[i].length);
            cr_expect_eq(reply->message.framing,
                         *cases[i].length != '\0' ? FRAMING_LENGTH : FRAMING_CHUNKED);
        }
        world_stop(world);
    }
}

/* To a client of HTTP/1.0 it cannot be framed in another way either. */
Test(buffer_first_whole, answer_that_ends_with_its_connection_arrives)
{
    static const char *const requests[] = {"GET / HTTP/1.1\r\nHost: h\r\n\r\n",
                                           "GET / HTTP/1.0\r\nHost: h\r\n\r\n"};
    struct origin *origin =
        ORIGIN({.deeds = {SEND("HTTP/1.1 200 OK\r\n\r\nabc"), WAIT_MS(20), SEND("def"), CLOSE}});
    struct world *world = before(origin);

    for (size_t i = 0; i < 2; i++) {
        const struct reply *reply = world_ask(world, requests[i]);
        cr_expect_eq(reply->status, 200);
        cr_expect_eq(reply->end, REPLY_COMPLETE);
        cr_expect_str_eq(reply->body, "abcdef");
    }
    world_stop(world);
}

/* The upstream does not want to hear all of it. */
Test(buffer_first_whole, answer_before_the_end_of_the_request_arrives)
{
    struct origin *origin = ORIGIN({.deeds = {READ_BYTES(4),
                                              SEND("HTTP/1.1 413 No\r\nConnection: close\r\n"
                                                   "Content-Length: 3\r\n\r\nbig"),
                                              CLOSE}});
    struct world *world = before(origin);
    struct dialogue *dialogue = world_dial(world);

    dialogue_send(dialogue, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 99\r\n\r\nbody");
    const struct reply *reply = dialogue_read(dialogue);
    cr_expect_eq(reply->status, 413);
    cr_expect_eq(reply->end, REPLY_COMPLETE);
    cr_expect_str_eq(reply->body, "big");
    world_stop(world);
}

Test(buffer_first_whole, as_much_as_a_mib_may_be_held)
{
    enum { MANY = 1000 * 1000 };
    struct origin *origin = ORIGIN(
        {.deeds = {SEND("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"), FLOOD(MANY - 1),
                   WAIT_MS(20), CLOSE}},
        {.deeds = {SEND("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"), FLOOD(MANY)}});
    struct world *world =
        world_start(WORLD_PATIENT "buffer-first = 1MiB\n" WORLD_ROUTE, origin_port(origin));
    const struct reply *reply = world_get(world, "/", "");

    cr_expect_eq(reply->status, 502);
    cr_expect_eq(reply->end, REPLY_COMPLETE);
    reply = world_get(world, "/", "");
    cr_expect_eq(reply->status, 200);
    cr_expect_eq(reply->end, REPLY_COMPLETE);
    cr_expect_eq(reply->message.body_count, MANY);
    for (size_t i = 0; i < MANY; i++) /* filled in blocks of 26 KiB, which 26 divides */
        cr_assert_eq(reply->body[i], (char)('a' + i % 26), "byte %zu", i);
    world_stop(world);
}

Test(buffer_first_whole, answers_without_a_body_arrive)
{
    static const char *const answers[] = {
        "HTTP/1.1 204 Nothing\r\nX-Theirs: 1\r\n\r\n",
        "HTTP/1.1 304 Not Modified\r\nX-Theirs: 1\r\nETag: \"a\"\r\n\r\n",
    };

    for (size_t i = 0; i < 2; i++) {
        struct world *world = before(origin_answering(answers[i], 0));
        struct dialogue *dialogue = world_dial(world);
        for (int n = 0; n < 2; n++) {
            dialogue_send(dialogue, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
            const struct reply *reply = dialogue_read(dialogue);
            cr_expect_eq(reply->status, i == 0 ? 204 : 304);
            cr_expect_eq(reply->end, REPLY_COMPLETE);
            cr_expect_str_eq(reply_header(reply, "X-Theirs"), "1");
            cr_expect_str_eq(reply->body, "");
        }
        world_stop(world);
    }
}

Test(buffer_first_whole, head_request_is_told_the_length_and_no_more)
{
    struct origin *origin = origin_answering("HTTP/1.1 200 OK\r\nContent-Length: 40000\r\n\r\n", 0);
    struct world *world = before(origin);
    struct dialogue *dialogue = world_dial(world);

    for (int n = 0; n < 2; n++) {
        dialogue_send(dialogue, "HEAD / HTTP/1.1\r\nHost: h\r\n\r\n");
        const struct reply *reply = dialogue_read_head(dialogue);
        cr_expect_eq(reply->status, 200);
        cr_expect_eq(reply->end, REPLY_COMPLETE);
        cr_expect_str_eq(reply_header(reply, "Content-Length"), "40000");
    }
    world_stop(world);
}

Test(buffer_first_whole, body_that_goes_up_is_not_held)
{
    struct origin *origin = ORIGIN({.deeds = {READ_ALL, SEND(ANSWER_OK)}});
    struct world *world = before(origin);
    const struct reply *reply = world_ask(world, "POST / HTTP/1.1\r\nHost: h\r\n"
                                                 "Content-Length: 7\r\n\r\nquestio");

    cr_expect_eq(reply->status, 200);
    cr_expect_str_eq(origin_body(origin, 0)->message.body, "questio");
    world_stop(world);
}

/* ---- when it arrives -------------------------------------------------------------------------- */

static const struct script events = {.deeds = {SEND(CHUNKED "9\r\ndata: 1\n\n\r\n"), WAIT_MS(200),
                                               SEND("9\r\ndata: 2\n\n\r\n0\r\n\r\n")}};

Test(buffer_first_whole, few_bytes_now_and_then_wait_for_the_end)
{
    struct world *world = before(origin_start("127.0.0.1", &events, 1));
    struct dialogue *dialogue = world_dial(world);
    struct instant asked = clock_now();

    dialogue_send(dialogue, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    cr_assert(dialogue_awaits(dialogue, "HTTP"));
    cr_expect_geq(span_since(asked, clock_now()).ns, span_ms(200).ns);
    const struct reply *reply = dialogue_read(dialogue);
    cr_expect_eq(reply->end, REPLY_COMPLETE);
    cr_expect_str_eq(reply->body, "data: 1\n\ndata: 2\n\n");
    world_stop(world);
}

/* The origin says nothing more, so what comes has not waited for its end. */
static void expect_streams(struct world *world, struct origin *origin, const char *request)
{
    struct dialogue *dialogue = world_dial(world);

    dialogue_send(dialogue, request);
    cr_expect(dialogue_awaits(dialogue, "data: 1"), "%s", request);
    cr_expect(origin_is_open(origin, 0));
    dialogue_reset(dialogue);
}

#define ROUTES                                                       \
    "[upstream u]\nurl = http://127.0.0.1:%u\n"                      \
    "[route held]\nmatch = /held\nupstream = u\ndefault = 200ms\n%s" \
    "[route free]\nmatch = /free\nupstream = u\n%s"

static void expect_held_and_free(const char *general, const char *held, const char *free)
{
    struct origin *origin = ORIGIN({.deeds = {SEND(CHUNKED "9\r\ndata: 1\n\n\r\n"), SILENCE}});
    struct world *world =
        world_start(WORLD_PATIENT "%s" ROUTES, general, origin_port(origin), held, free);

    expect_streams(world, origin, "GET /free HTTP/1.1\r\nHost: h\r\n\r\n");
    cr_expect_eq(world_get(world, "/held", "")->status, 504);
    world_stop(world);
}

Test(buffer_first_whole, each_route_may_have_its_own)
{
    expect_held_and_free("", "buffer-first = 16KiB\n", "");
    expect_held_and_free("buffer-first = 16KiB\n", "", "buffer-first = 0\n");
}

/* ---- who else has a part in it ---------------------------------------------------------------- */

#define CHECKED_ROUTE                                                                        \
    "[upstream check]\nurl = http://127.0.0.1:%u\n[upstream u]\nurl = http://127.0.0.1:%u\n" \
    "[route r]\nmatch = /*\nsteps = check, it\n[call r.check]\nupstream = check\n"           \
    "request = GET /check\n[call r.it]\nupstream = u\n"

Test(buffer_first_whole, refusal_of_an_earlier_call_arrives_as_it_is)
{
    struct origin *check =
        ORIGIN({.deeds = {SEND("HTTP/1.1 401 Who\r\nContent-Length: 50000\r\n\r\n"), FLOOD(50000)}},
               {.deeds = {SEND("HTTP/1.1 401 Who\r\nContent-Length: 4\r\n\r\nwho?")}});
    struct world *world = world_start(WORLD_PATIENT "buffer-first = 16KiB\n" CHECKED_ROUTE,
                                      origin_port(check), origin_port(ORIGIN({.deeds = {CLOSE}})));
    const struct reply *reply = world_get(world, "/", "");

    cr_expect_eq(reply->status, 401);
    cr_expect_eq(reply->end, REPLY_COMPLETE);
    cr_expect_eq(reply->message.body_count, 50000);
    reply = world_get(world, "/", "");
    cr_expect_eq(reply->status, 401);
    cr_expect_str_eq(reply->body, "who?");
    world_stop(world);
}

#define STOOD_IN_FOR                                                         \
    "[upstream live]\nurl = http://127.0.0.1:%u\n[upstream kept]\n"          \
    "url = http://127.0.0.1:%u\n[route r]\nmatch = /*\nsteps = live\n"       \
    "[call r.live]\nupstream = live\nbudget = 800ms\nfallback = call kept\n" \
    "[call r.kept]\nupstream = kept\nrequest = GET /kept\n"

Test(buffer_first_whole, call_that_stands_in_answers_when_the_first_answer_is_not_whole)
{
    static const struct script firsts[] = {
        {.deeds = {SEND("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nlive"), WAIT_MS(20), CLOSE}},
        {.deeds = {SEND("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nlive"), SILENCE}},
    };

    for (size_t i = 0; i < 2; i++) {
        struct origin *live = origin_start("127.0.0.1", &firsts[i], 1);
        struct origin *kept =
            origin_answering("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nkept", 0);
        struct world *world = world_start(WORLD_PATIENT "buffer-first = 16KiB\n" STOOD_IN_FOR,
                                          origin_port(live), origin_port(kept));
        const struct reply *reply = world_get(world, "/", "");
        cr_expect_eq(reply->status, 200);
        cr_expect_eq(reply->end, REPLY_COMPLETE);
        cr_expect_str_eq(reply->body, "kept");
        cr_expect_eq(origin_requests(live), 1);
        cr_expect(LOGS(world, "status=200", "outcome=ok",
                       i == 0 ? "live:broken:" : "live:timeout:", "kept:ok:"));
        world_stop(world);
    }
}

Test(buffer_first_whole, answer_of_a_call_that_stands_in_is_held_too)
{
    struct origin *broken = ORIGIN({.deeds = {CLOSE}});
    struct origin *half =
        ORIGIN({.deeds = {SEND("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"), CLOSE}});
    struct world *world = world_start(WORLD_PATIENT "buffer-first = 16KiB\n" STOOD_IN_FOR,
                                      origin_port(broken), origin_port(half));
    const struct reply *reply = world_get(world, "/", "");

    cr_expect_eq(reply->status, 502);
    cr_expect_eq(reply->end, REPLY_COMPLETE);
    cr_expect_null(strstr(reply->body, "half"));
    world_stop(world);
}

/* ---- what it costs ---------------------------------------------------------------------------- */

Test(buffer_first_whole, client_that_leaves_takes_the_call_along)
{
    struct origin *origin = ORIGIN({.deeds = {SEND(CHUNKED "9\r\ndata: 1\n\n\r\n"), SILENCE}});
    struct world *world = before(origin);

    for (size_t n = 0; n < 2; n++) {
        struct dialogue *dialogue = world_dial(world);
        dialogue_send(dialogue, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
        (void)origin_request(origin, n);
        usleep(50000);
        cr_expect(origin_is_open(origin, n));
        if (n == 0)
            dialogue_close(dialogue);
        else
            dialogue_reset(dialogue);
        (void)origin_ended(origin, n);
    }
    cr_expect(LOGS(world, "status=499", "outcome=client_gone", "bytes_down=0"));
    world_stop(world);
}

/* A client that does not read makes the origin wait, once what is held is full. */
Test(buffer_first_whole, no_more_is_held_than_configured_and_what_is_always_on_the_way)
{
    enum { FLOODED = 256 * 1024 * 1024 };
    struct origin *origin = ORIGIN(
        {.deeds = {SEND("HTTP/1.1 200 OK\r\nContent-Length: 268435456\r\n\r\n"), FLOOD(FLOODED)}});
    struct world *world = before(origin);
    size_t idle = world_memory(world);
    struct dialogue *dialogue = world_dial(world);

    dialogue_send(dialogue, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    cr_assert(dialogue_awaits(dialogue, "abcdefgh"));
    usleep(300000);
    cr_expect_lt(world_memory(world), idle + 16 * KIB * KIB);
    cr_expect_lt(origin_sent(origin), (size_t)FLOODED);
    dialogue_reset(dialogue);
    (void)origin_ended(origin, 0);
    world_stop(world);
}

/* Sanitizers keep what was freed for a while, and a shadow of what is used: the bound is a wide one. */
Test(buffer_first_whole, fifty_answers_that_are_held_are_no_more_than_fifty_times_that)
{
    enum { CLIENTS = 50, EACH = 16000 };
    struct origin *origin =
        ORIGIN({.deeds = {SEND("HTTP/1.1 200 OK\r\nContent-Length: 40000\r\n\r\n"), FLOOD(EACH),
                          SILENCE}});
    struct world *world = before(origin);
    struct dialogue *dialogues[CLIENTS];
    size_t idle;

    dialogue_send(dialogues[0] = world_dial(world), "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    (void)origin_request(origin, 0);
    idle = world_memory(world);
    for (size_t i = 1; i < CLIENTS; i++) {
        dialogues[i] = world_dial(world);
        dialogue_send(dialogues[i], "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
        (void)origin_request(origin, i);
    }
    while (origin_sent(origin) < (size_t)CLIENTS * EACH)
        usleep(5000);
    usleep(100000);
    cr_expect_lt(world_memory(world), idle + CLIENTS * 1024 * KIB, "%zu more for each",
                 (world_memory(world) - idle) / CLIENTS);
    for (size_t i = 0; i < CLIENTS; i++) {
        dialogue_reset(dialogues[i]);
        (void)origin_ended(origin, i);
    }
    world_stop(world);
}
