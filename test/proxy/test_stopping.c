/* SIGTERM: what is in flight is finished in its own time or that of `drain`, nothing new begins,
 * and nothing is left behind. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "test/support/address.h"
#include "test/support/world.h"

TestSuite(stopping, .timeout = 300);

static const char *const get = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

static struct world *before(struct origin *origin, const char *drain)
{
    return world_start(WORLD_PROXY "drain = %s\n" WORLD_BUDGET "default = 20s\n" WORLD_ROUTE, drain,
                       origin_port(origin));
}

static void stop(struct world *world, int signal)
{
    program_signal(world_program(world), signal);
}

/* Waits until its listener is closed. */
static bool listens_no_more(const struct world *world)
{
    for (int i = 0; i < 5000; i++) {
        int fd = address_connect(world_address(world, 0));
        if (fd < 0)
            return true;
        close(fd);
        usleep(1000);
    }
    return false;
}

Test(stopping, slow_request_is_answered_and_its_connection_closed)
{
    struct origin *origin = origin_answering(ANSWER_OK, 300);
    struct world *world = before(origin, "10s");
    struct dialogue *dialogue = world_dial(world);

    dialogue_send(dialogue, get);
    (void)origin_request(origin, 0);
    stop(world, SIGTERM);
    const struct reply *reply = dialogue_read(dialogue);
    cr_expect_eq(reply->status, 200);
    cr_expect_str_eq(reply->body, "ok");
    cr_expect_str_eq(reply_header(reply, "Connection"), "close");
    cr_expect(dialogue_is_closed(dialogue));
    world_stopped(world);
}

Test(stopping, sigint_stops_in_the_same_way)
{
    struct origin *origin = origin_answering(ANSWER_OK, 200);
    struct world *world = before(origin, "10s");
    struct dialogue *dialogue = world_dial(world);

    dialogue_send(dialogue, get);
    (void)origin_request(origin, 0);
    stop(world, SIGINT);
    cr_expect_eq(dialogue_read(dialogue)->status, 200);
    world_stopped(world);
}

Test(stopping, upload_that_has_begun_is_finished)
{
    struct origin *origin = ORIGIN({.deeds = {READ_ALL, SEND(ANSWER_OK)}});
    struct world *world = before(origin, "10s");
    struct dialogue *dialogue = world_dial(world);

    dialogue_send(dialogue, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n\r\nabc");
    (void)origin_request(origin, 0);
    stop(world, SIGTERM);
    cr_expect(listens_no_more(world));
    dialogue_send(dialogue, "def");
    cr_expect_eq(dialogue_read(dialogue)->status, 200);
    cr_expect_str_eq(origin_body(origin, 0)->message.body, "abcdef");
    world_stopped(world);
}

Test(stopping, idle_connections_are_closed_at_once)
{
    struct world *world = before(origin_answering(ANSWER_OK, 0), "10s");
    struct dialogue *used = world_dial(world);
    struct dialogue *fresh = world_dial(world);

    dialogue_send(used, get);
    cr_assert_eq(dialogue_read(used)->status, 200);
    usleep(50 * 1000);
    stop(world, SIGTERM);
    cr_expect(dialogue_is_closed(used));
    cr_expect(dialogue_is_closed(fresh));
    cr_expect_eq(program_exit_code(world_program(world), span_s(8)), 0, "long before drain ends");
    world_stopped(world);
}

Test(stopping, requests_that_outlive_drain_are_told_so)
{
    struct origin *origin = ORIGIN({.deeds = {SILENCE}});
    struct world *world = before(origin, "150ms");
    struct dialogue *dialogue = world_dial(world);

    dialogue_send(dialogue, get);
    (void)origin_request(origin, 0);
    stop(world, SIGTERM);
    const struct reply *reply = dialogue_read(dialogue);
    cr_expect_eq(reply->status, 504);
    cr_expect_str_eq(reply_member(reply, "reason"), "drain");
    cr_expect_geq(reply->took.ns, span_ms(150).ns);
    cr_expect(dialogue_is_closed(dialogue));
    (void)origin_ended(origin, 0);
    cr_expect(LOGS(world, "status=504", "reason=drain"));
    world_stopped(world);
}

Test(stopping, answers_that_outlive_drain_are_cut_visibly)
{
    struct origin *origin =
        ORIGIN({.deeds = {SEND("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"), SILENCE}});
    struct world *world = before(origin, "150ms");
    struct dialogue *dialogue = world_dial(world);

    dialogue_send(dialogue, get);
    cr_assert(dialogue_awaits(dialogue, "abc"));
    stop(world, SIGTERM);
    cr_expect_eq(dialogue_read(dialogue)->end, REPLY_TRUNCATED);
    (void)origin_ended(origin, 0);
    world_stopped(world);
}

Test(stopping, request_keeps_its_own_deadline_when_that_comes_before_the_end_of_drain)
{
    struct origin *origin = ORIGIN({.deeds = {SILENCE}});
    struct world *world = before(origin, "10s");
    struct dialogue *dialogue = world_dial(world);

    dialogue_send(dialogue, "GET / HTTP/1.1\r\nHost: h\r\nX-Request-Timeout-Ms: 500\r\n\r\n");
    (void)origin_request(origin, 0);
    stop(world, SIGTERM);
    const struct reply *reply = dialogue_read(dialogue);
    cr_expect_eq(reply->status, 504);
    cr_expect_str_eq(reply_member(reply, "reason"), "call");
    cr_expect_geq(reply->took.ns, span_ms(490).ns);
    cr_expect_eq(program_exit_code(world_program(world), span_s(8)), 0);
    world_stopped(world);
}

Test(stopping, two_signals_in_a_row_end_it_at_once)
{
    struct origin *origin = ORIGIN({.deeds = {SILENCE}});
    struct world *world = before(origin, "60s");
    struct dialogue *dialogue = world_dial(world);

    dialogue_send(dialogue, get);
    (void)origin_request(origin, 0);
    stop(world, SIGTERM);
    cr_expect(listens_no_more(world));
    stop(world, SIGTERM);
    (void)program_exit_code(world_program(world), span_s(10));
    cr_expect(LOGS(world, "status=504", "reason=drain", "whose=drain"), "%s",
              program_stderr(world_program(world)));
    dialogues_close();
    (void)origin_ended(origin, 0);
    world_stopped(world);
}

Test(stopping, admin_pages_go_on_and_say_that_it_drains)
{
    struct origin *origin = ORIGIN({.deeds = {SILENCE}});
    struct world *world = before(origin, "10s");
    struct dialogue *dialogue = world_dial(world);
    const struct reply *reply = NULL;

    dialogue_send(dialogue, get);
    (void)origin_request(origin, 0);
    struct dialogue *admin = dialogue_open(world_admin(world));
    dialogue_send(admin, "GET /readyz HTTP/1.1\r\nHost: [::1]\r\n\r\n");
    cr_expect_eq(dialogue_read(admin)->status, 200);
    stop(world, SIGTERM);
    cr_expect(listens_no_more(world));
    admin = dialogue_open(world_admin(world));
    dialogue_send(admin, "GET /readyz HTTP/1.1\r\nHost: [::1]\r\n\r\n");
    reply = dialogue_read(admin);
    cr_expect_eq(reply->status, 503, "%d", reply->status);
    dialogue_close(admin);
    dialogue_close(dialogue);
    cr_expect_eq(program_exit_code(world_program(world), span_s(8)), 0, "nothing was in flight");
    world_stopped(world);
}

Test(stopping, stops_cleanly_when_nothing_has_happened)
{
    world_stop(before(origin_answering(ANSWER_OK, 0), "10s"));
}
