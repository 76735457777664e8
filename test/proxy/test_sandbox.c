/* Under the restrictions of tools/hourglass.service the program starts, serves, and ends. */
#include <criterion/criterion.h>
#include <linux/netlink.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test/support/address.h"
#include "test/support/name_server.h"
#include "test/support/sandbox.h"
#include "test/support/world.h"

/* The leak checker traces its own process, which is not allowed. */
static void set_up(void)
{
    const char *given = getenv("ASAN_OPTIONS");
    char options[512];

    snprintf(options, sizeof(options), "%s:detect_leaks=0", given == NULL ? "" : given);
    setenv("ASAN_OPTIONS", options, 1);
    program_confine(sandbox_enter);
}

TestSuite(sandbox, .init = set_up, .timeout = 300);

static void open_netlink(void)
{
    (void)socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
}

static void become_another(void)
{
    (void)!setuid(65534);
}

static void make_code(void)
{
    (void)mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void leave_namespace(void)
{
    (void)unshare(CLONE_NEWUSER);
}

static void trace_oneself(void)
{
    (void)syscall(SYS_ptrace, 0, 0, 0, 0);
}

Test(sandbox, kills_what_breaks_out_of_it)
{
    static void (*const deeds[])(void) = {open_netlink, become_another, make_code, leave_namespace,
                                          trace_oneself};

    for (size_t i = 0; i < sizeof(deeds) / sizeof(*deeds); i++) {
        int status = 0;
        pid_t child = fork();
        if (child == 0) {
            sandbox_enter();
            deeds[i]();
            _exit(0);
        }
        cr_assert_eq(waitpid(child, &status, 0), child);
        cr_expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS, "deed %zu: %x", i, status);
    }
}

static void write_out(const char *path)
{
    cr_expect_eq(access(path, F_OK), 0, "%s", path);
    unlink(path);
}

Test(sandbox, lets_everything_happen_that_the_program_does)
{
    char folder[] = "/tmp/hourglass-sandbox-XXXXXX";
    char log[100], moved[100], address[ADDRESS_ROOM];
    struct name_server *names = name_server_start(NAME_IS_LOCAL);
    struct origin *origin = ORIGIN({.deeds = {READ_ALL, SEND(ANSWER_OK)}}, {.deeds = {CLOSE}},
                                   {.deeds = {READ_ALL, SEND(ANSWER_OK)}}, {.deeds = {SILENCE}},
                                   {.deeds = {READ_ALL, SEND(ANSWER_OK)}});

    cr_assert(mkdtemp(folder));
    snprintf(log, sizeof(log), "%s/log", folder);
    snprintf(moved, sizeof(moved), "%s/log.1", folder);
    address_spare(address);
    struct world *world = world_start(
        "[proxy]\nlisten = 127.0.0.1:0, %s, %s\nadmin = 127.0.0.1:0\nworkers = 2\nlog = %s\n"
        "resolver = 127.0.0.1:%u\n" WORLD_BUDGET "default = 5s\n[upstream u]\n"
        "url = http://origin.test:%u\n[route r]\nmatch = /*\nsteps = c\n[call r.c]\nupstream = u\n"
        "retries = 1\nhedge = 50ms\n",
        address_has_v6() ? "[::1]:0" : "127.0.0.1:0", address, log, name_server_port(names),
        origin_port(origin));
    const char *const post = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc";

    cr_expect_eq(world_ask(world, post)->status, 200);
    cr_expect_eq(world_get(world, "/", "")->status, 200, "by a retry");
    cr_expect_eq(world_get(world, "/", "")->status, 200, "by a hedge");
    for (size_t n = 1; n < 3; n++) {
        struct dialogue *dialogue = dialogue_open(world_address(world, n));
        dialogue_send(dialogue, post);
        cr_expect_eq(dialogue_read(dialogue)->status, 200);
    }
    cr_expect_eq(world_metric_sum(world, "hourglass_requests_total", "outcome=\"ok\""), 5);
    cr_assert_eq(rename(log, moved), 0);
    program_signal(world_program(world), SIGUSR1);
    usleep(300 * 1000);
    cr_expect_eq(world_get(world, "/", "")->status, 200);
    world_stop(world);
    name_server_stop(names);
    write_out(log);
    write_out(moved);
    rmdir(folder);
}

Test(sandbox, lets_a_configuration_be_checked_and_explained)
{
    static const char *const commands[][6] = {
        {"check", "-c", HOURGLASS_SOURCE "/proxy.ini", NULL},
        {"explain", "-c", HOURGLASS_SOURCE "/proxy.ini", "/order/7", NULL},
    };

    for (size_t i = 0; i < 2; i++) {
        struct program *program = program_start(commands[i]);
        cr_expect_eq(program_exit_code(program, span_s(20)), 0, "%s", program_stderr(program));
        program_destroy(program);
    }
}
