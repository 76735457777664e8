/* SIGTERM under load: every request is answered, but those that a client sends on an idle connection
 * just when it is closed, which no answer has begun for, so that it may send them again. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "test/support/address.h"
#include "test/support/fleet.h"
#include "test/support/world.h"

TestSuite(draining, .timeout = 600);

enum { ROUNDS = 6 };

static const char *const get = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

static struct world *before(const char *listen, struct origin *origin, const char *drain)
{
    return world_start("[proxy]\nlisten = %s\nadmin = off\nworkers = 2\nlog = off\ndrain = "
                       "%s\n" WORLD_BUDGET "default = 20s\n" WORLD_ROUTE,
                       listen, drain, origin_port(origin));
}

/* Stops it while these clients ask, and says what they have seen. */
static struct tally stop_under(struct world *world, struct fleet_options options)
{
    options.address = world_address(world, 0);
    struct fleet *fleet = fleet_start(&options);
    while (fleet_answered(fleet) < 100)
        usleep(1000);
    program_signal(world_program(world), SIGTERM);
    return fleet_finish(fleet);
}

static void expect_nothing_lost(const struct tally *tally)
{
    cr_expect_eq(tally->lost + tally->cut + tally->late + tally->unwanted, 0, "%s",
                 tally_text(tally));
}

Test(draining, new_connections_are_answered_or_refused)
{
    for (int i = 0; i < ROUNDS; i++) {
        struct world *world = before("127.0.0.1:0", origin_answering(ANSWER_OK, 1), "10s");
        struct tally tally = stop_under(world, (struct fleet_options){.openers = 16});
        expect_nothing_lost(&tally);
        world_stopped(world);
    }
}

Test(draining, new_connections_to_a_unix_socket_are_answered_or_refused)
{
    for (int i = 0; i < ROUNDS; i++) {
        char address[ADDRESS_ROOM];
        address_spare(address);
        struct world *world = before(address, origin_answering(ANSWER_OK, 1), "10s");
        struct tally tally = stop_under(world, (struct fleet_options){.openers = 16});
        expect_nothing_lost(&tally);
        world_stopped(world);
    }
}

Test(draining, busy_connections_are_told_that_they_close)
{
    for (int i = 0; i < ROUNDS; i++) {
        struct world *world = before("127.0.0.1:0", origin_answering(ANSWER_OK, 1), "10s");
        struct tally tally = stop_under(world, (struct fleet_options){.keepers = 16});
        expect_nothing_lost(&tally);
        cr_expect_eq(tally.raced, 0, "%s", tally_text(&tally));
        cr_expect_geq(tally.turned_off, 16, "%s", tally_text(&tally));
        world_stopped(world);
    }
}

/* They pause for longer than idle connections are kept: some may send just when theirs is closed. */
Test(draining, idle_connections_lose_no_request_that_was_read)
{
    for (int i = 0; i < ROUNDS / 2; i++) {
        struct world *world = before("127.0.0.1:0", origin_answering(ANSWER_OK, 1), "10s");
        struct tally tally = stop_under(
            world, (struct fleet_options){.keepers = 24, .openers = 8, .pause_us = 600 * 1000});
        expect_nothing_lost(&tally);
        cr_expect_leq(tally.raced, 24, "%s", tally_text(&tally));
        world_stopped(world);
    }
}

Test(draining, a_request_that_waits_in_the_socket_of_an_idle_connection_is_answered)
{
    struct world *world = before("127.0.0.1:0", origin_answering(ANSWER_OK, 0), "10s");
    struct dialogue *dialogue = world_dial(world);

    dialogue_send(dialogue, get);
    cr_assert_eq(dialogue_read(dialogue)->status, 200);
    /* While it is stopped, both come: which it hears of first is chance. */
    program_pause(world_program(world));
    program_signal(world_program(world), SIGTERM);
    dialogue_send(dialogue, get);
    program_signal(world_program(world), SIGCONT);
    cr_expect_eq(dialogue_read(dialogue)->status, 200);
    cr_expect(dialogue_is_closed(dialogue));
    world_stopped(world);
}

Test(draining, connections_that_wait_in_the_queue_are_answered)
{
    enum { COUNT = 50 };
    struct world *world = before("127.0.0.1:0", origin_answering(ANSWER_OK, 0), "10s");
    struct dialogue *dialogues[COUNT];

    program_pause(world_program(world));
    program_signal(world_program(world), SIGTERM);
    for (int i = 0; i < COUNT; i++) {
        dialogues[i] = world_dial(world);
        dialogue_send(dialogues[i], get);
    }
    program_signal(world_program(world), SIGCONT);
    for (int i = 0; i < COUNT; i++)
        cr_expect_eq(dialogue_read(dialogues[i])->status, 200);
    world_stopped(world);
}

/* A worker may then find both orders at once: to drain, and to end what is under way. */
Test(draining, connections_that_wait_in_the_queue_are_told_where_there_is_no_time_to_drain)
{
    for (int i = 0; i < ROUNDS; i++) {
        struct world *world = before("127.0.0.1:0", origin_answering(ANSWER_OK, 0), "0s");
        program_pause(world_program(world));
        program_signal(world_program(world), SIGTERM);
        struct dialogue *dialogue = world_dial(world);
        dialogue_send(dialogue, get);
        program_signal(world_program(world), SIGCONT);
        int status = dialogue_read(dialogue)->status;
        cr_expect(status == 200 || status == 504, "%d", status);
        world_stopped(world);
    }
}

Test(draining, a_request_that_comes_soon_after_the_signal_is_answered)
{
    struct world *world = before("127.0.0.1:0", origin_answering(ANSWER_OK, 0), "10s");
    struct dialogue *dialogue = world_dial(world);

    usleep(50 * 1000);
    program_signal(world_program(world), SIGTERM);
    cr_assert(program_says(world_program(world), "hourglass: draining\n"));
    dialogue_send(dialogue, get);
    const struct reply *reply = dialogue_read(dialogue);
    cr_expect_eq(reply->status, 200);
    cr_expect_str_eq(reply_header(reply, "Connection"), "close");
    cr_expect(dialogue_is_closed(dialogue));
    world_stopped(world);
}

Test(draining, a_request_that_has_not_come_whole_at_the_end_of_drain_is_told_so)
{
    struct world *world = before("127.0.0.1:0", origin_answering(ANSWER_OK, 0), "150ms");
    struct dialogue *dialogue = world_dial(world);

    dialogue_send(dialogue, "GET / HTT");
    usleep(50 * 1000);
    program_signal(world_program(world), SIGTERM);
    cr_expect_eq(dialogue_read(dialogue)->status, 408);
    cr_expect(dialogue_is_closed(dialogue));
    world_stopped(world);
}

/* A close would answer the second request with a reset, which may overtake the first one's answer. */
Test(draining, what_is_sent_behind_the_last_request_does_not_destroy_its_answer)
{
    struct world *world = before("127.0.0.1:0", origin_answering(ANSWER_OK, 150), "10s");
    struct dialogue *dialogue = world_dial(world);

    dialogue_send(dialogue, get);
    usleep(50 * 1000);
    program_signal(world_program(world), SIGTERM);
    cr_assert(dialogue_awaits(dialogue, "ok"));
    dialogue_send(dialogue, get);
    usleep(50 * 1000);
    dialogue_send(dialogue, get);
    cr_expect_eq(dialogue_read(dialogue)->status, 200);
    cr_expect_eq(dialogue_read(dialogue)->end, REPLY_NONE, "an orderly end, and no reset");
    world_stopped(world);
}
