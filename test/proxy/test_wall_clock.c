/* The wall clock is set by an hour, forth and back, while requests run: in the program and in the
 * libraries it uses. Nothing that takes time takes more of it or less. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "proxy/clock.h"
#include "test/support/name_server.h"
#include "test/support/warp.h"
#include "test/support/world.h"

TestSuite(wall_clock, .timeout = 300);

enum { HOUR_S = 3600 };

/* Long enough for a machine that is busy, and short of all that an hour would change. */
#define SOON span_s(10)

static const char *const get = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

/* Does it once with the clock set forth, once with the clock set back, each in a world of its own. */
static void both_ways(void (*check)(struct warp_board *board, int64_t step_s))
{
    static const int64_t steps_s[] = {HOUR_S, -HOUR_S};

    for (size_t i = 0; i < 2; i++) {
        struct warp_board *board = warp_board_open();

        check(board, steps_s[i]);
        cr_expect_gt(atomic_load(&board->asked), 0, "nobody has asked for the time");
        warp_board_close(board);
    }
}

/* After what was to come first, in the midst of what is under way. */
static void step(struct warp_board *board, int64_t step_s)
{
    usleep(50 * 1000);
    atomic_store(&board->step_s, step_s);
}

static struct world *before(struct origin *origin, const char *proxy_keys)
{
    return world_start(WORLD_PROXY "%s" WORLD_BUDGET "header = X-Deadline: epoch-ms\n"
                                   "default = 20s\n" WORLD_ROUTE,
                       proxy_keys, origin_port(origin));
}

static void expect_between(struct span took, int64_t least_ms)
{
    cr_expect_geq(took.ns, span_ms(least_ms).ns, "%g ms", span_as_ms(took));
    cr_expect_lt(took.ns, SOON.ns, "%g ms", span_as_ms(took));
}

/* ---- requests --------------------------------------------------------------------------------- */

static void check_deadline(struct warp_board *board, int64_t step_s)
{
    struct origin *origin = ORIGIN({.deeds = {SILENCE}});
    struct world *world = before(origin, "");
    struct dialogue *dialogue = world_dial(world);

    dialogue_send(dialogue, "GET / HTTP/1.1\r\nHost: h\r\nX-Request-Timeout-Ms: 600\r\n\r\n");
    (void)origin_request(origin, 0);
    step(board, step_s);
    const struct reply *reply = dialogue_read(dialogue);
    cr_expect_eq(reply->status, 504);
    expect_between(reply->took, 585);
    cr_expect_geq(reply_number(reply, "elapsed_ms"), 585);
    cr_expect_lt(reply_number(reply, "elapsed_ms"), span_as_ms(SOON));
    world_stop(world);
}

Test(wall_clock, does_not_move_a_deadline)
{
    both_ways(check_deadline);
}

/* A call that has another attempt 500 ms after its first, which is never answered. */
static void expect_second(struct warp_board *board, int64_t step_s, const char *keys)
{
    struct origin *origin = ORIGIN({.deeds = {SILENCE}}, {.deeds = {READ_ALL, SEND(ANSWER_OK)}});
    struct world *world = world_start(WORLD_PATIENT "[upstream u]\nurl = http://127.0.0.1:%u\n"
                                                    "retry-budget = 100%%\nhedge-budget = 100%%\n"
                                                    "[route r]\nmatch = /*\nsteps = a\n"
                                                    "[call r.a]\nupstream = u\n%s",
                                      origin_port(origin), keys);
    struct dialogue *dialogue = world_dial(world);

    dialogue_send(dialogue, get);
    (void)origin_request(origin, 0);
    step(board, step_s);
    const struct reply *reply = dialogue_read(dialogue);
    cr_expect_eq(reply->status, 200);
    expect_between(reply->took, 500);
    cr_expect_eq(origin_requests(origin), 2);
    world_stop(world);
}

static void check_attempt(struct warp_board *board, int64_t step_s)
{
    expect_second(board, step_s, "retries = 1\nattempt = 500ms\n");
}

Test(wall_clock, does_not_move_an_attempt)
{
    both_ways(check_attempt);
}

static void check_hedge(struct warp_board *board, int64_t step_s)
{
    expect_second(board, step_s, "hedge = 500ms\n");
}

Test(wall_clock, does_not_move_a_hedge)
{
    both_ways(check_hedge);
}

static void check_name(struct warp_board *board, int64_t step_s)
{
    struct name_server *names = name_server_start(NAME_IS_SILENT);
    struct world *world =
        world_start(WORLD_PROXY "resolver = 127.0.0.1:%u\n" WORLD_BUDGET "default = 300ms\n"
                                "[upstream u]\nurl = http://nowhere.test:80\n"
                                "[route r]\nmatch = /*\nupstream = u\n",
                    name_server_port(names));
    struct dialogue *dialogue = world_dial(world);

    dialogue_send(dialogue, get);
    step(board, step_s);
    const struct reply *reply = dialogue_read(dialogue);
    cr_expect_eq(reply->status, 504);
    expect_between(reply->took, 290);
    world_stop(world);
    name_server_stop(names);
}

Test(wall_clock, does_not_move_the_end_of_waiting_for_a_name)
{
    both_ways(check_name);
}

/* A question that the name server has left unanswered is asked again after the same 2 s. */
static void check_question(struct warp_board *board, int64_t step_s)
{
    struct name_server *names = name_server_start(NAME_IS_SILENT);
    struct origin *origin = origin_answering(ANSWER_OK, 0);
    struct world *world =
        world_start(WORLD_PROXY "resolver = 127.0.0.1:%u\n" WORLD_BUDGET "default = 20s\n"
                                "[upstream u]\nurl = http://rows.test:%u\n"
                                "[route r]\nmatch = /*\nupstream = u\n",
                    name_server_port(names), origin_port(origin));
    struct dialogue *dialogue = world_dial(world);

    dialogue_send(dialogue, get);
    step(board, step_s);
    name_server_turn(names, NAME_IS_LOCAL);
    const struct reply *reply = dialogue_read(dialogue);
    cr_expect_eq(reply->status, 200);
    world_stop(world);
    name_server_stop(names);
}

Test(wall_clock, does_not_move_a_question_to_the_name_server)
{
    both_ways(check_question);
}

/* ---- connections ------------------------------------------------------------------------------ */

/* Both sides' kept connections are as good as before. */
static void check_kept(struct warp_board *board, int64_t step_s)
{
    struct origin *origin = origin_answering(ANSWER_OK, 0);
    struct world *world = before(origin, "idle-timeout = 5s\n");
    struct dialogue *dialogue = world_dial(world);

    dialogue_send(dialogue, get);
    cr_expect_eq(dialogue_read(dialogue)->status, 200);
    step(board, step_s);
    usleep(50 * 1000);
    dialogue_send(dialogue, get);
    cr_expect_eq(dialogue_read(dialogue)->status, 200);
    cr_expect_eq(origin_connections(origin), 1);
    world_stop(world);
}

Test(wall_clock, does_not_make_a_kept_connection_old)
{
    both_ways(check_kept);
}

static void check_idle(struct warp_board *board, int64_t step_s)
{
    struct world *world = before(origin_answering(ANSWER_OK, 0), "idle-timeout = 300ms\n");
    struct dialogue *dialogue = world_dial(world);

    dialogue_send(dialogue, get);
    struct instant asked = clock_now();
    cr_expect_eq(dialogue_read(dialogue)->status, 200);
    step(board, step_s);
    cr_expect(dialogue_is_closed(dialogue));
    expect_between(span_since(asked, clock_now()), 300);
    world_stop(world);
}

Test(wall_clock, does_not_move_the_idle_timeout)
{
    both_ways(check_idle);
}

static void check_head(struct warp_board *board, int64_t step_s)
{
    struct world *world = before(origin_answering(ANSWER_OK, 0), "header-timeout = 300ms\n");
    struct dialogue *dialogue = world_dial(world);

    dialogue_send(dialogue, "GET / HTTP/1.1\r\nHo");
    step(board, step_s);
    const struct reply *reply = dialogue_read(dialogue);
    cr_expect_eq(reply->status, 408);
    expect_between(reply->took, 300);
    world_stop(world);
}

Test(wall_clock, does_not_move_the_header_timeout)
{
    both_ways(check_head);
}

static void check_drain(struct warp_board *board, int64_t step_s)
{
    struct origin *origin = ORIGIN({.deeds = {SILENCE}});
    struct world *world = before(origin, "drain = 300ms\n");
    struct dialogue *dialogue = world_dial(world);

    dialogue_send(dialogue, get);
    (void)origin_request(origin, 0);
    struct instant told = clock_now();
    program_signal(world_program(world), SIGTERM);
    step(board, step_s);
    const struct reply *reply = dialogue_read(dialogue);
    cr_expect_str_eq(reply_member(reply, "reason"), "drain");
    expect_between(span_since(told, clock_now()), 300);
    world_stopped(world);
}

Test(wall_clock, does_not_move_the_end_of_a_drain)
{
    both_ways(check_drain);
}

/* ---- what the wall clock is for --------------------------------------------------------------- */

static double budget_until(const struct world *world, int64_t instant_ms)
{
    char lines[64];
    double ms = -1;

    snprintf(lines, sizeof(lines), "X-Deadline: %" PRId64 "\r\n", instant_ms);
    const struct reply *reply = world_get(world, "/", lines);
    cr_expect_eq(reply->status, 200);
    cr_expect_eq(sscanf(reply_header(reply, "Server-Timing"), "budget;dur=%lf", &ms), 1);
    return ms;
}

/* Judged when it comes, by the clock of that moment. */
static void check_instants(struct warp_board *board, int64_t step_s)
{
    struct world *world = before(origin_answering(ANSWER_OK, 0), "");
    double soon;

    cr_expect_leq(budget_until(world, clock_realtime_ms() + 9000), 9000);
    step(board, step_s);
    cr_expect_eq(budget_until(world, clock_realtime_ms() + 9000), 20000, "an hour away");
    soon = budget_until(world, clock_realtime_ms() + step_s * 1000 + 9000);
    cr_expect_leq(soon, 9000);
    cr_expect_gt(soon, 0);
    world_stop(world);
}

Test(wall_clock, tells_how_far_an_instant_is)
{
    both_ways(check_instants);
}

/* What was judged once is not judged again. */
static void check_judged(struct warp_board *board, int64_t step_s)
{
    struct origin *origin = ORIGIN({.deeds = {SILENCE}});
    struct world *world = before(origin, "");
    struct dialogue *dialogue = world_dial(world);
    char request[100];

    snprintf(request, sizeof(request),
             "GET / HTTP/1.1\r\nHost: h\r\nX-Deadline: %" PRId64 "\r\n\r\n",
             clock_realtime_ms() + 400);
    dialogue_send(dialogue, request);
    (void)origin_request(origin, 0);
    step(board, step_s);
    const struct reply *reply = dialogue_read(dialogue);
    cr_expect_eq(reply->status, 504);
    cr_expect_leq(reply_number(reply, "budget_ms"), 400);
    expect_between(reply->took, (int64_t)reply_number(reply, "budget_ms") - 10);
    world_stop(world);
}

Test(wall_clock, does_not_move_an_instant_that_was_read)
{
    both_ways(check_judged);
}

static void read_stamp(const struct world *world, const char *path, char hour[3])
{
    const char *line;

    cr_assert(LOGS(world, path, "status=200"));
    line = strstr(program_stderr(world_program(world)), path);
    while (strncmp(line, "time=", 5) != 0)
        line--;
    snprintf(hour, 3, "%.2s", line + strlen("time=2026-11-22T"));
}

/* The log and the Date go with it. */
static void check_stamps(struct warp_board *board, int64_t step_s)
{
    struct world *world = before(origin_answering(ANSWER_OK, 0), "");
    char first[3], second[3];

    cr_expect_eq(world_get(world, "/first", "")->status, 200);
    step(board, step_s);
    cr_expect_eq(world_get(world, "/second", "")->status, 200);
    read_stamp(world, " path=/first ", first);
    read_stamp(world, " path=/second ", second);
    cr_expect_str_neq(first, second, "%s, %s", first, second);
    world_stop(world);
}

Test(wall_clock, stands_in_the_log)
{
    both_ways(check_stamps);
}
