/* Many requests that end at one instant: all are answered before the first of their calls is cancelled,
 * and then each is. The program is stopped until all of them are due, so that it finds them together,
 * however busy the machine is. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy/clock.h"
#include "test/support/address.h"
#include "test/support/warp.h"
#include "test/support/world.h"

TestSuite(at_one_instant, .timeout = 300);

enum { COUNT = 200, LATER = 100, ROOM = 1024, CLOSE_LATE_MS = 2000 };

/* ---- the clients, and an upstream that says nothing and looks at them ------------------------- */

static struct scene {
    struct world *world;
    int clients[ROOM];
    atomic_size_t clients_count;
    int listener;
    unsigned port;
    int stop_pipe[2];
    pthread_t thread;
    struct pollfd peers[ROOM]; /* fd < 0: closed by the proxy */
    size_t peers_count;
    atomic_size_t asked; /* requests that have come */
    atomic_size_t closed;
    atomic_size_t open_max;
    size_t answered; /* clients, when the first was closed */
    struct warp_board *board;
} scene;

static size_t count_answered(void)
{
    struct pollfd watched[ROOM];
    size_t count = atomic_load(&scene.clients_count), answered = 0;

    for (size_t i = 0; i < count; i++)
        watched[i] = (struct pollfd){.fd = scene.clients[i], .events = POLLIN};
    poll(watched, count, 0);
    for (size_t i = 0; i < count; i++)
        answered += (watched[i].revents & POLLIN) != 0;
    return answered;
}

/* As long as the proxy is kept from going on: on a busy machine also loopback takes its time. */
static size_t await_answered(void)
{
    size_t answered = count_answered();

    for (int i = 0; i < CLOSE_LATE_MS / 2 && answered < atomic_load(&scene.clients_count); i++) {
        usleep(1000);
        answered = count_answered();
    }
    return answered;
}

static void look_at(struct pollfd *peer)
{
    char bytes[1024];
    ssize_t got;

    while ((got = recv(peer->fd, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0)
        atomic_fetch_add(&scene.asked, got >= 4 && strncmp(bytes, "GET ", 4) == 0);
    if (got < 0 && errno != ECONNRESET)
        return;
    if (atomic_load(&scene.closed) == 0)
        scene.answered = await_answered();
    close(peer->fd);
    peer->fd = -1;
    atomic_fetch_add(&scene.closed, 1);
}

static void look_at_all(void)
{
    for (size_t i = 0; i < scene.peers_count; i++) {
        if (scene.peers[i].fd >= 0)
            look_at(&scene.peers[i]);
    }
}

/* What was closed before this one was opened is seen to be. */
static void accept_peer(void)
{
    int fd = accept4(scene.listener, NULL, NULL, SOCK_CLOEXEC);

    if (fd < 0)
        return;
    cr_assert_lt(scene.peers_count, ROOM);
    look_at_all();
    scene.peers[scene.peers_count++] = (struct pollfd){.fd = fd, .events = POLLIN};
    size_t open = scene.peers_count - atomic_load(&scene.closed);
    if (open > atomic_load(&scene.open_max))
        atomic_store(&scene.open_max, open);
}

static void *play_upstream(void *arg)
{
    struct pollfd watched[ROOM + 2];

    (void)arg;
    for (;;) {
        watched[0] = (struct pollfd){.fd = scene.listener, .events = POLLIN};
        watched[1] = (struct pollfd){.fd = scene.stop_pipe[0]};
        memcpy(watched + 2, scene.peers, scene.peers_count * sizeof(*watched));
        poll(watched, scene.peers_count + 2, -1);
        if (watched[1].revents)
            return NULL;
        look_at_all();
        if (watched[0].revents)
            accept_peer();
    }
}

/* ---- its course ------------------------------------------------------------------------------- */

static void begin(unsigned connections, const char *drain)
{
    scene.listener = address_listen("127.0.0.1", &scene.port);
    cr_assert_geq(scene.listener, 0);
    cr_assert_eq(listen(scene.listener, ROOM), 0);
    cr_assert_eq(fcntl(scene.listener, F_SETFL, O_NONBLOCK), 0);
    cr_assert_eq(pipe2(scene.stop_pipe, O_CLOEXEC), 0);
    pthread_create(&scene.thread, NULL, play_upstream, NULL);
    scene.board = warp_board_open();
    scene.world =
        world_start(WORLD_PROXY "%s" WORLD_BUDGET "header = X-Deadline: epoch-ms\ndefault = 25s\n"
                                "[upstream silent]\nurl = http://127.0.0.1:%u\n"
                                "connections = %u\nconnect = 20s\n"
                                "[route all]\nmatch = /*\nupstream = silent\n",
                    drain, scene.port, connections);
}

static void ask(size_t count, const char *lines)
{
    char request[200];
    int length = snprintf(request, sizeof(request), "GET / HTTP/1.1\r\nHost: h\r\n%s\r\n", lines);

    for (size_t i = 0; i < count; i++) {
        int fd = address_connect(world_address(scene.world, 0));
        cr_assert_geq(fd, 0);
        cr_assert_eq(send(fd, request, (size_t)length, 0), length);
        scene.clients[atomic_load(&scene.clients_count)] = fd;
        atomic_fetch_add(&scene.clients_count, 1);
    }
}

static double metric(const char *name, const char *label)
{
    return world_metric(scene.world, name, label);
}

static void await_metric(const char *name, const char *label, double value)
{
    cr_assert(world_comes_to(scene.world, name, label, value));
}

/* A call that has not been sent yet ends in a way of its own. */
static void await_calls(size_t count)
{
    await_metric("calls_in_flight", "\"silent\"", (double)count);
    for (int i = 0; i < 1000 && atomic_load(&scene.asked) < count; i++)
        usleep(10 * 1000);
    cr_assert_eq(atomic_load(&scene.asked), count);
}

static void await_closed(size_t count)
{
    for (int i = 0; i < 1000 && atomic_load(&scene.closed) < count; i++)
        usleep(10 * 1000);
    cr_expect_eq(atomic_load(&scene.closed), count, "%zu", atomic_load(&scene.closed));
}

static void stop_until(struct instant due)
{
    program_pause(world_program(scene.world));
    cr_assert_not(instant_reached(due, clock_now()), "this machine is too slow");
    usleep((useconds_t)(span_until(due, clock_now()).ns / NS_PER_US) + 50 * 1000);
}

static void go_on(void)
{
    program_signal(world_program(scene.world), SIGCONT);
}

static void expect_answers(size_t first, size_t count, const char *start)
{
    char bytes[64] = "";

    for (size_t i = first; i < first + count; i++) {
        cr_expect_geq(recv(scene.clients[i], bytes, sizeof(bytes) - 1, 0), 12);
        cr_expect_eq(strncmp(bytes, start, strlen(start)), 0, "%zu: %.40s", i, bytes);
    }
}

static void hang_up(void)
{
    size_t count = atomic_load(&scene.clients_count);

    atomic_store(&scene.clients_count, 0);
    for (size_t i = 0; i < count; i++)
        close(scene.clients[i]);
}

static void end(void)
{
    close(scene.stop_pipe[1]);
    pthread_join(scene.thread, NULL);
    for (size_t i = 0; i < scene.peers_count; i++) {
        if (scene.peers[i].fd >= 0)
            close(scene.peers[i].fd);
    }
    close(scene.stop_pipe[0]);
    close(scene.listener);
    warp_board_close(scene.board);
}

/* Requests of which none has an answer, all with the same deadline. */
static struct instant ask_until(int64_t ms, size_t count)
{
    struct instant due = instant_after(clock_now(), span_ms(ms));
    char line[80];

    snprintf(line, sizeof(line), "X-Deadline: %" PRId64 "\r\n", clock_realtime_ms() + ms);
    ask(count, line);
    await_calls(count);
    return due;
}

/* ---- what has to come of it ------------------------------------------------------------------- */

Test(at_one_instant, deadlines_are_answered_before_the_first_call_is_cancelled)
{
    begin(1000, "");
    stop_until(ask_until(6000, COUNT));
    atomic_store(&scene.board->close_late_ms, CLOSE_LATE_MS);
    go_on();
    await_closed(COUNT);
    cr_expect_eq(scene.answered, COUNT, "%zu were answered", scene.answered);
    expect_answers(0, COUNT, "HTTP/1.1 504 ");
    cr_expect_eq(metric("requests_total{route=\"all\"", "\"timeout\""), COUNT);
    hang_up();
    cr_expect(world_is_at_rest(scene.world));
    world_stop(scene.world);
    end();
}

Test(at_one_instant, clients_that_leave_have_their_calls_cancelled)
{
    begin(1000, "");
    ask(COUNT, "");
    await_calls(COUNT);
    program_pause(world_program(scene.world));
    hang_up();
    go_on();
    await_closed(COUNT);
    await_metric("requests_total{route=\"all\"", "\"client_gone\"", COUNT);
    cr_expect(world_is_at_rest(scene.world));
    world_stop(scene.world);
    end();
}

Test(at_one_instant, a_stop_without_time_answers_before_the_first_call_is_cancelled)
{
    begin(1000, "drain = 0s\n");
    ask(COUNT, "");
    await_calls(COUNT);
    atomic_store(&scene.board->close_late_ms, CLOSE_LATE_MS);
    program_signal(world_program(scene.world), SIGTERM);
    await_closed(COUNT);
    cr_expect_eq(scene.answered, COUNT, "%zu were answered", scene.answered);
    expect_answers(0, COUNT, "HTTP/1.1 504 ");
    hang_up();
    world_stopped(scene.world);
    end();
}

/* Those who wait get the places of those that are over, and the upstream sees no connection too many
 * meanwhile. */
Test(at_one_instant, places_are_given_on_and_no_more_connections_are_open_than_may_be)
{
    begin(LATER, "");
    struct instant due = ask_until(6000, LATER);

    ask(LATER, "X-Request-Timeout-Ms: 15000\r\n");
    await_metric("queue_length", "\"silent\"", LATER);
    stop_until(due);
    go_on();
    await_closed(LATER);
    await_metric("calls_in_flight", "\"silent\"", LATER);
    expect_answers(0, LATER, "HTTP/1.1 504 ");
    cr_expect_eq(atomic_load(&scene.open_max), LATER, "%zu", atomic_load(&scene.open_max));
    hang_up();
    await_closed(2 * LATER);
    world_stop(scene.world);
    end();
}
