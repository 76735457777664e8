/* The first part of an answer is held back: until there is more of it, what goes wrong is still
 * told in order, or tried again, and the client has seen nothing. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proxy/clock.h"
#include "test/support/world.h"

TestSuite(buffer_first, .timeout = 300);

enum { HELD = 16384 };

#define HOLDING WORLD_PATIENT "buffer-first = 16KiB\n"
#define THEIRS "HTTP/1.1 200 OK\r\nX-Theirs: 1\r\n"
#define LONG THEIRS "Content-Length: 40000\r\n\r\n"
#define CHUNKED THEIRS "Transfer-Encoding: chunked\r\n\r\n"
#define UNTIL_CLOSE THEIRS "\r\n"

/* A call named it; keys of it may follow. */
#define CALL                                                                       \
    "[upstream u]\nurl = http://127.0.0.1:%u\nretry-budget = 100%%\n[route all]\n" \
    "match = /*\nsteps = it\n[call all.it]\nupstream = u\n%s"

static struct world *before(struct origin *origin, const char *keys)
{
    return world_start(HOLDING CALL, origin_port(origin), keys);
}

static struct origin *plays(const struct script *script)
{
    return origin_start("127.0.0.1", script, 1);
}

/* A problem of the proxy's own, whole, with nothing of the upstream's in it. */
static void expect_problem(const struct reply *reply, int status)
{
    cr_expect_eq(reply->status, status, "%d, not %d", reply->status, status);
    cr_expect_eq(reply->end, REPLY_COMPLETE);
    cr_expect_str_eq(reply_header(reply, "Content-Type"), "application/problem+json");
    cr_expect_null(message_header(&reply->message, "X-Theirs", 0));
    cr_expect_eq(reply->body[0], '{', "%s", reply->body);
    cr_expect_eq((int)reply_number(reply, "status"), status);
    cr_expect_null(strstr(reply->body, "abcdefgh"), "%s", reply->body);
}

/* ---- what goes wrong while it is held --------------------------------------------------------- */

Test(buffer_first, answer_that_breaks_off_is_a_clean_502)
{
    static const struct script scripts[] = {
        {.deeds = {SEND(LONG), CLOSE}},
        {.deeds = {SEND(LONG), FLOOD(5000), CLOSE}},
        {.deeds = {SEND(LONG), FLOOD(5000), WAIT_MS(20), RESET}},
        {.deeds = {SEND(CHUNKED "1388\r\n"), FLOOD(5000), SEND("\r\n"), WAIT_MS(20), CLOSE}},
        {.deeds = {SEND(CHUNKED "8\r\nabcdefgh\r\nno length\r\n"), SILENCE}},
        {.deeds = {SEND(UNTIL_CLOSE), FLOOD(5000), WAIT_MS(20), RESET}},
    };

    for (size_t i = 0; i < sizeof(scripts) / sizeof(*scripts); i++) {
        struct world *world = before(plays(&scripts[i]), "");
        struct dialogue *dialogue = world_dial(world);
        for (int n = 0; n < 2; n++) { /* the client's connection goes on */
            dialogue_send(dialogue, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
            expect_problem(dialogue_read(dialogue), 502);
        }
        cr_expect(LOGS(world, "status=502", "outcome=failed", "reason=failed", "call=it"),
                  "script %zu", i);
        world_stop(world);
    }
}

Test(buffer_first, answer_that_is_too_late_is_a_clean_504)
{
    static const struct script scripts[] = {
        {.deeds = {SEND(LONG), SILENCE}},
        {.deeds = {SEND(LONG), FLOOD(HELD - 1), SILENCE}},
        {.deeds = {SEND(CHUNKED), DRIP("5\r\nabcde\r\n5\r\nabcde\r\n", 20)}},
        {.deeds = {SEND(UNTIL_CLOSE "abcdefgh"), SILENCE}},
    };

    for (size_t i = 0; i < sizeof(scripts) / sizeof(*scripts); i++) {
        struct origin *origin = plays(&scripts[i]);
        struct world *world = before(origin, "budget = 500ms\n");
        const struct reply *reply = world_get(world, "/", "");
        expect_problem(reply, 504);
        cr_expect_geq(reply->took.ns, span_ms(500).ns);
        cr_expect_str_eq(reply_member(reply, "reason"), "call");
        cr_expect_str_eq(reply_member(reply, "call"), "it");
        (void)origin_ended(origin, 0);
        cr_expect(LOGS(world, "status=504", "outcome=timeout", "reason=call", "it:timeout:"));
        world_stop(world);
    }
}

Test(buffer_first, stopping_ends_what_is_held_with_504)
{
    struct origin *origin = ORIGIN({.deeds = {SEND(LONG "abcdefgh"), SILENCE}});
    struct world *world = world_start(WORLD_PROXY "drain = 100ms\n" WORLD_BUDGET
                                                  "default = 20s\nbuffer-first = 16KiB\n" CALL,
                                      origin_port(origin), "");
    struct dialogue *dialogue = world_dial(world);

    dialogue_send(dialogue, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    (void)origin_request(origin, 0);
    program_signal(world_program(world), SIGTERM);
    const struct reply *reply = dialogue_read(dialogue);
    expect_problem(reply, 504);
    cr_expect_str_eq(reply_member(reply, "reason"), "drain");
    world_stopped(world);
}

/* ---- tried again ------------------------------------------------------------------------------ */

Test(buffer_first, answer_that_breaks_off_is_tried_again)
{
    struct origin *origin = ORIGIN({.deeds = {SEND(LONG), FLOOD(5000), WAIT_MS(20), CLOSE}},
                                   {.deeds = {SEND(ANSWER_OK)}});
    struct world *world = before(origin, "retries = 1\n");
    const struct reply *reply = world_get(world, "/", "");

    cr_expect_eq(reply->status, 200);
    cr_expect_str_eq(reply->body, "ok");
    cr_expect_str_eq(reply_header(reply, "Content-Length"), "2");
    cr_expect_null(message_header(&reply->message, "X-Theirs", 0));
    cr_expect_eq(origin_requests(origin), 2);
    cr_expect(LOGS(world, "status=200", "it:ok:", "attempts=2", "bytes_down=2"));
    world_stop(world);
}

Test(buffer_first, answer_that_stops_coming_is_tried_again)
{
    struct origin *origin =
        ORIGIN({.deeds = {SEND(LONG), FLOOD(5000), SILENCE}}, {.deeds = {SEND(ANSWER_OK)}});
    struct world *world = before(origin, "retries = 1\nattempt = 500ms\n");
    const struct reply *reply = world_get(world, "/", "");

    cr_expect_eq(reply->status, 200);
    cr_expect_str_eq(reply->body, "ok");
    cr_expect_geq(reply->took.ns, span_ms(500).ns);
    (void)origin_ended(origin, 0);
    cr_expect(LOGS(world, "status=200", "it:ok:", "attempts=2"));
    world_stop(world);
}

Test(buffer_first, answer_that_breaks_off_each_time_is_a_clean_502)
{
    struct origin *origin = ORIGIN({.deeds = {SEND(LONG), FLOOD(5000), WAIT_MS(10), CLOSE}});
    struct world *world = before(origin, "retries = 2\n");

    expect_problem(world_get(world, "/", ""), 502);
    cr_expect_eq(origin_requests(origin), 3);
    world_stop(world);
}

/* It may have been carried out. */
Test(buffer_first, post_is_not_tried_again)
{
    struct origin *origin = ORIGIN({.deeds = {READ_ALL, SEND(LONG), FLOOD(5000), CLOSE}});
    struct world *world = before(origin, "retries = 1\n");

    expect_problem(world_ask(world, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody"),
                   502);
    cr_expect_eq(origin_requests(origin), 1);
    world_stop(world);
}

/* ---- more than is held ------------------------------------------------------------------------ */

/* All of it may be held, and the next byte is one too many. */
Test(buffer_first, from_the_first_byte_too_many_on_it_is_visibly_cut)
{
    static const struct script full = {.deeds = {SEND(LONG), FLOOD(HELD), WAIT_MS(50), CLOSE}};
    static const struct script over = {.deeds = {SEND(LONG), FLOOD(HELD + 1), WAIT_MS(50), CLOSE}};
    struct world *world = before(plays(&full), "");

    expect_problem(world_get(world, "/", ""), 502);
    world_stop(world);

    struct origin *origin = plays(&over);
    world = before(origin, "retries = 1\n");
    const struct reply *reply = world_get(world, "/", "");
    cr_expect_eq(reply->status, 200);
    cr_expect(reply->end == REPLY_TRUNCATED || reply->end == REPLY_RESET, "%d", reply->end);
    cr_expect_null(strstr(reply->body, "problem"));
    cr_expect_eq(origin_requests(origin), 1, "the client has seen a part of it");
    cr_expect(LOGS(world, "status=200", "outcome=cut"));
    world_stop(world);
}

Test(buffer_first, long_answer_streams)
{
    struct origin *origin =
        ORIGIN({.deeds = {SEND(LONG), FLOOD(HELD + 1), WAIT_MS(300), FLOOD(40000 - HELD - 1)}});
    struct world *world = before(origin, "");
    struct dialogue *dialogue = world_dial(world);
    struct instant asked = clock_now();

    dialogue_send(dialogue, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    cr_assert(dialogue_awaits(dialogue, "X-Theirs: 1"));
    cr_expect(origin_is_open(origin, 0));
    const struct reply *reply = dialogue_read(dialogue);
    cr_expect_geq(span_since(asked, clock_now()).ns, span_ms(300).ns);
    cr_expect_eq(reply->end, REPLY_COMPLETE);
    cr_expect_eq(reply->message.body_count, 40000);
    for (size_t i = 0; i < 40000; i++) {
        size_t of_flood = i <= HELD ? i : i - HELD - 1;
        cr_assert_eq(reply->body[i], (char)('a' + of_flood % 26), "byte %zu", i);
    }
    world_stop(world);
}

/* The origin never ends, so the bytes that come have not waited for its end. */
Test(buffer_first, endless_answer_streams_and_is_visibly_cut_in_the_end)
{
    struct origin *origin = ORIGIN({.deeds = {SEND(CHUNKED "5000\r\n"), FLOOD(20480), SILENCE}});
    struct world *world = before(origin, "budget = 500ms\n");
    struct dialogue *dialogue = world_dial(world);

    dialogue_send(dialogue, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    cr_assert(dialogue_awaits(dialogue, "abcdefgh"));
    const struct reply *reply = dialogue_read(dialogue);
    cr_expect_eq(reply->status, 200);
    cr_expect_neq(reply->end, REPLY_COMPLETE);
    cr_expect_geq(reply->message.body_count, (size_t)HELD);
    cr_expect(LOGS(world, "status=200", "outcome=cut", "reason=call"));
    world_stop(world);
}
