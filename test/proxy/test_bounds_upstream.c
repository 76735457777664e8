/* Calls that wait for a connection to their upstream: not more of them than may. And how much of a
 * head an upstream can make the proxy take. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "test/support/world.h"

TestSuite(bounds_upstream, .timeout = 300);

static const char get[] = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

/* One call at a time, and so many that wait. */
static struct world *narrow(struct origin *origin, int queue, const char *routes)
{
    return world_start(WORLD_PATIENT "[upstream u]\nurl = http://127.0.0.1:%u\nconnections = 1\n"
                                     "queue = %d\n%s",
                       origin_port(origin), queue, routes);
}

static const char sidecar[] = "[route r]\nmatch = /*\nupstream = u\n";

static struct dialogue *ask(const struct world *world)
{
    struct dialogue *dialogue = world_dial(world);

    dialogue_send(dialogue, get);
    return dialogue;
}

static void fill(const struct world *world, struct dialogue **dialogues, int count)
{
    for (int i = 0; i < count; i++)
        dialogues[i] = ask(world);
    cr_assert(
        world_comes_to(world, "hourglass_upstream_queue_length", "upstream=\"u\"", count - 1));
}

Test(bounds_upstream, a_call_too_many_fails_at_once_and_those_that_wait_have_their_turn)
{
    struct origin *origin = origin_answering(ANSWER_OK, 1500);
    struct world *world = narrow(origin, 2, sidecar);
    struct dialogue *dialogues[3];

    fill(world, dialogues, 3);
    (void)origin_request(origin, 0);
    const struct reply *reply = dialogue_read(ask(world));
    cr_expect_eq(reply->status, 503);
    cr_expect_eq(origin_requests(origin), 1, "it was answered while all others still waited");
    cr_expect_str_eq(reply_header(reply, "Retry-After"), "1");
    cr_expect_str_eq(reply_header(reply, "Cache-Control"), "no-store");
    cr_expect(strstr(reply_header(reply, "Proxy-Status"), "error=connection_limit_reached"));
    cr_expect_str_eq(reply_member(reply, "reason"), "overload");
    cr_expect_str_eq(reply_member(reply, "title"), "Service Unavailable");
    for (int i = 0; i < 3; i++)
        cr_expect_eq(dialogue_read(dialogues[i])->status, 200);
    cr_expect_eq(dialogue_read(ask(world))->status, 200);
    cr_expect_eq(world_metric(world, "hourglass_upstream_calls_total", "outcome=\"queue_full\""),
                 1);
    cr_expect_eq(world_metric_sum(world, "hourglass_requests_total", "outcome=\"overload\""), 1);
    cr_expect(LOGS(world, "status=503", "outcome=overload", "reason=overload", "u:queue_full:"));
    world_stop(world);
}

Test(bounds_upstream, where_nobody_may_wait_nobody_does)
{
    struct origin *origin = origin_answering(ANSWER_OK, 500);
    struct world *world = narrow(origin, 0, sidecar);
    struct dialogue *first = ask(world);

    (void)origin_request(origin, 0);
    cr_expect_eq(dialogue_read(ask(world))->status, 503);
    cr_expect_eq(dialogue_read(first)->status, 200);
    cr_expect_eq(dialogue_read(ask(world))->status, 200);
    world_stop(world);
}

Test(bounds_upstream, an_optional_call_that_may_not_wait_leaves_a_gap)
{
    struct origin *origin = origin_answering(ANSWER_OK, 800),
                  *other = origin_answering(ANSWER_OK, 0);
    char routes[400];

    snprintf(routes, sizeof(routes),
             "[upstream v]\nurl = http://127.0.0.1:%u\n"
             "[route both]\nmatch = /both\nsteps = a + b\n[call both.a]\nupstream = u\n"
             "optional = yes\n[call both.b]\nupstream = v\n[route r]\nmatch = /*\nupstream = u\n",
             origin_port(other));
    struct world *world = narrow(origin, 0, routes);
    struct dialogue *first = ask(world);
    (void)origin_request(origin, 0);
    const struct reply *reply = world_get(world, "/both", "");
    cr_expect_eq(reply->status, 200);
    cr_expect_str_eq(reply_header(reply, "X-Budget-Partial"), "a");
    cr_expect_eq(dialogue_read(first)->status, 200);
    world_stop(world);
}

/* 800 heads of 100 bytes that are no answer, then one that is. */
Test(bounds_upstream, interim_responses_have_a_bound_together)
{
    enum { COUNT = 800 };
    static const char interim[] =
        "HTTP/1.1 103 Early\r\nX: 0123456789012345678901234567890123456789"
        "0123456789012345678901234567890\r\n\r\n";
    char *text = malloc(COUNT * sizeof(interim) + sizeof(ANSWER_OK));
    char *at = text;

    for (int i = 0; i < COUNT; i++)
        at += sprintf(at, "%s", interim);
    sprintf(at, ANSWER_OK);
    struct origin *origin = ORIGIN({.deeds = {READ_ALL, SEND(text)}});
    struct world *world = narrow(origin, 0, sidecar);
    cr_expect_eq(world_get(world, "/", "")->status, 502);
    cr_expect_eq(world_metric(world, "hourglass_upstream_calls_total", "outcome=\"invalid\""), 1);
    world_stop(world);
    free(text);
}
