/* Very many requests that are over at the same instant: each of them has its 504, and those beside
 * them are served.
 *
 * HOURGLASS_DEADLINES=10000 tries so many, if the limit of open files is twice that. With
 * --verbose, it says how late the last of them was. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy/clock.h"
#include "test/support/address.h"
#include "test/support/world.h"

TestSuite(many_deadlines, .timeout = 600);

/* Of ten requests nine have a connection to the upstream, and one waits for it. */
enum { COUNT = 1000, COUNT_MAX = 20000 };

/* For how many the limit of open files suffices, here and in the program: two for each. */
static size_t count_possible(void)
{
    struct rlimit limit;

    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    return limit.rlim_cur < 600 ? 0 : (limit.rlim_cur - 400) / 20 * 10;
}

static size_t count_wanted(void)
{
    const char *wanted = getenv("HOURGLASS_DEADLINES");
    size_t count = wanted == NULL ? COUNT : strtoul(wanted, NULL, 10);
    size_t possible = count_possible();

    cr_assert(count >= 10 && count <= COUNT_MAX && possible >= 10, "%zu of %zu", count, possible);
    return count < possible ? count : possible;
}

/* ---- an upstream that takes connections, and nothing else ------------------------------------- */

struct hush {
    int listener;
    unsigned port;
    int stop_pipe[2];
    pthread_t thread;
    int fds[COUNT_MAX];
    size_t count;
};

static void *accept_all(void *arg)
{
    struct hush *hush = arg;
    int fd;

    while (hush->count < COUNT_MAX &&
           (fd = address_accept(hush->listener, hush->stop_pipe[0])) >= 0)
        hush->fds[hush->count++] = fd;
    return NULL;
}

static void hush_start(struct hush *hush)
{
    hush->listener = address_listen("127.0.0.1", &hush->port);
    cr_assert_geq(hush->listener, 0);
    cr_assert_eq(listen(hush->listener, 4096), 0);
    cr_assert_eq(pipe2(hush->stop_pipe, O_CLOEXEC), 0);
    pthread_create(&hush->thread, NULL, accept_all, hush);
}

/* How many connections it had. */
static size_t hush_stop(struct hush *hush)
{
    close(hush->stop_pipe[1]);
    pthread_join(hush->thread, NULL);
    for (size_t i = 0; i < hush->count; i++)
        close(hush->fds[i]);
    close(hush->stop_pipe[0]);
    close(hush->listener);
    return hush->count;
}

/* ---- the requests ----------------------------------------------------------------------------- */

static struct world *before(const struct hush *hush, struct origin *origin, size_t count)
{
    return world_start(WORLD_PROXY
                       "max-connections = %zu\nheader-timeout = 60s\n" WORLD_BUDGET
                       "header = X-Deadline: epoch-ms\ndefault = 20s\nreply = 10ms\n"
                       "[upstream silent]\nurl = http://127.0.0.1:%u\nconnections = %zu\n"
                       "connect = 20s\n[route silent]\nmatch = /silent\nupstream = silent\n"
                       "[upstream ok]\nurl = http://127.0.0.1:%u\n"
                       "[route ok]\nmatch = /ok\nupstream = ok\n",
                       count + 100, hush->port, count * 9 / 10, origin_port(origin));
}

static void ask_all(struct world *world, struct dialogue **dialogues, size_t count, int64_t due_ms)
{
    char request[100];

    snprintf(request, sizeof(request),
             "GET /silent HTTP/1.1\r\nHost: h\r\nX-Deadline: %" PRId64 "\r\n\r\n", due_ms);
    for (size_t i = 0; i < count; i++) {
        dialogues[i] = world_dial(world);
        dialogue_send(dialogues[i], request);
    }
}

static double under_way(const struct world *world)
{
    return world_gauge(world, "queue_length", "\"silent\"") +
           world_gauge(world, "calls_in_flight", "\"silent\"");
}

static void await_all(const struct world *world, size_t count, struct instant due)
{
    while (under_way(world) != (double)count) {
        cr_assert(!instant_reached(due, clock_now()), "this machine is too slow for so many");
        usleep(50 * 1000);
    }
    cr_expect_eq(world_gauge(world, "calls_in_flight", "\"silent\""), (double)(count * 9 / 10));
}

/* How many ms after its time, which is 10 before the end of its budget, the last of them was told.
 * Who is given a place within the last ms, of which no upstream can be told, is refused at once. */
static double read_all(struct dialogue **dialogues, size_t count)
{
    double latest = 0;

    for (size_t i = 0; i < count; i++) {
        const struct reply *reply = dialogue_read(dialogues[i]);
        double late = reply_number(reply, "elapsed_ms") - reply_number(reply, "budget_ms") + 10;

        cr_assert_eq(reply->status, 504, "%zu: %d", i, reply->status);
        cr_assert_eq(reply->end, REPLY_COMPLETE, "%zu", i);
        cr_assert_gt(late, -1.1, "%zu: %g ms early", i, -late);
        latest = late > latest ? late : latest;
        dialogue_close(dialogues[i]);
    }
    return latest;
}

static void expect_all_counted(const struct world *world, size_t count)
{
    double timeouts = world_metric(world, "requests_total{route=\"silent\"", "\"timeout\"");
    double dropped = world_metric(world, "log_lines_dropped_total", "");

    cr_expect_eq(timeouts, (double)count, "%g", timeouts);
    cr_expect_eq((double)world_count_lines(world) + dropped, (double)(count + 2));
    cr_expect(world_is_at_rest(world));
    cr_expect_eq(under_way(world), 0);
}

Test(many_deadlines, at_one_instant_are_all_kept)
{
    static struct hush hush;
    static struct dialogue *dialogues[COUNT_MAX];
    size_t count = count_wanted();
    struct span all = span_ms(3000 + 4 * (int64_t)count);
    struct instant due = instant_after(clock_now(), all);

    hush_start(&hush);
    struct world *world = before(&hush, origin_answering(ANSWER_OK, 0), count);
    ask_all(world, dialogues, count, clock_realtime_ms() + span_floor_ms(all));
    cr_expect_eq(world_get(world, "/ok", "")->status, 200);
    await_all(world, count, due);
    usleep((useconds_t)(span_until(due, clock_now()).ns / NS_PER_US));
    const struct reply *beside = world_get(world, "/ok", "");
    cr_expect_eq(beside->status, 200);
    double latest = read_all(dialogues, count);
    cr_log_info("%zu at one instant: the last 504 was %g ms late, a request beside took %g ms\n",
                count, latest, span_as_ms(beside->took));
    dialogues_close();
    expect_all_counted(world, count);
    world_stop(world);
    cr_expect_geq(hush_stop(&hush), count * 9 / 10);
}
