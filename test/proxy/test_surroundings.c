/* What surrounds the program: signals, descriptors and paths that it shares with others. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "test/support/address.h"
#include "test/support/world.h"

TestSuite(surroundings, .timeout = 300);

static const char *const get = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
static char address[ADDRESS_ROOM];

#define ON_UNIX                                                                                \
    "[proxy]\nlisten = %s\nadmin = off\nworkers = 1\ndrain = 300ms\n[budget]\ndefault = 20s\n" \
    "[upstream b]\nurl = http://127.0.0.1:%u\n[route r]\nmatch = /*\nupstream = b\n"

static const struct reply *ask(void)
{
    struct dialogue *dialogue = dialogue_open(address);

    dialogue_send(dialogue, get);
    return dialogue_read(dialogue);
}

/* Waits until somebody listens there, or nobody does. */
static bool comes_to_listen(bool wanted)
{
    for (int i = 0; i < 5000; i++) {
        int fd = address_connect(address);
        if (fd >= 0)
            close(fd);
        if ((fd >= 0) == wanted)
            return true;
        usleep(1000);
    }
    return false;
}

/* Runs on the unix socket, without the world's eyes on its stderr. */
static struct program *run_bare(const struct origin *origin, int stderr_fd)
{
    char path[] = "/tmp/hourglass-test-XXXXXX.ini";
    int fd = mkstemps(path, 4);

    cr_assert_geq(fd, 0);
    address_spare(address);
    dprintf(fd, ON_UNIX, address, origin_port(origin));
    close(fd);
    struct program *program =
        program_start_bare((const char *const[]){"-c", path, NULL}, stderr_fd);
    cr_expect(comes_to_listen(true));
    unlink(path);
    return program;
}

static void end(struct program *program)
{
    program_signal(program, SIGTERM);
    int code = program_exit_code(program, span_s(20));
    cr_expect_eq(code, 0, "exit code %d", code);
    program_destroy(program);
    dialogues_close();
    origins_stop();
}

/* Its last words before it serves have been written: what comes now may not hold it up. */
static void read_until_ready(int fd)
{
    char said[1024] = "";
    size_t count = 0;

    while (strstr(said, "hourglass: ready\n") == NULL) {
        ssize_t got = read(fd, said + count, sizeof(said) - 1 - count);
        cr_assert_gt(got, 0, "it said:\n%s", said);
        count += (size_t)got;
    }
}

/* Takes the last byte that there is room for. */
static void fill(int fd)
{
    char bytes[4096] = "";

    cr_assert_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    for (size_t count = sizeof(bytes); count > 0; count /= 2) {
        while (write(fd, bytes, count) > 0)
            ;
    }
    cr_assert_eq(fcntl(fd, F_SETFL, 0), 0);
}

Test(surroundings, stderr_that_nobody_reads_holds_up_neither_requests_nor_the_end)
{
    struct origin *origin = origin_answering(ANSWER_OK, 0);
    int ends[2];

    cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
    struct program *program = run_bare(origin, ends[1]);
    read_until_ready(ends[0]);
    fill(ends[1]);
    for (int i = 0; i < 20; i++)
        cr_expect_eq(ask()->status, 200);
    usleep(250 * 1000); /* the log comes to write its lines */
    cr_expect_eq(ask()->status, 200);
    end(program);
    close(ends[0]);
    close(ends[1]);
}

/* Sockets would get their numbers, and what is written to stderr would go to whoever is there. */
Test(surroundings, standard_descriptors_may_be_closed)
{
    struct origin *origin = origin_answering(ANSWER_OK, 0);
    struct program *program = run_bare(origin, -1);
    char path[64];
    char target[64] = "";

    for (int fd = 0; fd <= 2; fd++) {
        snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)program_pid(program), fd);
        memset(target, 0, sizeof(target));
        cr_expect_gt(readlink(path, target, sizeof(target) - 1), 0, "%d is closed", fd);
        cr_expect_str_eq(target, "/dev/null", "%d is %s", fd, target);
    }
    cr_expect_eq(ask()->status, 200);
    cr_expect_eq(ask()->status, 200);
    end(program);
}

/* One process takes over from another that still drains. */
Test(surroundings, unix_socket_that_another_process_has_taken_over_stays)
{
    struct origin *origin = ORIGIN({.deeds = {SILENCE}}, {.deeds = {SEND(ANSWER_OK)}});

    address_spare(address);
    struct world *old = world_start(ON_UNIX, address, origin_port(origin));
    struct dialogue *slow = world_dial(old);
    dialogue_send(slow, get);
    (void)origin_request(origin, 0);
    program_signal(world_program(old), SIGTERM);
    cr_assert(comes_to_listen(false));
    struct world *fresh = world_start(ON_UNIX, address, origin_port(origin));
    cr_expect_eq(ask()->status, 200);
    cr_expect_eq(dialogue_read(slow)->status, 504);
    cr_expect_eq(program_exit_code(world_program(old), span_s(20)), 0);
    cr_expect_eq(access(address + strlen("unix:"), F_OK), 0, "the socket is gone");
    cr_expect_eq(ask()->status, 200);
    world_stop(fresh);
    cr_expect_neq(access(address + strlen("unix:"), F_OK), 0, "the socket was left behind");
    world_stopped(old);
}

Test(surroundings, sigquit_lets_requests_under_way_come_to_their_end)
{
    struct origin *origin = origin_answering(ANSWER_OK, 150);
    struct world *world = world_start(WORLD_PATIENT WORLD_ROUTE, origin_port(origin));
    struct dialogue *dialogue = world_dial(world);

    dialogue_send(dialogue, get);
    (void)origin_request(origin, 0);
    program_signal(world_program(world), SIGQUIT);
    const struct reply *reply = dialogue_read(dialogue);
    cr_expect_eq(reply->status, 200);
    cr_expect_str_eq(reply_header(reply, "Connection"), "close");
    world_stopped(world);
}

Test(surroundings, sighup_does_not_end_it)
{
    struct origin *origin = origin_answering(ANSWER_OK, 150);
    struct world *world = world_start(WORLD_PATIENT WORLD_ROUTE, origin_port(origin));
    struct dialogue *dialogue = world_dial(world);

    dialogue_send(dialogue, get);
    (void)origin_request(origin, 0);
    program_signal(world_program(world), SIGHUP);
    const struct reply *reply = dialogue_read(dialogue);
    cr_expect_eq(reply->status, 200);
    cr_expect_str_eq(reply_header(reply, "Connection"), "", "it does not drain");
    cr_expect_eq(world_get(world, "/", "")->status, 200);
    world_stop(world);
}

/* Whoever rotates logs does not know whether the program is still starting, or stopping already. */
Test(surroundings, sigusr1_while_it_stops_does_not_kill_it)
{
    struct world *world =
        world_start(WORLD_PATIENT WORLD_ROUTE, origin_port(origin_answering(ANSWER_OK, 0)));

    program_signal(world_program(world), SIGTERM);
    for (int i = 0; i < 2000; i++) {
        program_signal(world_program(world), i % 2 == 0 ? SIGUSR1 : SIGHUP);
        usleep(500);
    }
    world_stopped(world);
}
