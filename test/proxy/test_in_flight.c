/* Requests in flight, route by route: each counts from when its route is found, and however it ends
 * it counts no more then. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>

#include "test/support/world.h"

TestSuite(in_flight, .timeout = 300);

#define ASK(path, lines) "GET " path " HTTP/1.1\r\nHost: h\r\n" lines "\r\n"

/* Waits until so many of a route's requests are in flight. */
static bool are_in_flight(const struct world *world, const char *route, double count)
{
    char label[64];

    snprintf(label, sizeof label, "{route=\"%s\"}", route);
    return world_comes_to(world, "hourglass_requests_in_flight", label, count);
}

/* Routes a and b, each with an upstream of its own. keys: of [proxy]. */
static struct world *before(struct origin *a, struct origin *b, const char *keys)
{
    return world_start(WORLD_PROXY "%s" WORLD_BUDGET "default = 20s\n"
                                   "[upstream a]\nurl = http://127.0.0.1:%u\n"
                                   "[upstream b]\nurl = http://127.0.0.1:%u\n"
                                   "[route a]\nmatch = /a/*\nupstream = a\n"
                                   "[route b]\nmatch = /b/*\nupstream = b\n",
                       keys, origin_port(a), origin_port(b));
}

static struct origin *silent(void)
{
    return ORIGIN({.deeds = {SILENCE}});
}

Test(in_flight, is_counted_for_the_route_that_took_the_request)
{
    struct origin *a = silent();
    struct world *world = before(a, silent(), "");
    struct dialogue *one = world_dial(world), *other = world_dial(world);

    cr_expect(are_in_flight(world, "a", 0));
    dialogue_send(one, ASK("/a/1", ""));
    dialogue_send(other, ASK("/a/2", ""));
    cr_expect(are_in_flight(world, "a", 2));
    cr_expect(are_in_flight(world, "b", 0));
    cr_expect(are_in_flight(world, "(none)", 0));
    dialogue_close(one);
    cr_expect(are_in_flight(world, "a", 1), "its client has left");
    dialogue_reset(other);
    cr_expect(are_in_flight(world, "a", 0), "its client has left without a word");
    world_stop(world);
}

Test(in_flight, ends_with_an_answer_and_with_a_504)
{
    struct origin *slow = origin_answering(ANSWER_OK, 1000);
    struct world *world = before(slow, silent(), "");
    struct dialogue *well = world_dial(world), *late = world_dial(world);

    dialogue_send(well, ASK("/a/1", ""));
    dialogue_send(late, ASK("/b/1", "X-Request-Timeout-Ms: 1000\r\n"));
    cr_expect(are_in_flight(world, "a", 1));
    cr_expect_eq(dialogue_read(well)->status, 200);
    cr_expect_eq(dialogue_read(late)->status, 504);
    cr_expect(are_in_flight(world, "a", 0));
    cr_expect(are_in_flight(world, "b", 0));
    world_stop(world);
}

Test(in_flight, ends_with_an_answer_that_is_broken_off)
{
    static const char begun[] = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nbegun";
    struct origin *broken = ORIGIN({.deeds = {SEND(begun), WAIT_MS(1000), CLOSE}});
    struct origin *endless = ORIGIN({.deeds = {SEND(begun), SILENCE}});
    struct world *world = before(broken, endless, "");
    struct dialogue *one = world_dial(world), *other = world_dial(world);

    dialogue_send(one, ASK("/a/1", ""));
    dialogue_send(other, ASK("/b/1", "X-Request-Timeout-Ms: 1000\r\n"));
    cr_expect(are_in_flight(world, "a", 1));
    cr_expect_neq(dialogue_read(one)->end, REPLY_COMPLETE, "its upstream has closed");
    cr_expect_neq(dialogue_read(other)->end, REPLY_COMPLETE, "its time was up");
    cr_expect(are_in_flight(world, "a", 0));
    cr_expect(are_in_flight(world, "b", 0));
    world_stop(world);
}

/* They are taken one by one. */
Test(in_flight, of_pipelined_requests_one_at_a_time)
{
    struct origin *slow = origin_answering(ANSWER_OK, 100);
    struct world *world = before(slow, silent(), "");
    struct dialogue *dialogue = world_dial(world);

    dialogue_send(dialogue, ASK("/a/1", "") ASK("/nowhere", "") ASK("/a/2", "") ASK("/b/3", ""));
    cr_expect_eq(dialogue_read(dialogue)->status, 200);
    cr_expect_eq(dialogue_read(dialogue)->status, 404);
    cr_expect_eq(dialogue_read(dialogue)->status, 200);
    cr_expect(are_in_flight(world, "b", 1), "it is the last");
    cr_expect(are_in_flight(world, "a", 0));
    cr_expect(are_in_flight(world, "(none)", 0));
    dialogue_close(dialogue);
    cr_expect(are_in_flight(world, "b", 0));
    world_stop(world);
}

Test(in_flight, of_no_route_until_it_is_told_so)
{
    struct world *world = before(silent(), silent(), "");

    cr_expect_eq(world_get(world, "/nowhere", "")->status, 404);
    cr_expect_eq(world_ask(world, "TRACE /a/1 HTTP/1.1\r\nHost: h\r\n\r\n")->status, 405);
    cr_expect(are_in_flight(world, "(none)", 0));
    cr_expect(are_in_flight(world, "a", 0));
    cr_expect_eq(world_metric_sum(world, "hourglass_requests_total", "\"(none)\""), 2);
    world_stop(world);
}

Test(in_flight, goes_down_while_the_proxy_drains)
{
    struct world *world = before(silent(), silent(), "drain = 2s\n");
    struct dialogue *first = world_dial(world), *last = world_dial(world);

    dialogue_send(first, ASK("/a/1", "X-Request-Timeout-Ms: 1000\r\n"));
    dialogue_send(last, ASK("/b/1", ""));
    cr_expect(are_in_flight(world, "b", 1));
    program_signal(world_program(world), SIGTERM);
    cr_expect_eq(dialogue_read(first)->status, 504);
    cr_expect(are_in_flight(world, "a", 0));
    cr_expect(are_in_flight(world, "b", 1), "it has until the end of drain");
    cr_expect_eq(dialogue_read(last)->status, 504);
    world_stopped(world);
}
