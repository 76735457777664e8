/* Calls whose body the proxy has as a whole: nobody is still sending it when their time runs out. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "test/support/world.h"

TestSuite(own_bodies, .timeout = 300);

/* One call `it` with these keys, and whatever calls follow them. */
static struct world *before(struct origin *origin, const char *keys)
{
    return world_start(WORLD_PATIENT "[upstream u]\nurl = http://127.0.0.1:%u\n[route r]\n"
                                     "match = /*\nsteps = it\n[call r.it]\nupstream = u\n%s",
                       origin_port(origin), keys);
}

#define OWN "request = PUT /x\nbody = hello\n"
#define POST "POST / HTTP/1.1\r\nHost: h\r\n"

Test(own_bodies, slow_upstream_is_to_blame_and_not_the_client)
{
    static const struct {
        const char *keys;
        const char *request;
    } cases[] = {
        {OWN "budget = 400ms\n", "GET / HTTP/1.1\r\nHost: h\r\n\r\n"},
        {"budget = 400ms\n", POST "\r\n"},
        {"budget = 400ms\nfallback = call b\n[call r.b]\nupstream = u\nmin = 60s\n",
         POST "Content-Length: 5\r\n\r\nhello"}, /* gathered, as two calls may get it */
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct origin *origin = ORIGIN({.deeds = {READ_ALL, SILENCE}});
        struct world *world = before(origin, cases[i].keys);
        const struct reply *reply = world_ask(world, cases[i].request);

        cr_expect_eq(reply->status, 504, "case %zu", i);
        cr_expect_str_eq(reply_member(reply, "reason"), "call", "case %zu", i);
        cr_expect(LOGS(world, "reason=call", "it:timeout:"), "case %zu", i);
        world_stop(world);
    }
}

Test(own_bodies, timeout_is_tried_again_with_the_same_body)
{
    struct origin *origin =
        ORIGIN({.deeds = {READ_ALL, SILENCE}}, {.deeds = {READ_ALL, SEND(ANSWER_OK)}});
    struct world *world = before(origin, OWN "attempt = 400ms\nretries = 2\nretry-on = timeout\n");

    cr_expect_eq(world_get(world, "/", "")->status, 200);
    cr_expect_str_eq(origin_body(origin, 1)->message.body, "hello");
    cr_expect(LOGS(world, "it:ok:", "attempts=2"));
    world_stop(world);
}

Test(own_bodies, timeout_is_stood_in_for)
{
    struct origin *origin =
        ORIGIN({.deeds = {READ_ALL, SILENCE}}, {.deeds = {READ_ALL, SEND(ANSWER_OK)}});
    struct world *world = before(origin, OWN "budget = 400ms\nfallback = call b\n[call r.b]\n"
                                             "upstream = u\nrequest = GET /b\n");

    cr_expect_eq(world_get(world, "/", "")->status, 200);
    cr_expect(LOGS(world, "it:timeout:", "b:ok:"));
    world_stop(world);
}

Test(own_bodies, limit_of_one_attempt_is_said_to_be_what_cut_it)
{
    struct origin *origin = ORIGIN({.deeds = {SILENCE}});
    struct world *world = before(origin, "budget = 10s\nattempt = 400ms\n");
    const struct reply *reply = world_get(world, "/", "");

    cr_expect_eq(reply->status, 504);
    cr_expect_not_null(strstr(reply_member(reply, "detail"), "limit of one attempt"), "%s",
                       reply_member(reply, "detail"));
    world_stop(world);
}

Test(own_bodies, header_that_comes_out_empty_is_not_sent)
{
    struct origin *origin = origin_answering(ANSWER_OK, 0);
    struct world *world = before(origin, "header = Authorization:\nheader = X-Q: {query.q|}\n");

    world_get(world, "/?q=1", "Authorization: Basic eDp5\r\nX-Q: 2\r\n");
    world_get(world, "/", "Authorization: Basic eDp5\r\nX-Q: 2\r\n");
    for (size_t i = 0; i < 2; i++)
        cr_expect_null(message_header(&origin_request(origin, i)->message, "Authorization", 0));
    cr_expect_str_eq(message_header(&origin_request(origin, 0)->message, "X-Q", 0), "1");
    cr_expect_null(message_header(&origin_request(origin, 1)->message, "X-Q", 0));
    world_stop(world);
}

/* Whoever asks with HEAD has all of the answer with its head, though the upstream was asked with
 * GET and its body takes its time. */
Test(own_bodies, head_is_answered_when_the_head_is_there)
{
    struct origin *origin =
        ORIGIN({.deeds = {SEND("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nbegin"), SILENCE}},
               {.deeds = {SEND(ANSWER_OK)}});
    struct world *world = before(origin, "request = GET /g\nbudget = 800ms\n");
    struct dialogue *dialogue = world_dial(world);

    dialogue_send(dialogue, "HEAD / HTTP/1.1\r\nHost: h\r\n\r\n");
    const struct reply *head = dialogue_read_head(dialogue);
    cr_expect_eq(head->status, 200);
    cr_expect_str_eq(reply_header(head, "Content-Length"), "9");
    dialogue_send(dialogue, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    cr_expect_eq(dialogue_read(dialogue)->status, 200);
    cr_expect(LOGS(world, "method=HEAD", "status=200", "outcome=ok", "bytes_down=0"));
    (void)origin_ended(origin, 0);
    world_stop(world);
}
