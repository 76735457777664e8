/* max-memory: what connections and requests hold together. While it is reached nothing new is begun;
 * what is under way goes on with little more; and the moment that it is not, all is as before. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proxy/clock.h"
#include "test/support/world.h"

TestSuite(bounds_memory, .timeout = 300);

enum { KIB = 1024, MIB = 1024 * KIB, FILL = 900000, HOLDERS = 12 };

static const char get[] = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
static char filler[FILL];

static struct world *scarce(const char *routes, struct origin *origin)
{
    return world_start(WORLD_PROXY "max-memory = 1MiB\n" WORLD_BUDGET "default = 20s\n"
                                   "[upstream u]\nurl = http://127.0.0.1:%u\n%s",
                       origin_port(origin), routes);
}

/* Each body is read whole, since two calls get it. */
static const char gathering[] = "[route r]\nmatch = /*\nsteps = a, b\n[call r.a]\nupstream = u\n"
                                "[call r.b]\nupstream = u\n";

static double held(const struct world *world)
{
    return world_metric(world, "hourglass_memory_bytes", " ");
}

static double memory_reached(const struct world *world)
{
    return world_metric(world, "hourglass_limit_reached_total", "limit=\"memory\"");
}

/* Does the proxy come to hold next to nothing? The last 64 KiB are not told. */
static bool comes_to_rest(const struct world *world)
{
    for (int i = 0; i < 50; i++) {
        if (held(world) <= 128 * KIB)
            return true;
        usleep(20 * 1000);
    }
    return false;
}

/* Has the proxy come to hold so much? */
static bool comes_to_hold(const struct world *world, double least)
{
    for (int i = 0; i < 50; i++) {
        if (held(world) >= least)
            return true;
    }
    return false;
}

/* Says that FILL bytes will come, and sends so many. */
static struct dialogue *post(const struct world *world, size_t count)
{
    struct dialogue *dialogue = world_dial(world);
    char head[100];

    memset(filler, 'x', sizeof(filler));
    snprintf(head, sizeof(head), "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n", FILL);
    dialogue_send(dialogue, head);
    dialogue_send_bytes(dialogue, filler, count);
    return dialogue;
}

static void expect_overload(const struct reply *reply)
{
    cr_expect_eq(reply->status, 503);
    cr_expect_eq(reply->end, REPLY_COMPLETE);
    cr_expect_str_eq(reply_header(reply, "Retry-After"), "1");
    cr_expect_eq(reply_number(reply, "status"), 503);
}

Test(bounds_memory, nothing_new_is_begun_while_it_is_reached_and_all_is_well_when_it_is_not)
{
    struct origin *origin = origin_answering(ANSWER_OK, 0);
    struct world *world = scarce(gathering, origin);
    struct dialogue *idle = world_dial(world), *holders[HOLDERS];

    dialogue_send(idle, get);
    cr_assert_eq(dialogue_read(idle)->status, 200);
    holders[0] = post(world, FILL - 1);
    cr_assert(comes_to_hold(world, FILL - 64 * KIB));
    for (int i = 1; i < HOLDERS; i++)
        holders[i] = post(world, 15000);
    cr_assert(comes_to_hold(world, MIB));
    double turned_away = memory_reached(world);
    size_t lines = world_count_lines(world);
    expect_overload(dialogue_read(world_dial(world))); /* a new connection */
    dialogue_send(idle, get);                          /* a new request on an old one */
    const struct reply *reply = dialogue_read(idle);
    expect_overload(reply);
    cr_expect_str_eq(reply_header(reply, "Connection"), "close");
    cr_expect(dialogue_is_closed(idle));
    cr_expect_eq(memory_reached(world), turned_away + 2);
    cr_expect_eq(world_metric(world, "hourglass_memory_max_bytes", ""), MIB);
    cr_expect_eq(world_count_lines(world), lines, "nothing is logged of who was turned away");

    for (int i = 1; i < HOLDERS; i++)
        dialogue_reset(holders[i]);
    for (int i = 0; i < 50 && held(world) >= MIB; i++)
        usleep(20 * 1000);
    cr_expect_eq(world_get(world, "/", "")->status, 200);
    dialogue_send(holders[0], "x"); /* who was there before has not noticed */
    cr_expect_eq(dialogue_read(holders[0])->status, 200);
    world_stop(world);
}

Test(bounds_memory, a_body_that_is_read_whole_is_refused_where_it_would_be_too_much_with_others)
{
    struct origin *origin = origin_answering(ANSWER_OK, 0);
    struct world *world = scarce(gathering, origin);
    struct dialogue *first = post(world, FILL - 1), *second;

    cr_assert(comes_to_hold(world, FILL - 64 * KIB));
    second = post(world, 0);
    (void)dialogue_send_some(second, filler, FILL);
    expect_overload(dialogue_read(second));
    dialogue_send(first, "x");
    cr_expect_eq(dialogue_read(first)->status, 200);
    cr_expect_eq(world_metric_sum(world, "hourglass_requests_total", "outcome=\"overload\""), 1);
    cr_expect_eq(memory_reached(world), 1);
    cr_expect(LOGS(world, "status=503", "outcome=overload"));
    world_stop(world);
}

Test(bounds_memory, answers_that_are_kept_whole_are_given_up_where_they_would_be_too_much)
{
    struct origin *origin =
        ORIGIN({.deeds = {SEND("HTTP/1.1 200 OK\r\nContent-Length: 700002\r\n\r\n\""),
                          FLOOD(700000), SEND("\"")}});
    struct world *world = scarce("[route r]\nmatch = /*\nsteps = a + b\nanswer = merge\n"
                                 "[call r.a]\nupstream = u\n[call r.b]\nupstream = u\n",
                                 origin);
    const struct reply *reply = world_get(world, "/", "");

    expect_overload(reply);
    cr_expect_str_eq(reply_member(reply, "reason"), "overload");
    cr_expect(strstr(reply_header(reply, "Proxy-Status"), "error=proxy_internal_error"));
    cr_expect_eq(world_metric(world, "hourglass_upstream_calls_total", "outcome=\"no_memory\""), 1);
    world_stop(world);
}

/* Each could hold some 400 KiB of a long answer. */
Test(bounds_memory, many_who_do_not_read_their_answers_hold_less_each_where_memory_is_short)
{
    enum { CLIENTS = 24, EACH = 120 * KIB };
    struct origin *origin = ORIGIN(
        {.deeds = {READ_ALL, WAIT_MS(500),
                   SEND("HTTP/1.1 200 OK\r\nContent-Length: 20000000\r\n\r\n"), FLOOD(20000000)}});
    struct world *world = scarce("[route r]\nmatch = /*\nupstream = u\n", origin);
    struct dialogue *clients[CLIENTS];

    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = world_dial(world);
        dialogue_send(clients[i], get);
    }
    cr_assert(comes_to_hold(world, MIB));
    for (double before = 0, now; (now = held(world)) > before; before = now)
        usleep(300 * 1000);
    cr_expect_leq(held(world), MIB + CLIENTS * EACH);
    for (int i = 0; i < CLIENTS; i++)
        dialogue_reset(clients[i]);
    cr_expect(comes_to_rest(world));
    world_stop(world);
}

Test(bounds_memory, what_is_held_back_of_an_answer_goes_out_where_memory_is_short)
{
    struct origin *origin =
        ORIGIN({.deeds = {READ_ALL, SEND("HTTP/1.1 200 OK\r\nContent-Length: 900001\r\n\r\n"),
                          FLOOD(900000), SILENCE}});
    struct world *world =
        scarce("[route r]\nmatch = /*\nupstream = u\nbuffer-first = 1MiB\n", origin);
    struct dialogue *first = world_dial(world), *second = world_dial(world);

    dialogue_send(first, get);
    cr_assert(comes_to_hold(world, 900000));
    dialogue_send(second, get);
    cr_expect(dialogue_awaits(second, "HTTP/1.1 200"));
    dialogue_reset(first);
    dialogue_reset(second);
    world_stop(world);
}

/* A byte in a packet of its own must not cost a block of memory. */
Test(bounds_memory, a_dripping_upstream_does_not_make_the_proxy_hold_more_than_it_sends)
{
    static char drops[2001];
    memset(drops, 'x', sizeof(drops) - 1);
    struct origin *origin =
        ORIGIN({.deeds = {READ_ALL, SEND("HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n"),
                          DRIP(drops, 1), SILENCE}});
    struct world *world =
        scarce("[route r]\nmatch = /*\nupstream = u\nbuffer-first = 64KiB\n", origin);
    struct dialogue *dialogue = world_dial(world);

    dialogue_send(dialogue, get);
    while (origin_sent(origin) < sizeof(drops) - 1)
        usleep(50 * 1000);
    cr_expect_lt(held(world), 128 * KIB);
    dialogue_reset(dialogue);
    world_stop(world);
}
