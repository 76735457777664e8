/* Where a race ends, and where none is begun: methods, bodies, places, shares, the clock, the
 * client that leaves. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proxy/clock.h"
#include "test/support/world.h"

TestSuite(hedges_limits, .timeout = 300);

#define LATE                                                 \
    {                                                        \
        .deeds = { READ_ALL, WAIT_MS(500), SEND(ANSWER_OK) } \
    }
#define SECOND "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecond"

enum { REPLAY_MOST = 65536 };

#define WORLD_HEDGES                                                         \
    WORLD_PATIENT "[route r]\nmatch = /*\nsteps = it\n"                      \
                  "[upstream u]\nurl = http://127.0.0.1:%u\n%s[call r.it]\n" \
                  "upstream = u\nhedge = "

/* A call that is hedged after 50 ms; further keys of its own and of its upstream. */
static struct world *before(struct origin *origin, const char *upstream_keys, const char *keys)
{
    return world_start(WORLD_HEDGES "50ms\n%s", origin_port(origin), upstream_keys, keys);
}

/* The same after 600 ms, by when all that a client sends at once has come on any machine. */
static struct world *before_late(struct origin *origin, const char *keys)
{
    return world_start(WORLD_HEDGES "600ms\n%s", origin_port(origin), "", keys);
}

static double hedges(const struct world *world, const char *what)
{
    char name[60];

    snprintf(name, sizeof(name), "hourglass_upstream_hedges_%stotal{", what);
    return world_metric(world, name, "upstream=\"u\"");
}

static void expect_dropped(struct origin *origin, size_t n)
{
    (void)origin_ended(origin, origin_request(origin, n)->connection);
}

/* ---- methods ---------------------------------------------------------------------------------- */

Test(hedges_limits, only_methods_that_do_no_harm_when_done_twice_are_raced)
{
    static const struct {
        const char *request;
        const char *keys;
        bool is_raced;
    } cases[] = {
        {"GET / HTTP/1.1\r\nHost: h\r\n\r\n", "", true},
        {"OPTIONS / HTTP/1.1\r\nHost: h\r\n\r\n", "", true},
        {"DELETE / HTTP/1.1\r\nHost: h\r\n\r\n", "", true},
        {"PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx", "", true},
        {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx", "", false},
        {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n", "", false},
        {"PATCH / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx", "", false},
        {"LOCK / HTTP/1.1\r\nHost: h\r\n\r\n", "", false},
        {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx",
         "retries = 1\nretry-on = 503, unsafe\n", false},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const struct script raced = {.deeds = {READ_ALL, AWAIT_REQUESTS(2), SEND(ANSWER_OK)}};
        const struct script late = LATE;
        struct origin *origin = ORIGIN(cases[i].is_raced ? raced : late);
        struct world *world = before(origin, "", cases[i].keys);

        cr_expect_eq(world_ask(world, cases[i].request)->status, 200, "case %zu", i);
        cr_expect_eq(origin_requests(origin), cases[i].is_raced ? 2 : 1, "case %zu", i);
        cr_expect_eq(hedges(world, ""), cases[i].is_raced, "case %zu", i);
        world_stop(world);
    }
}

/* ---- bodies ----------------------------------------------------------------------------------- */

static char body[8 * REPLAY_MOST];

static void fill_body(size_t count)
{
    for (size_t i = 0; i < count; i++)
        body[i] = (char)('!' + (i * 31 + i / 89) % 90);
    body[count] = '\0';
}

static struct dialogue *put_head(struct world *world, size_t count)
{
    struct dialogue *dialogue = world_dial(world);
    char head[100];

    fill_body(count);
    snprintf(head, sizeof(head), "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: %zu\r\n\r\n", count);
    dialogue_send(dialogue, head);
    return dialogue;
}

static void expect_body(struct origin *origin, size_t n)
{
    const struct message *message = &origin_body(origin, n)->message;

    cr_expect_eq(message->body_count, strlen(body), "request %zu", n);
    cr_expect_str_eq(message->body, body, "request %zu", n);
}

Test(hedges_limits, both_attempts_get_the_whole_body)
{
    static const size_t counts[] = {1, 20000, REPLAY_MOST};

    for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
        struct origin *origin =
            ORIGIN({.deeds = {READ_ALL, SILENCE}}, {.deeds = {READ_ALL, SEND(SECOND)}});
        struct world *world = before_late(origin, "");
        struct dialogue *dialogue = put_head(world, counts[i]);

        dialogue_send_bytes(dialogue, body, counts[i]);
        cr_expect_str_eq(dialogue_read(dialogue)->body, "second");
        expect_body(origin, 0);
        expect_body(origin, 1);
        world_stop(world);
    }
}

Test(hedges_limits, chunked_body_goes_whole_to_both)
{
    struct origin *origin =
        ORIGIN({.deeds = {READ_ALL, SILENCE}}, {.deeds = {READ_ALL, SEND(SECOND)}});
    struct world *world = before_late(origin, "");
    struct dialogue *dialogue = world_dial(world);
    char chunk[200];

    fill_body(REPLAY_MOST);
    dialogue_send(dialogue, "PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (size_t at = 0; at < REPLAY_MOST; at += 128) {
        int count = snprintf(chunk, sizeof(chunk), "80\r\n%.128s\r\n", body + at);
        dialogue_send_bytes(dialogue, chunk, (size_t)count);
    }
    dialogue_send(dialogue, "0\r\n\r\n");
    cr_expect_str_eq(dialogue_read(dialogue)->body, "second");
    expect_body(origin, 0);
    expect_body(origin, 1);
    world_stop(world);
}

/* It cannot be sent again yet. */
Test(hedges_limits, body_that_is_still_coming_passes_through_once)
{
    struct origin *origin = ORIGIN(LATE);
    struct world *world = before(origin, "", "");
    struct dialogue *dialogue = put_head(world, 60000);

    dialogue_send_bytes(dialogue, body, 20000);
    (void)origin_request(origin, 0);
    usleep(300 * 1000);
    dialogue_send_bytes(dialogue, body + 20000, 40000);
    cr_expect_eq(dialogue_read(dialogue)->status, 200);
    cr_expect_eq(origin_requests(origin), 1);
    expect_body(origin, 0);
    world_stop(world);
}

Test(hedges_limits, longer_body_passes_through_once)
{
    struct origin *origin = ORIGIN(LATE);
    struct world *world = before(origin, "", "");
    struct dialogue *dialogue = put_head(world, REPLAY_MOST + 1);

    dialogue_send_bytes(dialogue, body, REPLAY_MOST + 1);
    cr_expect_eq(dialogue_read(dialogue)->status, 200);
    cr_expect_eq(origin_requests(origin), 1);
    expect_body(origin, 0);
    world_stop(world);
}

/* Whatever becomes of the race: the attempt that answers has had all of it. */
Test(hedges_limits, body_that_grows_too_long_during_the_race_arrives_whole)
{
    enum { COUNT = 400000 };
    struct origin *origin = ORIGIN({.deeds = {READ_ALL, WAIT_MS(200), SEND(ANSWER_OK)}},
                                   {.deeds = {READ_ALL, WAIT_MS(20), SEND(SECOND)}});
    struct world *world = before(origin, "", "");
    struct dialogue *dialogue = put_head(world, COUNT);

    dialogue_send_bytes(dialogue, body, 20000);
    usleep(150 * 1000);
    dialogue_send_bytes(dialogue, body + 20000, COUNT - 20000);
    const struct reply *reply = dialogue_read(dialogue);
    cr_expect_eq(reply->status, 200);
    expect_body(origin, strcmp(reply->body, "second") == 0);
    dialogue_send(dialogue, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    cr_expect_eq(dialogue_read(dialogue)->status, 200);
    world_stop(world);
}

/* ---- places and shares ------------------------------------------------------------------------ */

Test(hedges_limits, no_place_is_taken_that_is_not_free)
{
    struct origin *origin = ORIGIN(LATE);
    struct world *world = before(origin, "connections = 1\n", "");

    cr_expect_eq(world_get(world, "/", "")->status, 200);
    cr_expect_eq(origin_requests(origin), 1);
    cr_expect_eq(hedges(world, ""), 0);
    cr_expect_eq(hedges(world, "refused_"), 1);
    world_stop(world);
}

/* The place of a loser is free at once, and each race has given back both. */
Test(hedges_limits, races_leave_all_places_free)
{
    struct origin *origin =
        ORIGIN({.deeds = {SILENCE}}, {.deeds = {SEND(ANSWER_OK)}}, {.deeds = {SILENCE}},
               {.deeds = {SEND(ANSWER_OK)}}, {.deeds = {SILENCE}}, {.deeds = {SEND(ANSWER_OK)}});
    struct world *world = before(origin, "connections = 2\n", "");

    for (int i = 0; i < 3; i++)
        cr_expect_eq(world_get(world, "/", "")->status, 200, "race %d", i);
    cr_expect_eq(origin_requests(origin), 6);
    cr_expect_eq(world_metric(world, "hourglass_upstream_calls_in_flight{", "upstream=\"u\""), 0);
    cr_expect_eq(hedges(world, "won_"), 3);
    world_stop(world);
}

Test(hedges_limits, share_of_nothing_allows_none)
{
    struct origin *origin = ORIGIN(LATE);
    struct world *world = before(origin, "hedge-budget = 0%\n", "");

    cr_expect_eq(world_get(world, "/", "")->status, 200);
    cr_expect_eq(origin_requests(origin), 1);
    cr_expect_eq(hedges(world, ""), 0);
    cr_expect_eq(hedges(world, "refused_"), 1);
    world_stop(world);
}

/* Ten are saved up at first; then one of twenty calls may be raced. */
Test(hedges_limits, upstream_that_is_always_slow_is_sent_few_more_requests_than_calls)
{
    enum { CALLS = 30 };
    struct origin *origin = origin_answering(ANSWER_OK, 90);
    struct world *world = before(origin, "", "");

    for (int i = 0; i < CALLS; i++)
        cr_expect_eq(world_get(world, "/", "")->status, 200);
    double begun = hedges(world, "");
    cr_expect_leq(begun, 10 + CALLS * 5 / 100);
    cr_expect_gt(begun, 0);
    cr_expect_leq((double)origin_requests(origin), CALLS + begun);
    cr_expect_leq(begun + hedges(world, "refused_"), CALLS);
    cr_expect_gt(hedges(world, "refused_"), 0);
    world_stop(world);
}

/* ---- what the upstream has lately taken ------------------------------------------------------- */

#define LATELY                                                                 \
    "[route learn]\nmatch = /learn\nupstream = u\n[route try]\nmatch = /try\n" \
    "steps = it\n[call try.it]\nupstream = u\nhedge = p95\n"
#define IN_20_MS                                  \
    {                                             \
        .deeds = { WAIT_MS(20), SEND(ANSWER_OK) } \
    }
#define FIVE IN_20_MS, IN_20_MS, IN_20_MS, IN_20_MS, IN_20_MS

static struct world *after(struct origin *origin, int calls)
{
    struct world *world = world_start(
        WORLD_PATIENT "[upstream u]\nurl = http://127.0.0.1:%u\n" LATELY, origin_port(origin));

    for (int i = 0; i < calls; i++)
        cr_expect_eq(world_get(world, "/learn", "")->status, 200);
    return world;
}

Test(hedges_limits, percentile_of_few_calls_is_no_reason_for_a_race)
{
    struct origin *origin = ORIGIN(FIVE, LATE);
    struct world *world = after(origin, 5);

    cr_expect_eq(world_get(world, "/try", "")->status, 200);
    cr_expect_eq(origin_requests(origin), 6);
    cr_expect_eq(hedges(world, ""), 0);
    world_stop(world);
}

Test(hedges_limits, percentile_of_many_calls_is_the_delay)
{
    struct origin *origin =
        ORIGIN(FIVE, FIVE, FIVE, FIVE, FIVE, FIVE, {.deeds = {SILENCE}}, {.deeds = {SEND(SECOND)}});
    struct world *world = after(origin, 30);
    const struct reply *reply = world_get(world, "/try", "");

    cr_expect_str_eq(reply->body, "second");
    cr_expect_geq(reply->took.ns, span_ms(20).ns);
    expect_dropped(origin, 30);
    cr_expect_eq(hedges(world, "won_"), 1);
    world_stop(world);
}

/* ---- the clock, and the client ---------------------------------------------------------------- */

Test(hedges_limits, grant_cuts_both)
{
    struct origin *origin = ORIGIN({.deeds = {SILENCE}});
    struct world *world = before(origin, "", "budget = 600ms\n");
    const struct reply *reply = world_get(world, "/", "");

    cr_expect_eq(reply->status, 504);
    cr_expect_str_eq(reply_member(reply, "reason"), "call");
    cr_expect_str_eq(reply_member(reply, "call"), "it");
    cr_expect_geq(reply->took.ns, span_ms(600).ns);
    cr_expect_lt(reply->took.ns, span_s(4).ns);
    expect_dropped(origin, 0);
    expect_dropped(origin, 1);
    cr_expect_eq(origin_requests(origin), 2);
    cr_expect(LOGS(world, "status=504", "it:timeout:", "attempts=2"));
    world_stop(world);
}

Test(hedges_limits, none_is_begun_with_less_than_min)
{
    struct origin *origin = origin_answering(ANSWER_OK, 900);
    struct world *world = before_late(origin, "min = 4500ms\n");

    cr_expect_eq(world_get(world, "/", "X-Request-Timeout-Ms: 5000\r\n")->status, 200);
    cr_expect_eq(origin_requests(origin), 1);
    cr_expect_eq(hedges(world, ""), 0);
    world_stop(world);
}

Test(hedges_limits, client_that_leaves_ends_both)
{
    struct origin *origin = ORIGIN({.deeds = {SILENCE}});
    struct world *world = before(origin, "", "");
    struct dialogue *dialogue = world_dial(world);

    dialogue_send(dialogue, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    (void)origin_request(origin, 1);
    dialogue_close(dialogue);
    expect_dropped(origin, 0);
    expect_dropped(origin, 1);
    cr_expect(LOGS(world, "status=499", "it:cancelled:", "attempts=2"));
    cr_expect_eq(world_metric(world, "hourglass_upstream_calls_in_flight{", "upstream=\"u\""), 0);
    cr_expect_eq(hedges(world, "won_"), 0);
    world_stop(world);
}

/* ---- kept connections that are dead ----------------------------------------------------------- */

Test(hedges_limits, request_that_is_sent_again_on_a_fresh_connection_is_raced)
{
    struct origin *origin = ORIGIN({.deeds = {SEND(ANSWER_OK)}}, {.deeds = {CLOSE}},
                                   {.deeds = {SILENCE}}, {.deeds = {SEND(SECOND)}});
    struct world *world = before_late(origin, "");

    cr_expect_str_eq(world_get(world, "/", "")->body, "ok");
    cr_expect_str_eq(world_get(world, "/", "")->body, "second");
    cr_expect_eq(origin_requests(origin), 4);
    expect_dropped(origin, 2);
    cr_expect_eq(hedges(world, "won_"), 1);
    world_stop(world);
}

/* Two connections are kept. The race takes the second, which is dead. */
Test(hedges_limits, race_on_a_dead_connection_is_run_on_a_fresh_one)
{
    struct origin *origin =
        ORIGIN(LATE, LATE, {.deeds = {SILENCE}}, {.deeds = {CLOSE}}, {.deeds = {SEND(SECOND)}});
    struct world *world = before(origin, "", "[route warm]\nmatch = /warm\nupstream = u\n");
    struct dialogue *dialogue = world_dial(world);

    dialogue_send(dialogue, "GET /warm HTTP/1.1\r\nHost: h\r\n\r\n");
    cr_expect_eq(world_get(world, "/warm", "")->status, 200);
    cr_expect_eq(dialogue_read(dialogue)->status, 200);
    cr_expect_eq(origin_connections(origin), 2);
    cr_expect_str_eq(world_get(world, "/", "")->body, "second");
    cr_expect_eq(origin_requests(origin), 5);
    cr_expect_eq(origin_connections(origin), 3);
    world_stop(world);
}
