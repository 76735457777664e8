/* A new process takes the place of one that runs: clients notice nothing. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proxy/handover.h"
#include "test/support/address.h"
#include "test/support/fleet.h"
#include "test/support/world.h"

TestSuite(replacing, .timeout = 600);

enum { ROUNDS = 8 };

static const char *const get = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

#define CONF(workers)                                                                    \
    "[proxy]\nlisten = %s\nadmin = off\nlog = off\nworkers = " workers "\n" WORLD_BUDGET \
    "default = 20s\n" WORLD_ROUTE

/* An address of 127.0.0.1 that was free just now. */
static void spare_port(char address[ADDRESS_ROOM])
{
    unsigned port;

    close(address_listen("127.0.0.1", &port));
    snprintf(address, ADDRESS_ROOM, "127.0.0.1:%u", port);
}

static void expect_nothing_noticed(const struct tally *tally)
{
    cr_expect_eq(tally->lost + tally->cut + tally->late + tally->unwanted + tally->refused, 0, "%s",
                 tally_text(tally));
}

/* A process that plays the upstream; its port in *ret_port. */
static struct world *start_upstream(unsigned *ret_port)
{
    char address[ADDRESS_ROOM];

    spare_port(address);
    *ret_port = (unsigned)atoi(strrchr(address, ':') + 1);
    return world_start("[proxy]\nlisten = 127.0.0.1:0\nadmin = off\nlog = off\nworkers = 1\n"
                       "[budget]\ndefault = 1s\n[stub s]\nlisten = %s\nlatency = 1ms\nbody = ok\n"
                       "[upstream u]\nurl = http://%s\n[route r]\nmatch = /*\nupstream = u\n",
                       address, address);
}

/* Replaces it again and again while clients ask, by processes of other numbers of workers. */
static struct tally replace_under(const char *address, struct fleet_options options)
{
    static const unsigned workers[] = {2, 3, 1};
    unsigned port;
    struct world *upstream = start_upstream(&port);
    struct world *world = world_start(CONF("%u"), address, 1u, port);

    options.address = address;
    struct fleet *fleet = fleet_start(&options);
    for (size_t i = 0; i < ROUNDS; i++) {
        struct world *fresh = world_replace(world, CONF("%u"), address, workers[i % 3], port);
        world_replaced(world);
        world = fresh;
        size_t before = fleet_answered(fleet);
        while (fleet_answered(fleet) < before + 100)
            usleep(1000);
    }
    struct tally tally = fleet_recall(fleet);
    world_stop(world);
    world_stop(upstream);
    return tally;
}

Test(replacing, under_new_connections_refuses_none)
{
    char address[ADDRESS_ROOM];

    spare_port(address);
    struct tally tally = replace_under(address, (struct fleet_options){.openers = 16});
    expect_nothing_noticed(&tally);
}

Test(replacing, under_connections_that_are_kept_loses_no_request)
{
    char address[ADDRESS_ROOM];

    spare_port(address);
    struct tally tally =
        replace_under(address, (struct fleet_options){.keepers = 12, .openers = 4});
    expect_nothing_noticed(&tally);
    cr_expect_eq(tally.raced, 0, "%s", tally_text(&tally));
    cr_expect_geq(tally.turned_off, 12 * ROUNDS, "%s", tally_text(&tally));
}

Test(replacing, on_a_unix_socket_refuses_none_and_leaves_the_file_to_the_last)
{
    char address[ADDRESS_ROOM];

    address_spare(address);
    struct tally tally = replace_under(address, (struct fleet_options){.openers = 16});
    expect_nothing_noticed(&tally);
    cr_expect_neq(access(address + strlen("unix:"), F_OK), 0, "the socket was left behind");
}

/* The calls that the one makes may be answered by the stub of the other, which stops then. */
Test(replacing, takes_over_stubs_and_admin_pages_too)
{
    char addresses[3][ADDRESS_ROOM];
    struct world *world = NULL;
    struct fleet *fleet = NULL;

    for (int i = 0; i < 3; i++)
        spare_port(addresses[i]);
    for (int i = 0; i <= ROUNDS; i++) {
        struct world *fresh =
            world_replace(world,
                          "[proxy]\nlisten = %s\nadmin = %s\nlog = off\nworkers = 2\n" WORLD_BUDGET
                          "default = 20s\n[stub s]\nlisten = %s\nlatency = 2ms\nbody = ok\n"
                          "[upstream u]\nurl = http://%s\n[route r]\nmatch = /*\nupstream = u\n",
                          addresses[0], addresses[1], addresses[2], addresses[2]);
        if (world != NULL)
            world_replaced(world);
        else
            fleet = fleet_start(
                &(struct fleet_options){.address = addresses[0], .keepers = 4, .openers = 8});
        world = fresh;
        size_t before = fleet_answered(fleet);
        while (fleet_answered(fleet) < before + 100)
            usleep(1000);
        cr_expect_geq(world_metric(world, "connections_accepted_total", ""), 1);
    }
    struct tally tally = fleet_recall(fleet);
    expect_nothing_noticed(&tally);
    world_stop(world);
}

Test(replacing, lets_the_old_one_finish_what_it_has_begun)
{
    char address[ADDRESS_ROOM];
    struct origin *slow = origin_answering(ANSWER_OK, 400);

    spare_port(address);
    struct world *old = world_start(CONF("1"), address, origin_port(slow));
    struct dialogue *dialogue = world_dial(old);
    dialogue_send(dialogue, get);
    (void)origin_request(slow, 0);
    struct world *fresh =
        world_replace(old, CONF("1"), address, origin_port(origin_answering(ANSWER_OK, 0)));
    cr_expect_eq(world_get(fresh, "/", "")->status, 200);
    const struct reply *reply = dialogue_read(dialogue);
    cr_expect_eq(reply->status, 200);
    cr_expect_str_eq(reply_header(reply, "Connection"), "close");
    world_replaced(old);
    world_stop(fresh);
}

/* Runs it in the place of `old`, and expects it to end with this code and sentence. */
static void expect_failure(const char *replaced, const char *text, int code, const char *sentence)
{
    char path[] = "/tmp/hourglass-test-XXXXXX.ini";
    int fd = mkstemps(path, 4);

    cr_assert_geq(fd, 0);
    dprintf(fd, "%s", text);
    close(fd);
    struct program *program =
        program_start((const char *const[]){"-c", path, "--replace", replaced, NULL});
    cr_expect_eq(program_exit_code(program, span_s(20)), code);
    cr_expect_not_null(strstr(program_stderr(program), sentence), "%s", program_stderr(program));
    program_destroy(program);
    unlink(path);
}

Test(replacing, that_fails_leaves_the_old_one_as_it_was)
{
    char address[ADDRESS_ROOM], text[1024], pid[16];
    unsigned taken;
    int other = address_listen("127.0.0.1", &taken);
    unsigned port = origin_port(origin_answering(ANSWER_OK, 0));

    address_spare(address);
    struct world *world = world_start(CONF("1"), address, port);
    snprintf(pid, sizeof(pid), "%d", (int)program_pid(world_program(world)));
    expect_failure(pid, "[proxy]\n", 2, ".ini");
    snprintf(text, sizeof(text), CONF("1"), address, port);
    memcpy(strstr(text, "log = off"), "log = /./", 9);
    expect_failure(pid, text, 1, "cannot open the log /./");
    snprintf(text, sizeof(text), CONF("1"), address, port);
    char both[ADDRESS_ROOM * 2];
    snprintf(both, sizeof(both), "%s, 127.0.0.1:%u", address, taken);
    snprintf(text, sizeof(text), CONF("1"), both, port);
    expect_failure(pid, text, 1, "in use");
    struct dialogue *dialogue = world_dial(world);
    dialogue_send(dialogue, get);
    const struct reply *reply = dialogue_read(dialogue);
    cr_expect_eq(reply->status, 200);
    cr_expect_str_eq(reply_header(reply, "Connection"), "", "it does not drain");
    cr_expect_null(strstr(program_stderr(world_program(world)), "takes over"));
    close(other);
    world_stop(world);
}

Test(replacing, what_is_no_hourglass_is_a_sentence_and_1)
{
    char text[1024], pid[16];

    snprintf(text, sizeof(text), CONF("1"), "127.0.0.1:0", 9u);
    snprintf(pid, sizeof(pid), "%d", (int)getpid());
    expect_failure(pid, text, 1, "it is no hourglass, or is stopping already");
    expect_failure("2147483647", text, 1, "cannot replace process 2147483647: No such process");
    expect_failure("x", text, 2, "--replace needs the id of a process, not x");
    expect_failure("0", text, 2, "--replace needs the id of a process, not 0");
}

/* As another user: how many bytes a process gives to whoever calls it to have its sockets. */
static int bytes_given_to_stranger(pid_t pid)
{
    struct sockaddr_un name;
    socklen_t length = handover_name(&name, pid);
    char byte;

    if (setresuid(65534, 65534, 65534) != 0)
        return -2;
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&name, length) != 0)
        return -3;
    return (int)recv(fd, &byte, 1, 0);
}

Test(replacing, sockets_are_given_to_no_other_user)
{
    int status = 0;

    if (geteuid() != 0)
        cr_skip_test("only root can be another user");
    struct world *world =
        world_start(CONF("1"), "127.0.0.1:0", origin_port(origin_answering(ANSWER_OK, 0)));
    pid_t stranger = fork();
    if (stranger == 0)
        _exit(bytes_given_to_stranger(program_pid(world_program(world))) == 0 ? 0 : 1);
    cr_expect_eq(waitpid(stranger, &status, 0), stranger);
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%d", status);
    world_stop(world);
}

static bool is_refused(const char *address)
{
    int fd = address_connect(address);

    if (fd >= 0)
        close(fd);
    return fd < 0;
}

Test(replacing, what_only_the_old_one_listened_on_is_closed)
{
    char kept[ADDRESS_ROOM], port[ADDRESS_ROOM], path[ADDRESS_ROOM], all[3 * ADDRESS_ROOM + 8];
    unsigned upstream = origin_port(origin_answering(ANSWER_OK, 0));

    spare_port(kept);
    spare_port(port);
    address_spare(path);
    snprintf(all, sizeof(all), "%s, %s, %s", kept, port, path);
    struct world *old = world_start(CONF("2"), all, upstream);
    cr_expect(!is_refused(port) && !is_refused(path));
    struct world *world = world_replace(old, CONF("1"), kept, upstream);
    world_replaced(old);
    cr_expect(!is_refused(kept));
    cr_expect(is_refused(port));
    cr_expect(is_refused(path));
    cr_expect_neq(access(path + strlen("unix:"), F_OK), 0, "its file is gone too");
    world_stop(world);
}
