/* The event loop wakes too late now and then, under requests that begin one after the other. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "test/support/warp.h"
#include "test/support/world.h"

TestSuite(late_turns, .timeout = 300);

enum { REQUESTS = 60, BUDGET_MS = 200, LATE_MS = 50 };

/* The number behind a name in a line of the log; -1 when there is none. */
static double number_in(const char *line, const char *name)
{
    const char *at = strstr(line, name);

    return at == NULL || at > line + strcspn(line, "\n") ? -1 : strtod(at + strlen(name), NULL);
}

/* Each request has one line, and what was answered in full was answered in time. */
static void expect_in_time(const struct world *world)
{
    size_t lines = world_count_lines(world);
    const char *line = strstr(program_stderr(world_program(world)), "time=");

    cr_expect_eq(lines, REQUESTS, "%zu lines", lines);
    for (size_t i = 0; i < lines; i++) {
        const char *next = line + strcspn(line, "\n") + 1;
        const char *ok = strstr(line, " outcome=ok ");
        if (ok != NULL && ok < next)
            cr_expect_leq(number_in(line, " elapsed_ms="), BUDGET_MS, "%.*s",
                          (int)(next - line - 1), line);
        line = next;
    }
}

Test(late_turns, of_the_loop_leave_answers_in_time_or_504s)
{
    struct warp_board *board = warp_board_open();
    struct origin *first = origin_answering(ANSWER_OK, 50);
    struct origin *second = origin_answering(ANSWER_OK, 70);
    struct dialogue *dialogues[REQUESTS];
    struct world *world =
        world_start(WORLD_PROXY WORLD_BUDGET "default = %dms\n"
                                             "[upstream first]\nurl = http://127.0.0.1:%u\n"
                                             "retry-budget = 100%%\nhedge-budget = 100%%\n"
                                             "[upstream second]\nurl = http://127.0.0.1:%u\n"
                                             "[route r]\nmatch = /*\nsteps = a, b\n"
                                             "[call r.a]\nupstream = first\nhedge = 30ms\n"
                                             "[call r.b]\nupstream = second\nretries = 1\n"
                                             "attempt = 90ms\n",
                    BUDGET_MS, origin_port(first), origin_port(second));

    atomic_store(&board->late_each, 4);
    atomic_store(&board->late_ms, LATE_MS);
    for (int i = 0; i < REQUESTS; i++) {
        dialogues[i] = world_dial(world);
        dialogue_send(dialogues[i], "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
        usleep(10 * 1000);
    }
    for (int i = 0; i < REQUESTS; i++) {
        const struct reply *reply = dialogue_read(dialogues[i]);
        cr_expect(reply->end == REPLY_COMPLETE || reply->end == REPLY_TRUNCATED);
        cr_expect(reply->status == 200 || reply->status == 504, "%d", reply->status);
    }
    atomic_store(&board->late_ms, 0);
    cr_expect_gt(atomic_load(&board->late), 0);
    expect_in_time(world);
    cr_expect_eq(world_metric_sum(world, "hourglass_requests_in_flight", ""), 0);
    world_stop(world);
    warp_board_close(board);
}
