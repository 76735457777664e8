/* on-expiry = drain: an answer that comes too late is read to its end in the background, and never
 * stands in the way of anybody. */
#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "proxy/clock.h"
#include "test/support/world.h"

TestSuite(drain, .timeout = 300);

/* keys: further ones of the upstream. A request with HURRY is cut 240 ms after its first byte. */
#define WORLD_DRAINS                                                        \
    WORLD_PATIENT "[upstream backend]\nurl = http://127.0.0.1:%u\n"         \
                  "on-expiry = drain\n%s[route all]\nmatch = /*\nupstream " \
                  "= backend\n"
#define HURRY "X-Request-Timeout-Ms: 250\r\n"
#define PATIENCE "drain-time = 30s\n"
#define HEAD "HTTP/1.1 200 OK\r\n"
#define CHUNKED HEAD "Transfer-Encoding: chunked\r\n\r\n"

static const struct script ok = {.deeds = {READ_ALL, SEND(ANSWER_OK)}};
static const struct script silence = {.deeds = {READ_ALL, SILENCE}};

static struct world *before(struct origin *origin, const char *keys)
{
    return world_start(WORLD_DRAINS, origin_port(origin), keys);
}

static double drained(const struct world *world)
{
    return world_metric(world, "upstream_drained_total", "backend");
}

static double given_up(const struct world *world)
{
    return world_metric(world, "upstream_drains_given_up_total", "backend");
}

/* Waits until some drain has come to an end, and expects that so many have, in either way. */
static void expect_ends(const struct world *world, double whole, double lost)
{
    for (int i = 0; i < 500 && drained(world) + given_up(world) < whole + lost; i++)
        usleep(10 * 1000);
    cr_expect_eq(drained(world), whole, "%g were drained", drained(world));
    cr_expect_eq(given_up(world), lost, "%g were given up", given_up(world));
}

/* ---- the connection is kept ------------------------------------------------------------------- */

Test(drain, late_answer_is_read_and_its_connection_is_used_again)
{
    struct origin *origin = ORIGIN({.deeds = {READ_ALL, WAIT_MS(1000), SEND(ANSWER_OK)}}, ok);
    struct world *world = before(origin, PATIENCE);
    const struct reply *reply = world_get(world, "/", HURRY);

    cr_expect_eq(reply->status, 504);
    cr_expect_str_eq(reply_member(reply, "reason"), "call");
    cr_expect_eq(origin_sent(origin), 0, "the client does not wait for it");
    cr_expect(origin_is_open(origin, 0));
    expect_ends(world, 1, 0);
    cr_expect_geq(world_metric(world, "upstream_late_seconds_sum", "backend"), 0.760);
    cr_expect_eq(world_metric(world, "upstream_late_seconds_count", "backend"), 1);
    cr_expect_eq(world_metric(world, "upstream_calls_total", "outcome=\"timeout\""), 1);
    cr_expect_eq(world_get(world, "/", "")->status, 200);
    cr_expect_eq(origin_connections(origin), 1);
    world_stop(world);
}

/* What has come by the end of the grant, and what comes after it. */
struct split {
    const char *method;
    const char *early;
    const char *late;
    int status; /* that the client sees */
};

static void check_split(const struct split *split)
{
    struct deed early = SEND(split->early), late = SEND(split->late);
    struct origin *origin = ORIGIN({.deeds = {READ_ALL, early, WAIT_MS(700), late}}, ok);
    struct world *world = before(origin, PATIENCE "drain-size = 64B\n");
    struct dialogue *dialogue = world_dial(world);

    dialogue_send(dialogue, split->method);
    dialogue_send(dialogue, " / HTTP/1.1\r\nHost: h\r\n" HURRY "\r\n");
    const struct reply *reply =
        strcmp(split->method, "HEAD") == 0 ? dialogue_read_head(dialogue) : dialogue_read(dialogue);
    cr_expect_eq(reply->status, split->status, "%s|%s", split->early, split->late);
    cr_expect_eq(reply->end, split->status == 504 ? REPLY_COMPLETE : REPLY_TRUNCATED);
    expect_ends(world, 1, 0);
    cr_expect_eq(world_get(world, "/", "")->status, 200, "%s|%s", split->early, split->late);
    cr_expect_eq(origin_connections(origin), 1, "%s|%s", split->early, split->late);
    world_stop(world);
}

Test(drain, goes_on_wherever_the_answer_was_cut)
{
    static const struct split splits[] = {
        {"GET", HEAD, "X-A: b\r\nContent-Length: 2\r\n\r\nok", 504},
        {"GET", HEAD "X-A: b\r\nConte", "nt-Length: 2\r\n\r\nok", 504},
        {"GET", "HTTP/1.1 103 Early\r\nX-A: b\r\n\r\n", ANSWER_OK, 504},
        {"GET", HEAD "Content-Length: 2\r\n\r\n", "ok", 200},
        {"GET", HEAD "Content-Length: 2\r\n\r\no", "k", 200},
        {"GET", CHUNKED, "2\r\nok\r\n0\r\n\r\n", 200},
        {"GET", CHUNKED "2\r\no", "k\r\n0\r\nX-T: t\r\n\r\n", 200},
        {"GET", CHUNKED "2\r\nok\r\n0\r\n", "\r\n", 200},
        {"GET", HEAD, "Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", 504},
        {"GET", "HTTP/1.1 204 No", " Content\r\n\r\n", 504},
        {"HEAD", HEAD "Content-Length", ": 999999\r\n\r\n", 504},
        {"DELETE", "HTTP/1.1 ", "503 No\r\nContent-Length: 0\r\n\r\n", 504},
    };

    for (size_t i = 0; i < sizeof splits / sizeof *splits; i++)
        check_split(&splits[i]);
}

Test(drain, answer_to_a_body_that_went_up_whole_is_read)
{
    static const char *const bodies[] = {"Content-Length: 3\r\n\r\nabc",
                                         "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"};

    for (size_t i = 0; i < 2; i++) {
        struct origin *origin = ORIGIN({.deeds = {READ_ALL, WAIT_MS(700), SEND(ANSWER_OK)}}, ok);
        struct world *world = before(origin, PATIENCE);
        struct dialogue *dialogue = world_dial(world);

        dialogue_send(dialogue, "POST / HTTP/1.1\r\nHost: h\r\n" HURRY);
        dialogue_send(dialogue, bodies[i]);
        cr_expect_eq(dialogue_read(dialogue)->status, 504);
        expect_ends(world, 1, 0);
        cr_expect_eq(world_get(world, "/", "")->status, 200, "body %zu", i);
        cr_expect_eq(origin_connections(origin), 1, "body %zu", i);
        world_stop(world);
    }
}

Test(drain, late_optional_call_is_read_while_its_request_goes_on)
{
    struct origin *late = ORIGIN({.deeds = {READ_ALL, WAIT_MS(700), SEND(ANSWER_OK)}}, ok);
    struct origin *slow = origin_answering(ANSWER_OK, 600);
    struct world *world = world_start(
        WORLD_PATIENT "[upstream backend]\nurl = http://127.0.0.1:%u\non-expiry = drain\n"
                      "[upstream slow]\nurl = http://127.0.0.1:%u\n"
                      "[route r]\nmatch = /*\nsteps = late + first, slow\n"
                      "[call r.late]\nupstream = backend\nrequest = GET /late\nbudget = 250ms\n"
                      "optional = yes\n[call r.first]\nupstream = slow\nrequest = GET /first\n"
                      "[call r.slow]\nupstream = slow\n",
        origin_port(late), origin_port(slow));
    const struct reply *reply = world_get(world, "/", "");

    cr_expect_eq(reply->status, 200);
    cr_expect_str_eq(reply_header(reply, "X-Budget-Partial"), "late");
    expect_ends(world, 1, 0);
    world_stop(world);
}

/* ---- what it may take ------------------------------------------------------------------------- */

Test(drain, ends_when_it_takes_too_long)
{
    struct origin *origin = ORIGIN(silence, ok);
    struct world *world = before(origin, "drain-time = 200ms\n");
    struct instant begun = clock_now();

    cr_expect_eq(world_get(world, "/", HURRY)->status, 504);
    cr_expect_geq(span_since(begun, origin_ended(origin, 0)).ns, span_ms(440).ns);
    expect_ends(world, 0, 1);
    cr_expect_eq(world_get(world, "/", "")->status, 200);
    cr_expect_eq(origin_connections(origin), 2);
    world_stop(world);
}

Test(drain, ends_when_there_is_too_much)
{
    static const struct script scripts[] = {
        {.deeds = {WAIT_MS(700), SEND(HEAD "Content-Length: 1025\r\n\r\n"), SILENCE}},
        {.deeds = {SEND(HEAD "Content-Length: 1028\r\n\r\nabc"), SILENCE}},
        {.deeds = {WAIT_MS(700), SEND(CHUNKED "1000\r\n"), FLOOD(1020), SILENCE}},
        {.deeds = {SEND(HEAD "\r\n"), WAIT_MS(700), FLOOD(1025), SILENCE}},
        {.deeds = {WAIT_MS(700), SEND(HEAD "\r\n"), FLOOD(100000), SILENCE}},
    };

    for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) {
        struct origin *origin = ORIGIN(scripts[i], ok);
        struct world *world = before(origin, PATIENCE "drain-size = 1KiB\n");

        (void)world_get(world, "/", HURRY);
        (void)origin_ended(origin, 0);
        expect_ends(world, 0, 1);
        cr_expect_eq(world_get(world, "/", "")->status, 200, "script %zu", i);
        cr_expect_eq(origin_connections(origin), 2, "script %zu", i);
        world_stop(world);
    }
}

Test(drain, may_bring_as_much_as_it_is_allowed)
{
    struct origin *origin = ORIGIN(
        {.deeds = {SEND(HEAD "Content-Length: 1027\r\n\r\nabc"), WAIT_MS(700), FLOOD(1024)}}, ok);
    struct world *world = before(origin, PATIENCE "drain-size = 1KiB\n");

    cr_expect_eq(world_get(world, "/", HURRY)->end, REPLY_TRUNCATED);
    expect_ends(world, 1, 0);
    world_stop(world);
}

Test(drain, is_read_to_its_end_however_long_within_what_is_allowed)
{
    struct origin *origin = ORIGIN(
        {.deeds = {SEND(HEAD "Content-Length: 4000000\r\n\r\n"), WAIT_MS(700), FLOOD(4000000)}},
        ok);
    struct world *world = before(origin, PATIENCE "drain-size = 4MiB\n");

    cr_expect_eq(world_get(world, "/", HURRY)->end, REPLY_TRUNCATED);
    expect_ends(world, 1, 0);
    cr_expect_eq(world_get(world, "/", "")->status, 200);
    cr_expect_eq(origin_connections(origin), 1);
    world_stop(world);
}

Test(drain, ends_with_an_answer_that_breaks_off_or_is_none)
{
    static const struct script scripts[] = {
        {.deeds = {READ_ALL, WAIT_MS(700), SEND(HEAD "Content-Length: 9\r\n\r\nabc"), CLOSE}},
        {.deeds = {READ_ALL, WAIT_MS(700), SEND(CHUNKED "9\r\nabc"), RESET}},
        {.deeds = {READ_ALL, WAIT_MS(700), SEND(CHUNKED "x\r\nabc"), SILENCE}},
        {.deeds = {READ_ALL, WAIT_MS(700), SEND("garbage\r\n\r\n"), SILENCE}},
        {.deeds = {READ_ALL, WAIT_MS(700), CLOSE}},
    };

    for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) {
        struct origin *origin = ORIGIN(scripts[i], ok);
        struct world *world = before(origin, PATIENCE);

        cr_expect_eq(world_get(world, "/", HURRY)->status, 504);
        expect_ends(world, 0, 1);
        cr_expect_eq(world_get(world, "/", "")->status, 200, "script %zu", i);
        cr_expect_eq(origin_connections(origin), 2, "script %zu", i);
        world_stop(world);
    }
}

/* libcurl by itself would send it again: what for? And with what, since the request is gone. */
Test(drain, request_is_not_sent_again_when_its_kept_connection_dies)
{
    struct origin *origin = ORIGIN(ok, {.deeds = {READ_ALL, WAIT_MS(700), CLOSE}}, ok);
    struct world *world = before(origin, PATIENCE);

    cr_expect_eq(world_get(world, "/", "")->status, 200);
    cr_expect_eq(world_get(world, "/", HURRY)->status, 504);
    expect_ends(world, 0, 1);
    cr_expect_eq(origin_requests(origin), 2);
    cr_expect_eq(world_get(world, "/", "")->status, 200);
    cr_expect_eq(origin_requests(origin), 3);
    world_stop(world);
}

/* ---- it stands in nobody's way ---------------------------------------------------------------- */

Test(drain, gives_its_place_to_a_call_that_wants_it)
{
    struct origin *origin = ORIGIN(silence, ok);
    struct world *world = before(origin, PATIENCE "connections = 1\n");

    cr_expect_eq(world_get(world, "/", HURRY)->status, 504);
    cr_expect(origin_is_open(origin, 0));
    cr_expect_eq(world_get(world, "/", "")->status, 200);
    (void)origin_ended(origin, 0);
    expect_ends(world, 0, 1);
    world_stop(world);
}

Test(drain, does_not_even_begin_to_last_while_a_call_waits)
{
    struct origin *origin = ORIGIN(silence, ok);
    struct world *world = before(origin, PATIENCE "connections = 1\n");
    struct dialogue *first = world_dial(world), *second = world_dial(world);

    dialogue_send(first, "GET / HTTP/1.1\r\nHost: h\r\nX-Request-Timeout-Ms: 400\r\n\r\n");
    (void)origin_request(origin, 0);
    dialogue_send(second, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    cr_expect_eq(dialogue_read(first)->status, 504);
    cr_expect_eq(dialogue_read(second)->status, 200);
    (void)origin_ended(origin, 0);
    expect_ends(world, 0, 1);
    world_stop(world);
}

Test(drain, keeps_its_place_while_there_is_another)
{
    struct origin *origin = ORIGIN({.deeds = {READ_ALL, WAIT_MS(1000), SEND(ANSWER_OK)}}, ok);
    struct world *world = before(origin, PATIENCE "connections = 2\n");

    cr_expect_eq(world_get(world, "/", HURRY)->status, 504);
    cr_expect_eq(world_get(world, "/", "")->status, 200);
    expect_ends(world, 1, 0);
    cr_expect_eq(origin_connections(origin), 2);
    world_stop(world);
}

Test(drain, oldest_gives_way_first)
{
    struct origin *origin = ORIGIN(silence, silence, ok);
    struct world *world = before(origin, PATIENCE "connections = 2\n");

    cr_expect_eq(world_get(world, "/", HURRY)->status, 504);
    cr_expect_eq(world_get(world, "/", HURRY)->status, 504);
    cr_expect_eq(world_get(world, "/", "")->status, 200);
    (void)origin_ended(origin, origin_request(origin, 0)->connection);
    cr_expect(origin_is_open(origin, origin_request(origin, 1)->connection));
    expect_ends(world, 0, 1);
    world_stop(world);
}

Test(drain, does_not_hold_up_the_end_of_the_program)
{
    struct origin *origin = ORIGIN(silence);
    struct world *world = before(origin, PATIENCE);

    cr_expect_eq(world_get(world, "/", HURRY)->status, 504);
    cr_expect(origin_is_open(origin, 0));
    program_signal(world_program(world), SIGTERM);
    cr_expect_eq(program_exit_code(world_program(world), span_s(8)), 0, "long before drain-time");
    (void)origin_ended(origin, 0);
    world_stopped(world);
}

/* ---- what is not drained ---------------------------------------------------------------------- */

Test(drain, call_of_a_client_that_has_left_is_cancelled)
{
    struct origin *origin = ORIGIN(silence);
    struct world *world = before(origin, PATIENCE);
    struct dialogue *dialogue = world_dial(world);

    dialogue_send(dialogue, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    (void)origin_request(origin, 0);
    dialogue_close(dialogue);
    (void)origin_ended(origin, 0);
    expect_ends(world, 0, 0);
    world_stop(world);
}

Test(drain, body_that_has_not_gone_up_whole_is_cancelled)
{
    struct origin *origin = ORIGIN({.deeds = {SILENCE}});
    struct world *world = before(origin, PATIENCE);
    struct dialogue *dialogue = world_dial(world);

    dialogue_send(dialogue, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n" HURRY "\r\nabc");
    (void)dialogue_read(dialogue);
    (void)origin_ended(origin, 0);
    expect_ends(world, 0, 0);
    world_stop(world);
}

Test(drain, attempt_that_is_followed_by_another_is_cancelled)
{
    struct origin *origin = ORIGIN(silence, ok);
    struct world *world = world_start(
        WORLD_PATIENT "[upstream backend]\nurl = http://127.0.0.1:%u\non-expiry = drain\n" PATIENCE
                      "[route r]\nmatch = /*\nsteps = a\n[call r.a]\nupstream = backend\n"
                      "retries = 1\nattempt = 300ms\n",
        origin_port(origin));

    cr_expect_eq(world_get(world, "/", "")->status, 200);
    (void)origin_ended(origin, 0);
    expect_ends(world, 0, 0);
    world_stop(world);
}
