/* Many requests at once, of which all kinds of things become: afterwards nothing may be left, and
 * the sanitizers, which watch the program, must have nothing to say. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "test/support/world.h"

TestSuite(storm, .timeout = 300);

#define CHUNKED "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"

static const struct script moods[] = {
    {.deeds = {READ_ALL, SEND(ANSWER_OK)}},
    {.deeds = {READ_ALL, WAIT_MS(20), SEND(ANSWER_OK)}},
    {.deeds = {READ_ALL, WAIT_MS(170), SEND(ANSWER_OK)}},
    {.deeds = {SEND(CHUNKED), WAIT_MS(100), SEND("3\r\nabc\r\n0\r\n\r\n")}},
    {.deeds = {SEND(ANSWER_OK), CLOSE}},
    {.deeds = {RESET}},
    {.deeds = {READ_ALL, CLOSE}},
    {.deeds = {SILENCE}},
    {.deeds = {SEND("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nabc"), WAIT_MS(10), CLOSE}},
    {.deeds = {SEND(CHUNKED), WAIT_MS(10), RESET}},
    {.deeds = {SEND(CHUNKED "0\r\n\r\n")}},
    {.deeds = {SEND(CHUNKED), SILENCE}},
    {.deeds = {DRIP("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", 1)}},
    {.deeds = {SEND("garbage\r\n\r\n"), SILENCE}},
    {.deeds = {SEND(ANSWER_OK), WAIT_MS(5), SEND("HTTP/1.1 200 OK\r\n\r\nstray")}},
    {.deeds = {SEND("HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n"), FLOOD(300000)}},
    {.deeds = {READ_BYTES(1), SEND("HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n"), CLOSE}},
};
enum { MOODS = sizeof(moods) / sizeof(*moods), SCRIPTS = 600, AT_ONCE = 24, ROUNDS = 12 };

static const char *const requests[] = {
    "GET / HTTP/1.1\r\nHost: h\r\nX-Request-Timeout-Ms: 150\r\n\r\n",
    "HEAD / HTTP/1.1\r\nHost: h\r\nX-Request-Timeout-Ms: 60\r\n\r\n",
    "GET /r HTTP/1.1\r\nHost: h\r\nX-Request-Timeout-Ms: 150\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nX-Request-Timeout-Ms: 90\r\n\r\nabc",
    "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\nX-Request-Timeout-Ms: 90\r\n\r\nabc",
    "POST /r HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    "GET / HTTP/1.0\r\nX-Request-Timeout-Ms: 150\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: h\r\n\r\nGET /r HTTP/1.1\r\nHost: h\r\n\r\n",
    "GET /r HTTP/1.1\r\nHo",
    "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcdef",
};
enum { REQUESTS = sizeof(requests) / sizeof(*requests) };

static unsigned roll(unsigned *state, unsigned sides)
{
    *state = *state * 1664525u + 1013904223u;
    return (*state >> 16) % sides;
}

static struct origin *moody(unsigned *state)
{
    struct script *scripts = calloc(SCRIPTS, sizeof(*scripts));

    cr_assert_not_null(scripts);
    for (int i = 0; i < SCRIPTS; i++)
        scripts[i] = moods[roll(state, MOODS)];
    struct origin *origin = origin_start("127.0.0.1", scripts, SCRIPTS);
    free(scripts);
    return origin;
}

/* One request, from its first byte to its end. */
struct visit {
    struct dialogue *dialogue;
    const char *request;
};

static struct visit visit_begin(const struct world *world, unsigned *state)
{
    struct visit visit = {world_dial(world), requests[roll(state, REQUESTS)]};

    dialogue_send(visit.dialogue, visit.request);
    return visit;
}

static void visit_read(const struct visit *visit)
{
    bool is_head = strncmp(visit->request, "HEAD", 4) == 0;
    const struct reply *reply =
        is_head ? dialogue_read_head(visit->dialogue) : dialogue_read(visit->dialogue);

    cr_expect_neq(reply->end, REPLY_LATE, "no end of\n%s", visit->request);
    cr_expect_neq(reply->end, REPLY_INVALID, "nonsense for\n%s", visit->request);
    dialogue_close(visit->dialogue);
}

static void visit_end(const struct visit *visit, unsigned *state)
{
    struct dialogue *dialogue = visit->dialogue;

    switch (roll(state, 5)) {
    case 0:
        dialogue_reset(dialogue);
        break;
    case 1:
        dialogue_half_close(dialogue);
        break;
    case 2:
        dialogue_close(dialogue);
        break;
    default:
        visit_read(visit);
    }
}

static void one_round(struct world *world, unsigned *state)
{
    struct visit visits[AT_ONCE];

    for (int i = 0; i < AT_ONCE; i++)
        visits[i] = visit_begin(world, state);
    usleep((useconds_t)roll(state, 40) * 1000);
    for (int i = 0; i < AT_ONCE; i++)
        visit_end(&visits[i], state);
}

/* keys: of both upstreams. */
static struct world *before(unsigned seed, const char *keys)
{
    unsigned state = seed;
    struct origin *first = moody(&state);
    struct origin *second = moody(&state);

    return world_start(
        "[proxy]\nlisten = 127.0.0.1:0\nadmin = 127.0.0.1:0\nworkers = 2\nheader-timeout = 100ms\n"
        "drain = 2s\n" WORLD_BUDGET "default = 300ms\n"
        "[upstream a]\nurl = http://127.0.0.1:%u\nconnections = 6\nconnect = 100ms\n%s"
        "[upstream b]\nurl = http://127.0.0.1:%u\n%s"
        "[route r]\nmatch = /r\nsteps = x + y, z\n"
        "[call r.x]\nupstream = a\nrequest = GET /x\n"
        "[call r.y]\nupstream = b\nrequest = POST /y\noptional = yes\nbudget = 50ms\n"
        "[call r.z]\nupstream = b\n[route all]\nmatch = /*\nupstream = a\n",
        origin_port(first), keys, origin_port(second), keys);
}

static double in_flight(const struct world *world)
{
    double count = -1;

    for (int i = 0; i < 500 && count != 0; i++) {
        count = world_metric_sum(world, "hourglass_requests_in_flight", "");
        usleep(10 * 1000);
    }
    return count;
}

static void rage(unsigned seed, const char *keys)
{
    unsigned state = seed;
    struct world *world = before(seed, keys);

    for (int i = 0; i < ROUNDS; i++)
        one_round(world, &state);
    cr_expect_eq(in_flight(world), 0, "seed %u: %g requests have not ended", seed,
                 in_flight(world));
    cr_expect_eq(world_metric(world, "calls_in_flight", "upstream=\"a\""), 0, "seed %u", seed);
    cr_expect_eq(world_metric(world, "calls_in_flight", "upstream=\"b\""), 0, "seed %u", seed);
    cr_expect_eq(world_metric(world, "queue_length", "upstream=\"a\""), 0, "seed %u", seed);
    world_stop(world);
}

Test(storm, leaves_nothing_behind)
{
    rage(1, "");
}

Test(storm, leaves_nothing_behind_in_another_order)
{
    rage(20261122, "");
}

Test(storm, leaves_nothing_behind_when_late_answers_are_drained)
{
    rage(3, "on-expiry = drain\ndrain-time = 80ms\n");
}

Test(storm, can_be_stopped_in_the_midst_of_it)
{
    unsigned state = 7;
    struct world *world = before(7, "on-expiry = drain\n");
    struct visit visits[AT_ONCE];

    one_round(world, &state);
    for (int i = 0; i < AT_ONCE; i++)
        visits[i] = visit_begin(world, &state);
    program_signal(world_program(world), SIGTERM);
    for (int i = 0; i < AT_ONCE; i++)
        visit_end(&visits[i], &state);
    world_stopped(world);
}

/* Time is up while the client reads nothing: its queue is full, and must not hold the end up. */
Test(storm, client_that_reads_nothing_is_cut_when_time_is_up)
{
    struct origin *origin =
        ORIGIN({.deeds = {SEND("HTTP/1.1 200 OK\r\nContent-Length: 268435456\r\n\r\n"),
                          FLOOD(268435456)}});
    struct world *world = world_start(WORLD_PATIENT WORLD_ROUTE, origin_port(origin));
    struct dialogue *dialogue = world_dial(world);

    dialogue_send(dialogue, "GET / HTTP/1.1\r\nHost: h\r\nX-Request-Timeout-Ms: 400\r\n\r\n");
    (void)origin_ended(origin, 0);
    cr_expect_eq(in_flight(world), 0);
    const struct reply *reply = dialogue_read(dialogue);
    cr_expect(reply->end == REPLY_TRUNCATED || reply->end == REPLY_RESET, "%d", (int)reply->end);
    world_stop(world);
}
