/* Where trying again ends: the clock, the count, the share of an upstream, the reply that has
 * begun, the client that has left. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proxy/clock.h"
#include "test/support/world.h"

TestSuite(retries_limits, .timeout = 300);

#define SAD "HTTP/1.1 503 Sad\r\nContent-Length: 3\r\n\r\nsad"
/* Its connection ends with it, so that a test knows when it has been taken note of. */
#define RETRY_AFTER(value)                           \
    "HTTP/1.1 503 Sad\r\nRetry-After: " value "\r\n" \
    "Connection: close\r\nContent-Length: 3\r\n\r\nsad"
#define OK_AFTERWARDS                \
    {                                \
        .deeds = { SEND(ANSWER_OK) } \
    }
#define CALL "[route r]\nmatch = /*\nsteps = flaky\n[call r.flaky]\nupstream = flaky\n"

static struct world *before(struct origin *origin, const char *keys)
{
    return world_start(WORLD_PATIENT "[upstream flaky]\nurl = http://127.0.0.1:%u\n"
                                     "retry-budget = 100%%\n" CALL "%s",
                       origin_port(origin), keys);
}

static int told(struct origin *origin, size_t n)
{
    const char *value =
        message_header(&origin_request(origin, n)->message, "X-Request-Timeout-Ms", 0);

    cr_assert_not_null(value, "the origin was told nothing");
    return atoi(value);
}

/* ---- the clock -------------------------------------------------------------------------------- */

Test(retries_limits, attempt_that_hangs_is_cut_at_its_cap_and_the_second_answers)
{
    struct origin *origin = ORIGIN({.deeds = {SILENCE}}, OK_AFTERWARDS);
    struct world *world = before(origin, "retries = 1\nattempt = 100ms\n");
    const struct reply *reply = world_get(world, "/", "");

    cr_expect_eq(reply->status, 200);
    cr_expect_geq(reply->took.ns, span_ms(100).ns);
    cr_expect_leq(told(origin, 0), 100, "it has no more than one attempt");
    cr_expect(LOGS(world, "flaky:ok:", "attempts=2"));
    (void)origin_ended(origin, 0);
    world_stop(world);
}

Test(retries_limits, answer_is_used_as_it_is_when_there_is_no_time_for_another)
{
    struct origin *origin = ORIGIN({.deeds = {WAIT_MS(100), SEND(SAD)}}, OK_AFTERWARDS);
    struct world *world = before(origin, "retries = 3\nbudget = 2s\nmin = 1950ms\n");
    const struct reply *reply = world_get(world, "/", "");

    cr_expect_eq(reply->status, 503);
    cr_expect_str_eq(reply->body, "sad");
    cr_expect_eq(origin_requests(origin), 1);
    world_stop(world);
}

Test(retries_limits, attempts_and_waits_together_stay_inside_the_grant)
{
    struct origin *origin = ORIGIN({.deeds = {SILENCE}});
    struct world *world = before(origin, "retries = 10\nattempt = 60ms\nbudget = 300ms\n");
    const struct reply *reply = world_get(world, "/", "");

    cr_expect_eq(reply->status, 504);
    cr_expect_str_eq(reply_member(reply, "call"), "flaky");
    /* What is left after the last attempt may be too little for another. */
    cr_expect_geq(reply->took.ns, span_ms(180).ns);
    cr_expect_lt(reply->took.ns, span_ms(5000).ns);
    cr_expect_geq(origin_requests(origin), 2);
    cr_expect_leq(origin_requests(origin), 5, "five times 60 ms are the grant");
    cr_expect(LOGS(world, "status=504", "calls=\"flaky:", "attempts="));
    for (size_t i = 0; i < origin_requests(origin); i++)
        (void)origin_ended(origin, i);
    world_stop(world);
}

Test(retries_limits, failing_fast_without_end_stays_inside_the_grant)
{
    struct origin *origin = ORIGIN({.deeds = {READ_ALL, CLOSE}});
    struct world *world = before(origin, "retries = 10\nbackoff = 100ms\nbudget = 400ms\n");
    const struct reply *reply = world_get(world, "/", "");

    cr_expect_eq(reply->status, 502, "what it failed of in the end: %d", reply->status);
    cr_expect_lt(reply->took.ns, span_ms(5000).ns);
    cr_expect_lt(span_since(origin_request(origin, 0)->at,
                            origin_request(origin, origin_requests(origin) - 1)->at)
                     .ns,
                 span_ms(5000).ns);
    world_stop(world);
}

/* ---- Retry-After ------------------------------------------------------------------------------ */

Test(retries_limits, retry_after_within_the_grant_is_waited_for)
{
    struct origin *origin = ORIGIN({.deeds = {SEND(RETRY_AFTER("1"))}}, OK_AFTERWARDS);
    struct world *world = before(origin, "retries = 1\n");
    const struct reply *reply = world_get(world, "/", "");

    cr_expect_eq(reply->status, 200);
    cr_expect_geq(span_since(origin_request(origin, 0)->at, origin_request(origin, 1)->at).ns,
                  span_ms(1000).ns);
    cr_expect_leq(told(origin, 1), told(origin, 0) - 1000);
    world_stop(world);
}

Test(retries_limits, retry_after_of_nothing_does_not_stand_in_the_way)
{
    struct origin *origin = ORIGIN({.deeds = {SEND(RETRY_AFTER("0"))}},
                                   {.deeds = {SEND(RETRY_AFTER("soon"))}}, OK_AFTERWARDS);
    struct world *world = before(origin, "retries = 2\n");

    cr_expect_eq(world_get(world, "/", "")->status, 200);
    cr_expect_eq(origin_requests(origin), 3);
    world_stop(world);
}

Test(retries_limits, retry_after_beyond_the_grant_is_not_waited_for)
{
    static const char *const answers[] = {RETRY_AFTER("3600"), RETRY_AFTER("99999999999999999999"),
                                          RETRY_AFTER("Fri, 31 Dec 2260 23:59:59 GMT")};

    for (size_t i = 0; i < sizeof(answers) / sizeof(*answers); i++) {
        struct origin *origin = ORIGIN({.deeds = {SEND(answers[i])}}, OK_AFTERWARDS);
        struct world *world = before(origin, "retries = 3\n");
        const struct reply *reply = world_get(world, "/", "");
        cr_expect_eq(reply->status, 503, "%s", answers[i]);
        cr_expect_str_eq(reply->body, "sad");
        cr_expect_str_neq(reply_header(reply, "Retry-After"), "");
        cr_expect_lt(reply->took.ns, span_s(10).ns);
        cr_expect_eq(origin_requests(origin), 1);
        world_stop(world);
    }
}

/* ---- a child that ran out of time ------------------------------------------------------------- */

#define RAN_OUT "HTTP/1.1 504 Late\r\nContent-Length: 4\r\n\r\nlate"

Test(retries_limits, child_that_had_all_the_time_and_ran_out_is_not_asked_again)
{
    struct origin *origin = ORIGIN({.deeds = {SEND(RAN_OUT)}}, OK_AFTERWARDS);
    struct world *world = before(origin, "retries = 3\n");
    const struct reply *reply = world_get(world, "/", "");

    cr_expect_eq(reply->status, 504);
    cr_expect_str_eq(reply->body, "late");
    cr_expect_eq(origin_requests(origin), 1);
    world_stop(world);
}

Test(retries_limits, child_that_had_a_part_of_the_time_is_asked_again)
{
    struct origin *origin = ORIGIN({.deeds = {SEND(RAN_OUT)}}, OK_AFTERWARDS);
    struct world *world = before(origin, "retries = 3\nattempt = 5s\n");

    cr_expect_eq(world_get(world, "/", "")->status, 200);
    cr_expect_eq(origin_requests(origin), 2);
    world_stop(world);
}

/* ---- how often -------------------------------------------------------------------------------- */

Test(retries_limits, there_are_never_more_than_configured)
{
    for (unsigned retries = 0; retries < 4; retries++) {
        struct origin *origin = ORIGIN({.deeds = {READ_ALL, SEND(SAD)}});
        char keys[40];
        snprintf(keys, sizeof(keys), "retries = %u\nbackoff = 1ms\n", retries);
        struct world *world = before(origin, keys);
        const struct reply *reply = world_get(world, "/", "");
        cr_expect_eq(reply->status, 503);
        cr_expect_str_eq(reply->body, "sad");
        cr_expect_eq(origin_requests(origin), 1 + retries);
        world_stop(world);
    }
}

Test(retries_limits, nothing_is_tried_again_unless_it_is_asked_for)
{
    struct origin *origin = ORIGIN({.deeds = {READ_ALL, SEND(SAD)}}, OK_AFTERWARDS);
    struct world *world = before(origin, "");

    cr_expect_eq(world_get(world, "/", "")->status, 503);
    cr_expect_eq(origin_requests(origin), 1);
    world_stop(world);
}

enum { CALLS = 200 };

/* A fifth of the calls, and ten for those that are few. */
Test(retries_limits, upstream_that_always_fails_is_sent_few_more_requests_than_calls)
{
    struct origin *origin = ORIGIN({.deeds = {READ_ALL, SEND(SAD)}});
    struct world *world =
        world_start(WORLD_PATIENT "[upstream flaky]\nurl = http://127.0.0.1:%u\n" CALL
                                  "retries = 5\nbackoff = 1ms\n",
                    origin_port(origin));
    struct dialogue *dialogue = world_dial(world);

    for (int i = 0; i < CALLS; i++) {
        dialogue_send(dialogue, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
        cr_assert_eq(dialogue_read(dialogue)->status, 503);
    }
    cr_expect_leq(origin_requests(origin), CALLS + CALLS / 5 + 10);
    cr_expect_geq(origin_requests(origin), CALLS + CALLS / 5 - 10);
    world_stop(world);
}

Test(retries_limits, retry_budget_of_nothing_allows_none)
{
    struct origin *origin = ORIGIN({.deeds = {READ_ALL, SEND(SAD)}});
    struct world *world = world_start(WORLD_PATIENT "[upstream flaky]\nurl = http://127.0.0.1:%u\n"
                                                    "retry-budget = 0%%\n" CALL "retries = 5\n",
                                      origin_port(origin));

    cr_expect_eq(world_get(world, "/", "")->status, 503);
    cr_expect_eq(origin_requests(origin), 1);
    world_stop(world);
}

/* ---- what is under way ------------------------------------------------------------------------ */

Test(retries_limits, reply_that_has_begun_is_not_begun_again)
{
    static const struct script ends[] = {
        {.deeds = {SEND("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc"), WAIT_MS(20), CLOSE}},
        {.deeds = {SEND("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"),
                   WAIT_MS(20), RESET}},
        {.deeds = {SEND("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc"), SILENCE}},
    };

    for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
        struct origin *origin = ORIGIN(ends[i], OK_AFTERWARDS);
        struct world *world = before(origin, "retries = 3\nattempt = 200ms\n");
        const struct reply *reply = world_get(world, "/", "");
        cr_expect_eq(reply->status, 200);
        cr_expect_str_eq(reply->body, "abc");
        cr_expect(reply->end == REPLY_TRUNCATED || reply->end == REPLY_RESET, "%d", reply->end);
        cr_expect_eq(origin_requests(origin), 1);
        world_stop(world);
    }
}

/* The client has seen nothing of a call that others read; it may be made again to its last byte. */
Test(retries_limits, call_that_only_a_template_reads_is_made_again_when_its_body_breaks)
{
    struct origin *user = ORIGIN(
        {.deeds = {SEND("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n{\"u"), WAIT_MS(20), CLOSE}},
        {.deeds = {SEND("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n{\"u\":1}")}});
    struct origin *answer = origin_answering(ANSWER_OK, 0);
    struct world *world = world_start(
        WORLD_PATIENT "[upstream user]\nurl = http://127.0.0.1:%u\n"
                      "[upstream answer]\nurl = http://127.0.0.1:%u\n"
                      "[route r]\nmatch = /*\nsteps = user, answer\n"
                      "[call r.user]\nupstream = user\nrequest = GET /u\nretries = 1\n"
                      "[call r.answer]\nupstream = answer\nheader = X-U: {user.body/u}\n",
        origin_port(user), origin_port(answer));

    cr_expect_eq(world_get(world, "/", "")->status, 200);
    cr_expect_eq(origin_requests(user), 2);
    world_stop(world);
}

Test(retries_limits, client_that_leaves_during_the_wait_ends_it)
{
    struct origin *origin = ORIGIN({.deeds = {SEND(RETRY_AFTER("1"))}}, OK_AFTERWARDS);
    struct world *world = before(origin, "retries = 3\n");
    struct dialogue *dialogue = world_dial(world);

    dialogue_send(dialogue, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    (void)origin_ended(origin, 0);
    dialogue_reset(dialogue);
    cr_expect(LOGS(world, "status=499", "flaky:cancelled"));
    usleep(1500000);
    cr_expect_eq(origin_requests(origin), 1);
    cr_expect_eq(origin_connections(origin), 1);
    world_stop(world);
}

/* The wait is longer than drain. */
Test(retries_limits, stopping_does_not_wait_for_a_retry)
{
    struct origin *origin = ORIGIN({.deeds = {SEND(RETRY_AFTER("9"))}}, OK_AFTERWARDS);
    struct world *world =
        world_start(WORLD_PROXY "drain = 200ms\n" WORLD_BUDGET "default = 20s\n[upstream flaky]\n"
                                "url = http://127.0.0.1:%u\n" CALL "retries = 1\n",
                    origin_port(origin));
    struct dialogue *dialogue = world_dial(world);

    dialogue_send(dialogue, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    (void)origin_ended(origin, 0);
    program_signal(world_program(world), SIGTERM);
    const struct reply *reply = dialogue_read(dialogue);
    cr_expect_eq(reply->status, 504);
    cr_expect_str_eq(reply_member(reply, "reason"), "drain");
    world_stopped(world);
}

/* The place that an attempt had is free for others while its call waits. */
Test(retries_limits, wait_holds_no_place_at_the_upstream)
{
    struct origin *origin = ORIGIN({.deeds = {SEND(RETRY_AFTER("1"))}}, OK_AFTERWARDS);
    struct world *world = world_start(WORLD_PATIENT "[upstream flaky]\nurl = http://127.0.0.1:%u\n"
                                                    "connections = 1\n" CALL "retries = 1\n",
                                      origin_port(origin));
    struct dialogue *first = world_dial(world);

    dialogue_send(first, "GET /1 HTTP/1.1\r\nHost: h\r\n\r\n");
    (void)origin_ended(origin, 0);
    cr_expect_eq(world_get(world, "/2", "")->status, 200);
    cr_expect_eq(dialogue_read(first)->status, 200);
    cr_expect_str_eq(origin_request(origin, 1)->message.start, "GET /2 HTTP/1.1");
    cr_expect_str_eq(origin_request(origin, 2)->message.start, "GET /1 HTTP/1.1");
    world_stop(world);
}
