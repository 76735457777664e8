/* The event loop wakes too late: the machine is busy, or the process was stopped. Timers then fire
 * late, and bytes are found beside them that would have been in time for nobody. Nothing may be
 * begun that should have been over. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "test/support/warp.h"
#include "test/support/world.h"

TestSuite(late_loop, .timeout = 300);

#define WITH_600_MS "GET / HTTP/1.1\r\nHost: h\r\nX-Request-Timeout-Ms: 600\r\n\r\n"
#define TWO_LENGTHS "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"
#define PART "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"

/* Sends a request, waits until the upstream has it, and makes every further turn late. */
static struct dialogue *ask_then_be_late(struct world *world, struct origin *origin,
                                         struct warp_board *board, int late_ms)
{
    struct dialogue *dialogue = world_dial(world);

    dialogue_send(dialogue, WITH_600_MS);
    (void)origin_request(origin, 0);
    atomic_store(&board->late_ms, late_ms);
    return dialogue;
}

/* It is a 504 that comes after its time, since the loop was late, and nothing before it. */
static void expect_late_504(struct dialogue *dialogue, struct warp_board *board, const char *reason)
{
    const struct reply *reply = dialogue_read(dialogue);

    atomic_store(&board->late_ms, 0);
    cr_expect_gt(atomic_load(&board->late), 0, "the loop was not late");
    cr_expect_eq(reply->status, 504, "%d", reply->status);
    cr_expect_eq(reply->end, REPLY_COMPLETE, "%d", (int)reply->end);
    cr_expect_str_eq(reply_member(reply, "reason"), reason);
}

/* ---- what comes from upstream ----------------------------------------------------------------- */

Test(late_loop, answer_that_is_found_after_the_deadline_is_a_504)
{
    static const struct script scripts[] = {
        {.deeds = {WAIT_MS(400), SEND(ANSWER_OK)}},
        {.deeds = {WAIT_MS(400), SEND(PART), SILENCE}},
        {.deeds = {WAIT_MS(400), SEND("HTTP/1.1 200 OK\r\n\r\nabc"), CLOSE}},
        {.deeds = {WAIT_MS(400), SEND("HTTP/1.1 500 Sad\r\nContent-Length: 0\r\n\r\n")}},
    };
    struct warp_board *board = warp_board_open();

    for (size_t i = 0; i < sizeof(scripts) / sizeof(*scripts); i++) {
        struct origin *origin = origin_start("127.0.0.1", &scripts[i], 1);
        struct world *world = world_start(WORLD_PATIENT WORLD_ROUTE, origin_port(origin));

        expect_late_504(ask_then_be_late(world, origin, board, 700), board, "call");
        cr_expect(LOGS(world, "status=504", "outcome=timeout", "backend:timeout:"), "%zu", i);
        world_stop(world);
    }
    warp_board_close(board);
}

/* Time is left for the client, but the call has had its own. */
Test(late_loop, answer_that_is_found_after_its_grant_leaves_a_gap)
{
    struct warp_board *board = warp_board_open();
    struct origin *slow = ORIGIN({.deeds = {WAIT_MS(300), SEND(ANSWER_OK)}});
    struct world *world =
        world_start(WORLD_PATIENT "[upstream slow]\nurl = http://127.0.0.1:%u\n"
                                  "[upstream last]\nurl = http://127.0.0.1:%u\n"
                                  "[route r]\nmatch = /*\nsteps = a, b\n"
                                  "[call r.a]\nupstream = slow\nbudget = 400ms\noptional = yes\n"
                                  "[call r.b]\nupstream = last\n",
                    origin_port(slow), origin_port(origin_answering(ANSWER_OK, 0)));
    struct dialogue *dialogue = world_dial(world);

    dialogue_send(dialogue, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    (void)origin_request(slow, 0);
    atomic_store(&board->late_ms, 500);
    const struct reply *reply = dialogue_read(dialogue);
    atomic_store(&board->late_ms, 0);
    cr_expect_eq(reply->status, 200);
    cr_expect_str_eq(reply_header(reply, "X-Budget-Partial"), "a");
    world_stop(world);
    warp_board_close(board);
}

/* Its head was in time and nobody reads its body, but it is not over before all of that has come. */
Test(late_loop, end_of_a_call_beside_the_answer_that_is_found_after_its_grant_is_a_504)
{
    struct warp_board *board = warp_board_open();
    struct origin *check = ORIGIN({.deeds = {SEND("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"),
                                             WAIT_MS(400), SEND("ok")}});
    struct world *world =
        world_start(WORLD_PATIENT "[upstream check]\nurl = http://127.0.0.1:%u\n"
                                  "[upstream last]\nurl = http://127.0.0.1:%u\n"
                                  "[route r]\nmatch = /*\nsteps = a, b\n"
                                  "[call r.a]\nupstream = check\nrequest = GET /a\n"
                                  "budget = 600ms\n"
                                  "[call r.b]\nupstream = last\n",
                    origin_port(check), origin_port(origin_answering(ANSWER_OK, 0)));
    struct dialogue *dialogue = world_dial(world);

    dialogue_send(dialogue, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    (void)origin_request(check, 0);
    usleep(150 * 1000);
    atomic_store(&board->late_ms, 700);
    expect_late_504(dialogue, board, "call");
    cr_expect(LOGS(world, "status=504", "a:timeout:"));
    world_stop(world);
    warp_board_close(board);
}

/* The answer could be used, but the client has left when the other call of its step is over. */
Test(late_loop, answer_that_waits_for_a_call_beside_it_is_not_begun_late)
{
    struct warp_board *board = warp_board_open();
    struct origin *beside = ORIGIN({.deeds = {WAIT_MS(400), SEND(ANSWER_OK)}});
    struct origin *part = ORIGIN({.deeds = {SEND(PART), SILENCE}});
    struct world *world =
        world_start(WORLD_PATIENT "[upstream beside]\nurl = http://127.0.0.1:%u\n"
                                  "[upstream part]\nurl = http://127.0.0.1:%u\n"
                                  "[route r]\nmatch = /*\nsteps = a + b\nanswer = b\n"
                                  "[call r.a]\nupstream = beside\nrequest = GET /a\n"
                                  "optional = yes\n"
                                  "[call r.b]\nupstream = part\n",
                    origin_port(beside), origin_port(part));

    expect_late_504(ask_then_be_late(world, beside, board, 700), board, "call");
    world_stop(world);
    warp_board_close(board);
}

/* ---- what would be begun ---------------------------------------------------------------------- */

/* One call, with these keys, to `origin`; its stand-in goes to `other`. */
static struct world *before(struct origin *origin, struct origin *other, const char *keys)
{
    return world_start(WORLD_PATIENT "[upstream u]\nurl = http://127.0.0.1:%u\nconnections = 1\n"
                                     "retry-budget = 100%%\nhedge-budget = 100%%\n"
                                     "[upstream other]\nurl = http://127.0.0.1:%u\n"
                                     "[route r]\nmatch = /*\nsteps = a\n"
                                     "[call r.a]\nupstream = u\n%s",
                       origin_port(origin), origin_port(other), keys);
}

/* Of a call that the client waits for with 600 ms, and the loop with 700, nothing further starts. */
static void expect_no_more(const struct script *script, const char *keys)
{
    struct warp_board *board = warp_board_open();
    struct origin *origin = origin_start("127.0.0.1", script, 1);
    struct origin *other = origin_answering(ANSWER_OK, 0);
    struct world *world = before(origin, other, keys);
    struct dialogue *dialogue = ask_then_be_late(world, origin, board, 700);

    expect_late_504(dialogue, board, "call");
    usleep(50 * 1000);
    cr_expect_eq(origin_requests(origin), 1, "%s: %zu", keys, origin_requests(origin));
    cr_expect_eq(origin_connections(origin), 1, "%s", keys);
    cr_expect_eq(origin_requests(other), 0, "%s", keys);
    world_stop(world);
    warp_board_close(board);
}

Test(late_loop, no_attempt_is_started_after_its_time)
{
    expect_no_more(&(const struct script){.deeds = {SILENCE}}, "retries = 2\nattempt = 400ms\n");
}

/* The failure is found after 200 ms, when there is time to try again, and the pause ends after 380. */
static void expect_failure(const struct script *script, const char *retry_on, const char *call)
{
    struct warp_board *board = warp_board_open();
    struct origin *origin = origin_start("127.0.0.1", script, 1);
    char keys[128];

    snprintf(keys, sizeof(keys), "min = 300ms\nretries = 1\nretry-on = %s\nbackoff = 1ms\n",
             retry_on);
    struct world *world = before(origin, origin, keys);
    struct dialogue *dialogue = ask_then_be_late(world, origin, board, 180);
    cr_expect_eq(dialogue_read(dialogue)->status, 502);
    cr_expect(LOGS(world, "status=502", "outcome=failed", "termination=UH", call), "%s",
              program_stderr(world_program(world)));
    cr_expect_eq(origin_requests(origin), 1);
    world_stop(world);
    warp_board_close(board);
}

Test(late_loop, failure_stays_what_it_was_when_the_time_to_try_again_has_passed)
{
    expect_failure(&(const struct script){.deeds = {WAIT_MS(20), RESET}}, "connect", "a:broken:");
    expect_failure(&(const struct script){.deeds = {WAIT_MS(20), SEND(TWO_LENGTHS)}}, "502",
                   ":fault=two_lengths");
}

Test(late_loop, no_hedge_is_started_after_its_time)
{
    expect_no_more(&(const struct script){.deeds = {SILENCE}}, "hedge = 400ms\n");
}

Test(late_loop, no_call_stands_in_after_its_time)
{
    expect_no_more(&(const struct script){.deeds = {SILENCE}},
                   "budget = 400ms\nfallback = call b\n[call r.b]\nupstream = other\n");
}

Test(late_loop, no_step_is_begun_after_its_time)
{
    struct warp_board *board = warp_board_open();
    struct origin *first = origin_answering(ANSWER_OK, 300);
    struct origin *second = origin_answering(ANSWER_OK, 0);
    struct world *world = world_start(WORLD_PATIENT "[upstream first]\nurl = http://127.0.0.1:%u\n"
                                                    "[upstream second]\nurl = http://127.0.0.1:%u\n"
                                                    "[route r]\nmatch = /*\nsteps = a, b\n"
                                                    "[call r.a]\nupstream = first\n"
                                                    "[call r.b]\nupstream = second\nmin = 200ms\n",
                                      origin_port(first), origin_port(second));

    /* The first would be allowed 388 ms; it is found after that, when too little is left for the second. */
    expect_late_504(ask_then_be_late(world, first, board, 450), board, "call");
    cr_expect_eq(origin_connections(second), 0);
    world_stop(world);
    warp_board_close(board);
}

Test(late_loop, no_place_is_taken_after_its_time)
{
    struct warp_board *board = warp_board_open();
    struct origin *origin = origin_answering(ANSWER_OK, 500);
    struct world *world = before(origin, origin, "");
    struct dialogue *first = world_dial(world);
    struct dialogue *second = world_dial(world);

    dialogue_send(first, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    (void)origin_request(origin, 0);
    dialogue_send(second, WITH_600_MS);
    usleep(150 * 1000);
    atomic_store(&board->late_ms, 700);
    expect_late_504(second, board, "queue");
    cr_expect_eq(dialogue_read(first)->status, 200);
    cr_expect_eq(origin_requests(origin), 1);
    world_stop(world);
    warp_board_close(board);
}

Test(late_loop, attempt_that_is_started_late_is_told_what_is_left_then)
{
    struct warp_board *board = warp_board_open();
    struct origin *origin = ORIGIN({.deeds = {SILENCE}}, {.deeds = {SEND(ANSWER_OK)}});
    struct world *world = before(origin, origin, "retries = 1\nattempt = 300ms\nbackoff = 0ms\n");
    struct dialogue *dialogue = world_dial(world);
    const char *told;

    dialogue_send(dialogue, "GET / HTTP/1.1\r\nHost: h\r\nX-Request-Timeout-Ms: 2000\r\n\r\n");
    (void)origin_request(origin, 0);
    atomic_store(&board->late_ms, 100);
    for (int i = 0; i < 5000 && origin_connections(origin) < 2; i++)
        usleep(1000);
    atomic_store(&board->late_ms, 0);
    cr_expect_eq(dialogue_read(dialogue)->status, 200);
    told = message_header(&origin_request(origin, 1)->message, "X-Request-Timeout-Ms", 0);
    cr_expect_leq(atoi(told), 2000 - 10 - 300 - 100, "told %s", told);
    world_stop(world);
    warp_board_close(board);
}

/* A loop that sleeps does so for all calls at once: all would be hedged, or asked for again. */
Test(late_loop, answer_that_lies_there_is_not_asked_for_twice)
{
    static const char *const keys[] = {"hedge = 300ms\n", "retries = 1\nattempt = 300ms\n"};
    struct warp_board *board = warp_board_open();

    for (size_t i = 0; i < 2; i++) {
        struct origin *origin = origin_answering(ANSWER_OK, 40);
        struct world *world = before(origin, origin, keys[i]);
        struct dialogue *dialogue = world_dial(world);

        dialogue_send(dialogue, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
        (void)origin_request(origin, 0);
        atomic_store(&board->late_ms, 400);
        cr_expect_eq(dialogue_read(dialogue)->status, 200);
        atomic_store(&board->late_ms, 0);
        cr_expect_eq(origin_requests(origin), 1, "%s", keys[i]);
        world_stop(world);
    }
    warp_board_close(board);
}

/* ---- what goes to the client ------------------------------------------------------------------ */

/* Stops the whole process, as a debugger or a full machine does, until all budgets are over. */
static void stop_for_a_while(const struct world *world)
{
    program_pause(world_program(world));
    usleep(700 * 1000);
    program_signal(world_program(world), SIGCONT);
}

Test(late_loop, answer_that_ends_while_the_process_is_stopped_is_cut)
{
    static const char *const beginnings[] = {
        PART,
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
    };
    static const char *const ends[] = {"defghi", "0\r\n\r\n"};

    for (size_t i = 0; i < 2; i++) {
        struct origin *origin =
            ORIGIN({.deeds = {SEND(beginnings[i]), WAIT_MS(400), SEND(ends[i])}});
        struct world *world = world_start(WORLD_PATIENT WORLD_ROUTE, origin_port(origin));
        struct dialogue *dialogue = world_dial(world);

        dialogue_send(dialogue, WITH_600_MS);
        cr_assert(dialogue_awaits(dialogue, "abc"));
        stop_for_a_while(world);
        const struct reply *reply = dialogue_read(dialogue);
        cr_expect_eq(reply->status, 200);
        cr_expect_eq(reply->end, REPLY_TRUNCATED, "%zu: %d", i, (int)reply->end);
        cr_expect_str_eq(reply->body, "abc");
        cr_expect(LOGS(world, "status=200", "outcome=cut", "reason=call", "backend:timeout:"));
        world_stop(world);
    }
}

Test(late_loop, answer_that_comes_while_the_process_is_stopped_is_a_504)
{
    struct origin *origin = origin_answering(ANSWER_OK, 400);
    struct world *world = world_start(WORLD_PATIENT WORLD_ROUTE, origin_port(origin));
    struct dialogue *dialogue = world_dial(world);

    dialogue_send(dialogue, WITH_600_MS);
    (void)origin_request(origin, 0);
    stop_for_a_while(world);
    const struct reply *reply = dialogue_read(dialogue);
    cr_expect_eq(reply->status, 504);
    cr_expect_str_eq(reply_member(reply, "reason"), "call");
    world_stop(world);
}
