/* /requests of the admin listener, over sockets: what is seen there of requests that were just made. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/json.h"
#include "test/support/json_reader.h"
#include "test/support/world.h"

TestSuite(requests, .timeout = 300);

/* A client may have its answer before the proxy has put the request away. */
static void let_end(const struct world *world)
{
    dialogues_hang_up();
    cr_assert(world_is_at_rest(world));
}

static struct text asked(const struct world *world, const char *query)
{
    struct dialogue *dialogue = dialogue_open(world_admin(world));

    dialogue_send(dialogue, "GET /requests");
    dialogue_send(dialogue, query);
    dialogue_send(dialogue, " HTTP/1.1\r\nHost: localhost\r\n\r\n");
    const struct reply *reply = dialogue_read(dialogue);
    cr_assert_eq(reply->status, 200, "%s", reply->body);
    cr_expect_str_eq(reply_header(reply, "Content-Type"), "application/json");
    cr_expect_str_eq(reply_header(reply, "Cache-Control"), "no-store");
    struct text body = text_of(reply->body);
    cr_assert(json_reader_is_value(json_trimmed(body)), "no JSON: %s", reply->body);
    return body;
}

static void expect_at(struct text document, const char *pointer, const char *expected)
{
    struct text found = json_find(document, text_of(pointer));

    cr_assert_not_null(found.at, "nothing at %s in %s", pointer, document.at);
    cr_expect(text_is(found, text_of(expected)), "%s is %.*s, not %s", pointer, (int)found.count,
              found.at, expected);
}

Test(requests, a_504_that_was_just_made_is_there_with_its_whole_ledger)
{
    struct origin *origin = ORIGIN({.deeds = {SILENCE}});
    struct world *world = world_start(WORLD_PATIENT WORLD_ROUTE, origin_port(origin));

    cr_expect_eq(world_get(world, "/slow?secret=1",
                           "X-Request-Timeout-Ms: 500\r\nX-Request-Id: the-slow-one\r\n")
                     ->status,
                 504);
    let_end(world);
    struct text document = asked(world, "?id=the-slow-one&worst=1");
    expect_at(document, "/kept", "1");
    expect_at(document, "/requests/0/request_id", "\"the-slow-one\"");
    expect_at(document, "/requests/0/path", "\"/slow\"");
    expect_at(document, "/requests/0/status", "504");
    expect_at(document, "/requests/0/reason", "\"call\"");
    expect_at(document, "/requests/0/termination", "\"BH\"");
    expect_at(document, "/requests/0/budget_ms", "500");
    expect_at(document, "/requests/0/calls/0/name", "\"backend\"");
    expect_at(document, "/requests/0/calls/0/upstream", "\"backend\"");
    expect_at(document, "/requests/0/calls/0/outcome", "\"timeout\"");
    expect_at(document, "/requests/0/calls/0/granted_ms", "490");
    world_stop(world);
}

Test(requests, that_were_observed_say_what_would_have_become_of_them)
{
    struct origin *origin =
        ORIGIN({.deeds = {WAIT_MS(150), SEND(ANSWER_OK)}}, {.deeds = {SEND(ANSWER_OK)}});
    struct world *world =
        world_start(WORLD_PATIENT WORLD_ROUTE "mode = observe\n", origin_port(origin));

    cr_expect_eq(world_get(world, "/late", "X-Request-Timeout-Ms: 60\r\n")->status, 200);
    cr_expect_eq(world_get(world, "/well", "")->status, 200);
    let_end(world);
    struct text document = asked(world, "?would=time_out");
    expect_at(document, "/kept", "2");
    expect_at(document, "/requests/0/path", "\"/late\"");
    expect_at(document, "/requests/0/outcome", "\"ok\"");
    expect_at(document, "/requests/0/mode", "\"observe\"");
    expect_at(document, "/requests/0/would", "\"time_out\"");
    expect_at(document, "/requests/0/would_reason", "\"call\"");
    expect_at(document, "/requests/0/would_call", "\"backend\"");
    expect_at(document, "/requests/0/would_cut", "[\"backend\"]");
    cr_expect_null(json_find(document, TEXT("/requests/1")).at);
    document = asked(world, "?would=go_on");
    expect_at(document, "/requests/0/path", "\"/well\"");
    expect_at(document, "/requests/0/would_cut", "[]");
    world_stop(world);
}

Test(requests, say_when_each_of_their_calls_began)
{
    struct origin *origin = origin_answering(ANSWER_OK, 30);
    struct world *world =
        world_start(WORLD_PATIENT "[upstream u]\nurl = http://127.0.0.1:%u\n"
                                  "[route two]\nmatch = /two\nsteps = a, b\n"
                                  "[call two.a]\nupstream = u\nrequest = GET /a\n"
                                  "[call two.b]\nupstream = u\nrequest = GET /b\n",
                    origin_port(origin));

    cr_expect_eq(world_get(world, "/two", "")->status, 200);
    let_end(world);
    struct text document = asked(world, "");
    double first_ms = atof(json_find(document, TEXT("/requests/0/calls/0/begun_ms")).at);
    double second_ms = atof(json_find(document, TEXT("/requests/0/calls/1/begun_ms")).at);
    double elapsed_ms = atof(json_find(document, TEXT("/requests/0/elapsed_ms")).at);
    cr_expect_geq(second_ms, first_ms + 30);
    cr_expect_geq(elapsed_ms, second_ms + 30);
    world_stop(world);
}

Test(requests, are_kept_as_many_as_the_configuration_says_with_the_log_off)
{
    struct world *world =
        world_start("[proxy]\nlisten = 127.0.0.1:0\nadmin = 127.0.0.1:0\nworkers = 1\nlog = off\n"
                    "recent = 3\n" WORLD_BUDGET "default = 20s\n" WORLD_ROUTE,
                    origin_port(origin_answering(ANSWER_OK, 0)));
    char lines[64];

    for (int i = 0; i < 10; i++) {
        snprintf(lines, sizeof lines, "X-Request-Id: n-%d\r\n", i);
        cr_expect_eq(world_get(world, "/", lines)->status, 200);
    }
    let_end(world);
    struct text document = asked(world, "");
    expect_at(document, "/kept", "3");
    expect_at(document, "/requests/0/request_id", "\"n-9\"");
    expect_at(document, "/requests/2/request_id", "\"n-7\"");
    world_stop(world);
}

Test(requests, none_are_kept_when_none_are_wanted)
{
    struct world *world =
        world_start(WORLD_PROXY "recent = 0\n" WORLD_BUDGET "default = 20s\n" WORLD_ROUTE,
                    origin_port(origin_answering(ANSWER_OK, 0)));

    cr_expect_eq(world_get(world, "/", "")->status, 200);
    let_end(world);
    expect_at(asked(world, ""), "/requests", "[]");
    world_stop(world);
}

Test(requests, what_a_client_sends_stays_inside_its_string)
{
    static const char *const paths[] = {"/\"},{\"status\":200,\"x\":\"", "/\\\\\"\\",
                                        "/</script><script>alert(1)", "/caf%C3%A9"};
    struct world *world =
        world_start(WORLD_PATIENT WORLD_ROUTE, origin_port(origin_answering(ANSWER_OK, 0)));
    size_t count = sizeof paths / sizeof paths[0];

    for (size_t i = 0; i < count; i++)
        world_get(world, paths[i], "X-Request-Id: \"},{\\\r\nX-Forwarded-For: \"},{\r\n");
    let_end(world);
    struct text document = asked(world, "");
    expect_at(document, "/kept", "4");
    expect_at(document, "/requests/0/path", "\"/caf%C3%A9\"");
    expect_at(document, "/requests/3/path", "\"/\\\"},{\\\"status\\\":200,\\\"x\\\":\\\"\"");
    for (size_t i = 0; i < document.count; i++)
        cr_assert(document.at[i] == '\n' || (document.at[i] >= ' ' && document.at[i] < 0x7f));
    world_stop(world);
}

Test(requests, are_read_while_others_are_made)
{
    struct world *world =
        world_start(WORLD_PATIENT WORLD_ROUTE, origin_port(origin_answering(ANSWER_OK, 0)));

    for (int i = 0; i < 30; i++) {
        cr_expect_eq(world_get(world, "/", "")->status, 200);
        (void)asked(world, "?limit=1000");
    }
    let_end(world);
    struct text document = asked(world, "?limit=1000");
    double kept = atof(json_find(document, TEXT("/kept")).at);
    double skipped = atof(json_find(document, TEXT("/skipped")).at);
    cr_expect_eq(kept + skipped, 30);
    world_stop(world);
}
