/* The test itself takes the sockets of the program. */
#include "proxy/inheritance.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "test/support/address.h"
#include "test/support/world.h"

TestSuite(inheritance, .timeout = 300);

static char address[ADDRESS_ROOM];
static struct conf_address place = {.text = address};

static struct world *before(void)
{
    address_spare(address);
    place.path = address + strlen("unix:");
    return world_start("[proxy]\nlisten = %s, 127.0.0.1:0\nadmin = off\nworkers = 3\n" WORLD_BUDGET
                       "default = 1s\n" WORLD_ROUTE,
                       address, 9u);
}

static struct inheritance *take(const struct world *world)
{
    return inheritance_create(program_pid(world_program(world)), stderr);
}

/* Somebody listens there, and it is us. */
static void expect_ours(int listener)
{
    int client = address_connect(address);

    cr_assert_geq(client, 0);
    int accepted = accept(listener, NULL, NULL);
    cr_expect_geq(accepted, 0);
    close(accepted);
    close(client);
}

Test(inheritance, gives_each_socket_once_and_closes_the_others)
{
    struct world *world = before();
    struct inheritance *inheritance = take(world);
    int *fds, *none;

    cr_assert(inheritance);
    cr_assert_eq(inheritance_claim(inheritance, &place, &fds), 3u);
    cr_assert_eq(inheritance_claim(inheritance, &place, &none), 0u);
    cr_assert_null(none);
    inheritance_destroy(inheritance);
    cr_expect_eq(world_get(world, "/", "")->status, 502, "it goes on");
    for (int i = 0; i < 3; i++)
        close(fds[i]);
    free(fds);
    world_stop(world);
}

Test(inheritance, goes_to_one_at_a_time)
{
    struct world *world = before();
    struct inheritance *first = take(world);
    char *complaint = NULL;
    size_t length;
    FILE *complaints = open_memstream(&complaint, &length);

    cr_assert(first);
    cr_expect_null(inheritance_create(program_pid(world_program(world)), complaints));
    fclose(complaints);
    cr_expect_not_null(strstr(complaint, "is being replaced already"), "%s", complaint);
    free(complaint);
    inheritance_destroy(first);
    struct inheritance *second = NULL;
    for (int i = 0; i < 100 && !second; i++, usleep(10000)) /* until it has noticed */
        second = take(world);
    cr_assert(second);
    inheritance_destroy(second);
    world_stop(world);
}

Test(inheritance, is_not_waited_for_for_ever)
{
    struct world *world = before();
    char *complaint = NULL;
    size_t length;
    FILE *complaints = open_memstream(&complaint, &length);

    program_pause(world_program(world));
    cr_expect_null(inheritance_create(program_pid(world_program(world)), complaints));
    program_signal(world_program(world), SIGCONT);
    fclose(complaints);
    cr_expect_not_null(strstr(complaint, "it does not answer"), "%s", complaint);
    free(complaint);
    cr_expect_eq(world_get(world, "/", "")->status, 502, "it goes on");
    world_stop(world);
}

Test(inheritance, is_kept_when_the_giver_is_stopped_meanwhile)
{
    struct world *world = before();
    struct inheritance *inheritance = take(world);
    int *fds;

    cr_assert(inheritance);
    cr_assert_eq(inheritance_claim(inheritance, &place, &fds), 3u);
    program_signal(world_program(world), SIGTERM);
    cr_expect_eq(program_exit_code(world_program(world), span_s(20)), 0);
    expect_ours(fds[0]);
    inheritance_accept(inheritance);
    inheritance_destroy(inheritance);
    for (int i = 0; i < 3; i++)
        close(fds[i]);
    free(fds);
    unlink(place.path);
    world_stopped(world);
}

Test(inheritance, lets_the_giver_stop_when_it_is_accepted)
{
    struct world *world = before();
    struct inheritance *inheritance = take(world);
    int *fds;

    cr_assert(inheritance);
    cr_assert_eq(inheritance_claim(inheritance, &place, &fds), 3u);
    inheritance_accept(inheritance);
    inheritance_destroy(inheritance);
    cr_expect_eq(program_exit_code(world_program(world), span_s(20)), 0);
    cr_expect_not_null(strstr(program_stderr(world_program(world)), "another process takes over"));
    expect_ours(fds[0]);
    for (int i = 0; i < 3; i++)
        close(fds[i]);
    free(fds);
    unlink(place.path);
    world_stopped(world);
}
