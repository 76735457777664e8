/* Races together with all else that a call may be set to: places that are waited for, observing,
 * held-back answers, stand-ins, stopping; and all of it at once. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proxy/clock.h"
#include "test/support/world.h"

TestSuite(hedges_together, .timeout = 300);

#define SAD "HTTP/1.1 503 Sad\r\nContent-Length: 3\r\n\r\nsad"
#define SECOND "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecond"
#define KEPT "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nkept"
#define CALL                                                                       \
    "[route r]\nmatch = /*\nsteps = it\n[upstream u]\nurl = http://127.0.0.1:%u\n" \
    "[call r.it]\nupstream = u\nhedge = 50ms\n"

static double metric(const struct world *world, const char *name)
{
    return world_metric(world, name, "upstream=\"u\"");
}

static void expect_dropped(struct origin *origin, size_t n)
{
    (void)origin_ended(origin, origin_request(origin, n)->connection);
}

Test(hedges_together, interim_response_is_no_answer)
{
    struct origin *origin =
        ORIGIN({.deeds = {SEND("HTTP/1.1 103 Early\r\n\r\n"), SILENCE}},
               {.deeds = {SEND("HTTP/1.1 103 Early\r\n\r\n"), WAIT_MS(20), SEND(SECOND)}});
    struct world *world = world_start(WORLD_PATIENT CALL, origin_port(origin));

    cr_expect_str_eq(world_get(world, "/", "")->body, "second");
    expect_dropped(origin, 0);
    world_stop(world);
}

Test(hedges_together, calls_that_wait_get_the_places_of_races)
{
    enum { CLIENTS = 12 };
    struct origin *origin = origin_answering(ANSWER_OK, 120);
    struct world *world = world_start(WORLD_PATIENT "[upstream u]\nurl = http://127.0.0.1:%u\n"
                                                    "connections = 2\nhedge-budget = 100%%\n"
                                                    "[route r]\nmatch = /*\nsteps = it\n"
                                                    "[call r.it]\nupstream = u\nhedge = 50ms\n",
                                      origin_port(origin));
    struct dialogue *dialogues[CLIENTS];

    for (int i = 0; i < CLIENTS; i++) {
        dialogues[i] = world_dial(world);
        dialogue_send(dialogues[i], "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    }
    for (int i = 0; i < CLIENTS; i++)
        cr_expect_eq(dialogue_read(dialogues[i])->status, 200);
    cr_expect_eq(metric(world, "hourglass_upstream_calls_in_flight{"), 0);
    cr_expect_eq(metric(world, "hourglass_upstream_queue_length{"), 0);
    world_stop(world);
}

/* Nothing is cut before max, and then both are. */
Test(hedges_together, observed_race_ends_at_max)
{
    struct origin *origin = ORIGIN({.deeds = {SILENCE}});
    struct world *world =
        world_start(WORLD_PROXY WORLD_BUDGET "default = 200ms\nmax = 400ms\nmode = observe\n" CALL
                                             "budget = 100ms\n",
                    origin_port(origin));
    const struct reply *reply = world_get(world, "/", "X-Request-Timeout-Ms: 150\r\n");

    cr_expect_eq(reply->status, 504);
    cr_expect_geq(reply->took.ns, span_ms(390).ns);
    expect_dropped(origin, 0);
    expect_dropped(origin, 1);
    cr_expect(LOGS(world, "status=504", "attempts=2"));
    world_stop(world);
}

/* An answer that is held back has won its race; what breaks off then may be made again. */
Test(hedges_together, held_back_answer_that_breaks_off_is_made_again)
{
    struct origin *origin =
        ORIGIN({.deeds = {AWAIT_REQUESTS(2), SEND("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nfi"),
                          WAIT_MS(50), CLOSE}},
               {.deeds = {SILENCE}}, {.deeds = {SEND(SECOND)}});
    struct world *world = world_start(WORLD_PATIENT "buffer-first = 16KiB\n" CALL "retries = 1\n",
                                      origin_port(origin));
    const struct reply *reply = world_get(world, "/", "");

    cr_expect_eq(reply->status, 200);
    cr_expect_str_eq(reply->body, "second");
    expect_dropped(origin, 1);
    cr_expect(LOGS(world, "it:ok:", "attempts=3"));
    world_stop(world);
}

Test(hedges_together, stopping_ends_both)
{
    struct origin *origin = ORIGIN({.deeds = {SILENCE}});
    struct world *world = world_start(
        WORLD_PROXY "drain = 100ms\n" WORLD_BUDGET "default = 20s\n" CALL, origin_port(origin));
    struct dialogue *dialogue = world_dial(world);

    dialogue_send(dialogue, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    (void)origin_request(origin, 1);
    program_signal(world_program(world), SIGTERM);
    cr_expect_str_eq(reply_member(dialogue_read(dialogue), "reason"), "drain");
    expect_dropped(origin, 0);
    expect_dropped(origin, 1);
    world_stopped(world);
}

Test(hedges_together, call_of_which_both_fail_is_stood_in_for_by_one_that_is_raced_too)
{
    struct origin *origin = ORIGIN({.deeds = {SILENCE}}, {.deeds = {WAIT_MS(20), SEND(SAD)}},
                                   {.deeds = {SILENCE}}, {.deeds = {SEND(KEPT)}});
    struct world *world = world_start(
        WORLD_PATIENT CALL "budget = 500ms\nfallback = call kept\n"
                           "[call r.kept]\nupstream = u\nrequest = GET /kept\nhedge = 50ms\n",
        origin_port(origin));

    cr_expect_str_eq(world_get(world, "/", "")->body, "kept");
    for (size_t i = 0; i < 3; i += 2)
        expect_dropped(origin, i);
    cr_expect_str_eq(origin_request(origin, 2)->message.start, "GET /kept HTTP/1.1");
    cr_expect_str_eq(origin_request(origin, 3)->message.start, "GET /kept HTTP/1.1");
    cr_expect(LOGS(world, "status=200", "it:timeout:", "kept:ok:", "attempts=2"));
    cr_expect_eq(metric(world, "hourglass_upstream_hedges_total{"), 2);
    cr_expect_eq(metric(world, "hourglass_upstream_hedges_won_total{"), 1);
    world_stop(world);
}

/* ---- all at once ------------------------------------------------------------------------------ */

enum { CLIENTS = 30, ROUNDS = 3 };

static const struct script moods[] = {
    {.deeds = {READ_ALL, SEND(ANSWER_OK)}},
    {.deeds = {SILENCE}},
    {.deeds = {READ_ALL, WAIT_MS(40), SEND(ANSWER_OK)}},
    {.deeds = {READ_ALL, SEND(SAD)}},
    {.deeds = {READ_ALL, WAIT_MS(30), CLOSE}},
    {.deeds = {WAIT_MS(25), SEND("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no"), WAIT_MS(20),
               SEND("k")}},
    {.deeds = {RESET}},
    {.deeds = {READ_ALL, WAIT_MS(21), SEND(SAD)}},
    {.deeds = {READ_ALL, WAIT_MS(22), SEND("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nok")}},
    {.deeds = {SEND(SAD), CLOSE}},
    {.deeds = {READ_ALL, SEND("babble\r\n\r\n"), CLOSE}},
};

static struct origin *moody(void)
{
    enum { MOODS = sizeof(moods) / sizeof(*moods), SCRIPTS = MOODS * 40 };
    struct script scripts[SCRIPTS];

    for (size_t i = 0; i < SCRIPTS; i++)
        scripts[i] = moods[(i * 7 + i / MOODS) % MOODS];
    return origin_start("127.0.0.1", scripts, SCRIPTS);
}

static struct world *stormy(struct origin *u, struct origin *v)
{
    return world_start(WORLD_PATIENT
                       "[upstream u]\nurl = http://127.0.0.1:%u\nconnections = 40\n"
                       "hedge-budget = 100%%\nretry-budget = 100%%\n"
                       "[upstream v]\nurl = http://127.0.0.1:%u\nconnections = 40\n"
                       "hedge-budget = 100%%\n"
                       "[route r]\nmatch = /*\nsteps = it + more, end\n"
                       "[call r.it]\nupstream = u\nhedge = 20ms\nretries = 1\nbudget = 600ms\n"
                       "fallback = call kept\n"
                       "[call r.kept]\nupstream = v\nhedge = 20ms\nbudget = 600ms\n"
                       "[call r.more]\nupstream = v\nrequest = GET /more\noptional = yes\n"
                       "budget = 400ms\nhedge = 20ms\n"
                       "[call r.end]\nupstream = u\nhedge = p50\nbudget = 600ms\n",
                       origin_port(u), origin_port(v));
}

static void round_of(struct world *world, struct dialogue **dialogues)
{
    for (int i = 0; i < CLIENTS; i++) {
        dialogues[i] = world_dial(world);
        dialogue_send(dialogues[i],
                      i % 3 == 0   ? "GET /x HTTP/1.1\r\nHost: h\r\n\r\n"
                      : i % 3 == 1 ? "PUT /x HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello"
                                   : "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi");
    }
    usleep(30 * 1000);
    for (int i = 0; i < CLIENTS; i += 5)
        dialogue_reset(dialogues[i]);
}

/* Whoever stays is answered, and nothing stays behind. */
Test(hedges_together, every_request_of_a_storm_ends_once)
{
    struct world *world = stormy(moody(), moody());
    struct dialogue *dialogues[CLIENTS];

    for (int round = 0; round < ROUNDS; round++) {
        round_of(world, dialogues);
        for (int i = 0; i < CLIENTS; i++) {
            if (i % 5 == 0)
                continue;
            int status = dialogue_read(dialogues[i])->status;
            cr_expect(status == 200 || (status >= 502 && status <= 504), "%d", status);
        }
    }
    cr_expect_eq(world_count_lines(world), CLIENTS * ROUNDS);
    cr_expect_eq(world_metric_sum(world, "hourglass_requests_in_flight", ""), 0);
    cr_expect_gt(metric(world, "hourglass_upstream_hedges_total{"), 0);
    for (const char *name = "u"; name != NULL; name = *name == 'u' ? "v" : NULL) {
        char label[20];
        snprintf(label, sizeof(label), "upstream=\"%s\"", name);
        cr_expect_eq(world_metric(world, "hourglass_upstream_calls_in_flight{", label), 0);
        cr_expect_eq(world_metric(world, "hourglass_upstream_queue_length{", label), 0);
    }
    world_stop(world);
}
