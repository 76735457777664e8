/* What is tried again, and how it looks to the upstream and to the client. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proxy/clock.h"
#include "test/support/address.h"
#include "test/support/world.h"

TestSuite(retries, .timeout = 300);

#define SAD "HTTP/1.1 503 Sad\r\nContent-Length: 3\r\nX-Sad: yes\r\n\r\nsad"
#define FAILS_ONCE ORIGIN({.deeds = {READ_ALL, SEND(SAD)}}, {.deeds = {READ_ALL, SEND(ANSWER_OK)}})
#define CALL "[route r]\nmatch = /*\nsteps = flaky\n[call r.flaky]\nupstream = flaky\nretries = 1\n"

enum { REPLAY_MOST = 65536 };

static struct world *before(struct origin *origin, const char *keys)
{
    return world_start(WORLD_PATIENT "[upstream flaky]\nurl = http://127.0.0.1:%u\n"
                                     "retry-budget = 100%%\n" CALL "%s",
                       origin_port(origin), keys);
}

static const char *sent(struct origin *origin, size_t n, const char *name)
{
    const char *value = message_header(&origin_request(origin, n)->message, name, 0);

    return value != NULL ? value : "";
}

Test(retries, second_attempt_answers_and_the_first_leaves_no_trace_in_the_reply)
{
    struct origin *origin = FAILS_ONCE;
    struct world *world = before(origin, "");
    const struct reply *reply = world_get(world, "/x?y=1", "X-Mine: 1\r\n");

    cr_expect_eq(reply->status, 200);
    cr_expect_str_eq(reply->body, "ok");
    cr_expect_null(message_header(&reply->message, "X-Sad", 0));
    cr_expect_eq(origin_requests(origin), 2);
    cr_expect_str_eq(origin_request(origin, 1)->message.start,
                     origin_request(origin, 0)->message.start);
    cr_expect_str_eq(sent(origin, 1, "X-Mine"), "1");
    cr_expect_str_eq(sent(origin, 1, "X-Request-Id"), sent(origin, 0, "X-Request-Id"));
    cr_expect(LOGS(world, "status=200", "flaky:ok:", "attempts=2"));
    world_stop(world);
}

Test(retries, each_attempt_is_told_what_is_left_then)
{
    struct origin *origin =
        ORIGIN({.deeds = {WAIT_MS(40), SEND(SAD)}}, {.deeds = {WAIT_MS(40), SEND(SAD)}},
               {.deeds = {SEND(ANSWER_OK)}});
    struct world *world = before(origin, "budget = 5s\n[route q]\nmatch = /q\nsteps = two\n"
                                         "[call q.two]\nupstream = flaky\nretries = 2\n"
                                         "budget = 5s\n");

    cr_expect_eq(world_get(world, "/q", "")->status, 200);
    int first = atoi(sent(origin, 0, "X-Request-Timeout-Ms"));
    int second = atoi(sent(origin, 1, "X-Request-Timeout-Ms"));
    int third = atoi(sent(origin, 2, "X-Request-Timeout-Ms"));
    cr_expect_leq(first, 5000);
    cr_expect_leq(second, first - 40);
    cr_expect_leq(third, second - 40);
    cr_expect_gt(third, 0);
    world_stop(world);
}

struct method {
    const char *name;
    bool has_body;
    bool is_safe;
};

static const struct method methods[] = {
    {"GET", false, true},   {"OPTIONS", false, true}, {"DELETE", false, true},
    {"PUT", true, true},    {"POST", true, false},    {"PATCH", true, false},
    {"POST", false, false}, {"LOCK", false, false},
};
enum { METHODS = sizeof(methods) / sizeof(*methods) };

static const struct reply *ask_with(struct world *world, const struct method *method)
{
    char request[200];

    snprintf(request, sizeof(request), "%s /x HTTP/1.1\r\nHost: h\r\n%s", method->name,
             method->has_body ? "Content-Length: 5\r\n\r\nhello" : "\r\n");
    return world_ask(world, request);
}

Test(retries, only_methods_that_do_no_harm_when_done_twice_are_tried_again)
{
    for (size_t i = 0; i < METHODS; i++) {
        struct origin *origin = FAILS_ONCE;
        struct world *world = before(origin, "");
        const struct reply *reply = ask_with(world, &methods[i]);

        cr_expect_eq(reply->status, methods[i].is_safe ? 200 : 503, "%s", methods[i].name);
        cr_expect_str_eq(reply->body, methods[i].is_safe ? "ok" : "sad");
        cr_expect_eq(origin_requests(origin), methods[i].is_safe ? 2 : 1, "%s", methods[i].name);
        world_stop(world);
    }
}

Test(retries, unsafe_lets_all_methods_be_tried_again_with_their_bodies)
{
    for (size_t i = 0; i < METHODS; i++) {
        struct origin *origin = FAILS_ONCE;
        struct world *world = before(origin, "retry-on = 503, unsafe\n");

        cr_expect_eq(ask_with(world, &methods[i])->status, 200, "%s", methods[i].name);
        cr_assert_eq(origin_requests(origin), 2, "%s", methods[i].name);
        if (methods[i].has_body)
            cr_expect_str_eq(origin_body(origin, 1)->message.body, "hello");
        world_stop(world);
    }
}

Test(retries, head_request_is_tried_again)
{
    struct origin *origin = FAILS_ONCE;
    struct world *world = before(origin, "");

    cr_expect_eq(world_ask(world, "HEAD / HTTP/1.1\r\nHost: h\r\n\r\n")->status, 200);
    cr_expect_str_eq(origin_request(origin, 1)->message.start, "HEAD / HTTP/1.1");
    world_stop(world);
}

/* ---- bodies ----------------------------------------------------------------------------------- */

static char body[REPLAY_MOST + 2];

static void fill_body(size_t count)
{
    for (size_t i = 0; i < count; i++)
        body[i] = (char)('!' + (i * 31 + i / 89) % 90);
    body[count] = '\0';
}

static const struct reply *put(struct world *world, size_t count)
{
    struct dialogue *dialogue = world_dial(world);
    char head[100];

    fill_body(count);
    snprintf(head, sizeof(head), "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: %zu\r\n\r\n", count);
    dialogue_send(dialogue, head);
    dialogue_send_bytes(dialogue, body, count);
    return dialogue_read(dialogue);
}

Test(retries, body_of_up_to_64_kib_is_sent_again_byte_by_byte)
{
    static const size_t counts[] = {0, 1, 16384, 50000, REPLAY_MOST};

    for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
        struct origin *origin = FAILS_ONCE;
        struct world *world = before(origin, "");
        cr_expect_eq(put(world, counts[i])->status, 200, "%zu bytes", counts[i]);
        cr_assert_eq(origin_requests(origin), 2, "%zu bytes", counts[i]);
        const struct message *again = &origin_body(origin, 1)->message;
        cr_expect_eq(again->body_count, counts[i]);
        cr_expect(again->body_count == 0 || memcmp(again->body, body, counts[i]) == 0);
        world_stop(world);
    }
}

Test(retries, longer_body_is_not_sent_again)
{
    struct origin *origin = FAILS_ONCE;
    struct world *world = before(origin, "");
    const struct reply *reply = put(world, REPLAY_MOST + 1);

    cr_expect_eq(reply->status, 503);
    cr_expect_str_eq(reply->body, "sad");
    cr_expect_eq(origin_requests(origin), 1);
    cr_expect_eq(origin_received(origin, 0), REPLAY_MOST + 1);
    world_stop(world);
}

Test(retries, chunked_body_is_sent_again)
{
    struct origin *origin = FAILS_ONCE;
    struct world *world = before(origin, "");
    struct dialogue *dialogue = world_dial(world);
    char chunk[200];

    fill_body(REPLAY_MOST);
    dialogue_send(dialogue, "PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (size_t at = 0; at < REPLAY_MOST; at += 128) {
        int count = snprintf(chunk, sizeof(chunk), "80\r\n%.128s\r\n", body + at);
        dialogue_send_bytes(dialogue, chunk, (size_t)count);
    }
    dialogue_send(dialogue, "0\r\n\r\n");
    cr_expect_eq(dialogue_read(dialogue)->status, 200);
    cr_assert_eq(origin_requests(origin), 2);
    cr_expect_eq(origin_body(origin, 1)->message.body_count, REPLAY_MOST);
    cr_expect_str_eq(origin_body(origin, 1)->message.body, body);
    world_stop(world);
}

/* The first attempt has had a part of it, the second gets all, also what comes only later. */
Test(retries, body_that_is_still_coming_goes_on_into_the_second_attempt)
{
    struct origin *origin = ORIGIN({.deeds = {READ_BYTES(20000), SEND(SAD), SILENCE}},
                                   {.deeds = {READ_ALL, SEND(ANSWER_OK)}});
    struct world *world = before(origin, "");
    struct dialogue *dialogue = world_dial(world);

    fill_body(60000);
    dialogue_send(dialogue, "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 60000\r\n\r\n");
    dialogue_send_bytes(dialogue, body, 20000);
    (void)origin_request(origin, 1);
    dialogue_send_bytes(dialogue, body + 20000, 40000);
    cr_expect_eq(dialogue_read(dialogue)->status, 200);
    cr_expect_str_eq(origin_body(origin, 1)->message.body, body);
    world_stop(world);
}

/* As much as can be kept has been, when the second attempt is begun; the rest only passes. */
Test(retries, body_that_grows_too_long_in_the_second_attempt_still_arrives_whole)
{
    static char large[400001];
    struct origin *origin = ORIGIN({.deeds = {READ_BYTES(20000), SEND(SAD), SILENCE}},
                                   {.deeds = {READ_ALL, SEND(ANSWER_OK)}});
    struct world *world = before(origin, "");
    struct dialogue *dialogue = world_dial(world);

    for (size_t i = 0; i < 400000; i++)
        large[i] = (char)('!' + (i * 31 + i / 89) % 90);
    dialogue_send(dialogue, "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 400000\r\n\r\n");
    dialogue_send_bytes(dialogue, large, 20000);
    (void)origin_request(origin, 1);
    dialogue_send_bytes(dialogue, large + 20000, 380000);
    cr_expect_eq(dialogue_read(dialogue)->status, 200);
    cr_expect_str_eq(origin_body(origin, 1)->message.body, large);
    world_stop(world);
}

/* ---- what went wrong -------------------------------------------------------------------------- */

#define ANSWER(status) "HTTP/1.1 " status " So\r\nContent-Length: 2\r\n\r\nso"

Test(retries, only_the_statuses_that_are_named_are_tried_again)
{
    static const struct {
        const char *answer;
        const char *keys;
        bool is_retried;
    } cases[] = {
        {ANSWER("502"), "", true},
        {ANSWER("503"), "", true},
        {ANSWER("500"), "", false},
        {ANSWER("501"), "", false},
        {ANSWER("429"), "", false},
        {ANSWER("404"), "", false},
        {ANSWER("302"), "", false},
        {ANSWER("204"), "", false},
        {ANSWER("500"), "retry-on = 500\n", true},
        {ANSWER("429"), "retry-on = 429\n", true},
        {ANSWER("503"), "retry-on = connect, timeout\n", false},
        {ANSWER("502"), "retry-on = 503\n", false},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct origin *origin =
            ORIGIN({.deeds = {SEND(cases[i].answer), CLOSE}}, {.deeds = {SEND(ANSWER_OK)}});
        struct world *world = before(origin, cases[i].keys);
        const struct reply *reply = world_get(world, "/", "");
        cr_expect_eq(reply->status, cases[i].is_retried ? 200 : atoi(cases[i].answer + 9), "%s%s",
                     cases[i].answer, cases[i].keys);
        cr_expect_eq(origin_requests(origin), cases[i].is_retried ? 2 : 1, "%s%s", cases[i].answer,
                     cases[i].keys);
        world_stop(world);
    }
}

Test(retries, broken_and_invalid_answers_are_tried_again)
{
    static const struct script ends[] = {
        {.deeds = {READ_ALL, CLOSE}},
        {.deeds = {READ_ALL, RESET}},
        {.deeds = {READ_ALL, SEND("HTTP/1.1 200 OK\r\nContent-Le"), CLOSE}},
        {.deeds = {READ_ALL, SEND("no HTTP at all\r\n\r\n"), CLOSE}},
        {.on_accept = true, .deeds = {RESET}},
    };

    for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
        struct origin *origin = ORIGIN(ends[i], {.deeds = {READ_ALL, SEND(ANSWER_OK)}});
        struct world *world = before(origin, "");
        cr_expect_eq(world_get(world, "/", "")->status, 200, "case %zu", i);
        cr_expect(LOGS(world, "status=200", "attempts=2"), "case %zu", i);
        world_stop(world);
    }
}

Test(retries, upstream_that_comes_up_meanwhile_is_found)
{
    char path[ADDRESS_ROOM];

    address_spare(path);
    struct world *world = world_start(
        WORLD_PATIENT "[upstream late]\nurl = %s\nretry-budget = 100%%\n[route r]\nmatch = /*\n"
                      "steps = it\n[call r.it]\nupstream = late\nretries = 10\nbackoff = 100ms\n",
        path);
    struct dialogue *dialogue = world_dial(world);
    dialogue_send(dialogue, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    usleep(30000);
    struct origin *origin =
        origin_start(path, (const struct script[]){{.deeds = {READ_ALL, SEND(ANSWER_OK)}}}, 1);
    cr_expect_eq(dialogue_read(dialogue)->status, 200);
    cr_expect_eq(origin_requests(origin), 1);
    cr_expect(LOGS(world, "it:ok:", "attempts="));
    world_stop(world);
    unlink(path + strlen("unix:"));
}

Test(retries, optional_call_and_what_is_made_of_it_come_from_the_last_attempt)
{
    struct origin *flaky =
        ORIGIN({.deeds = {SEND("HTTP/1.1 503 No\r\nX-T: first\r\nContent-Length: 0\r\n\r\n")}},
               {.deeds = {SEND("HTTP/1.1 200 OK\r\nX-T: second\r\nContent-Length: 0\r\n\r\n")}});
    struct origin *answer = origin_answering(ANSWER_OK, 0);
    struct world *world = world_start(
        WORLD_PATIENT "[upstream flaky]\nurl = http://127.0.0.1:%u\n"
                      "[upstream answer]\nurl = http://127.0.0.1:%u\n"
                      "[route r]\nmatch = /*\nsteps = flaky, answer\n"
                      "[call r.flaky]\nupstream = flaky\nrequest = GET /f\noptional = yes\n"
                      "retries = 1\n[call r.answer]\nupstream = answer\n"
                      "header = X-T: {flaky.status} {flaky.header.x-t}\n",
        origin_port(flaky), origin_port(answer));
    const struct reply *reply = world_get(world, "/", "");

    cr_expect_eq(reply->status, 200);
    cr_expect_str_eq(reply_header(reply, "X-Budget-Partial"), "");
    cr_expect_str_eq(sent(answer, 0, "X-T"), "200 second");
    cr_expect(LOGS(world, "flaky:ok:", "attempts=2"));
    world_stop(world);
}
