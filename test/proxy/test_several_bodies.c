/* Several calls of a route that get the client's own request: its body is read whole before the
 * first, and goes to each. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proxy/clock.h"
#include "test/support/world.h"

TestSuite(several_bodies, .timeout = 300);

#define SAD "HTTP/1.1 503 Sad\r\nContent-Length: 3\r\n\r\nsad"
#define SAYS(length, text) "HTTP/1.1 200 OK\r\nContent-Length: " length "\r\n\r\n" text

enum { MOST = 1024 * 1024 };

/* Two calls, a and b, that pass through to an upstream each. */
struct scene {
    struct world *world;
    struct origin *a;
    struct origin *b;
};

#define AFTER_ANOTHER "steps = a, b\n"
#define SIDE_BY_SIDE "steps = a + b\n"
#define STANDING_IN "steps = a\n"

/* keys: of the route; a_keys: of the call a. */
static struct scene before(struct origin *a, struct origin *b, const char *keys, const char *a_keys)
{
    return (struct scene){
        .a = a,
        .b = b,
        .world = world_start(WORLD_PATIENT "[upstream a]\nurl = http://127.0.0.1:%u\n"
                                           "[upstream b]\nurl = http://127.0.0.1:%u\n"
                                           "[route r]\nmatch = /*\n%s"
                                           "[call r.b]\nupstream = b\n"
                                           "[call r.a]\nupstream = a\n%s%s",
                             origin_port(a), origin_port(b), keys,
                             strcmp(keys, STANDING_IN) == 0 ? "fallback = call b\n" : "", a_keys),
    };
}

static struct scene before_good(const char *keys)
{
    return before(origin_answering(SAYS("3", "[1]"), 0), origin_answering(SAYS("3", "[2]"), 0),
                  keys, "");
}

static const char *sent(struct origin *origin, size_t n, const char *name)
{
    const char *value = message_header(&origin_request(origin, n)->message, name, 0);

    return value != NULL ? value : "";
}

static char body[MOST + 2];

static void fill_body(size_t count)
{
    for (size_t i = 0; i < count; i++)
        body[i] = (char)('!' + (i * 31 + i / 89) % 90);
    body[count] = '\0';
}

static struct dialogue *begin(const struct world *world, const char *method, size_t count)
{
    struct dialogue *dialogue = world_dial(world);
    char head[100];

    fill_body(count);
    snprintf(head, sizeof(head), "%s /x?y=1 HTTP/1.1\r\nHost: h\r\nContent-Length: %zu\r\n\r\n",
             method, count);
    dialogue_send(dialogue, head);
    return dialogue;
}

static void send_chunks(struct dialogue *dialogue, size_t count)
{
    char line[20];

    for (size_t at = 0; at < count; at += 60000) {
        size_t piece = count - at < 60000 ? count - at : 60000;
        snprintf(line, sizeof(line), "%zx\r\n", piece);
        dialogue_send(dialogue, line);
        dialogue_send_bytes(dialogue, body + at, piece);
        dialogue_send(dialogue, "\r\n");
    }
    dialogue_send(dialogue, "0\r\n\r\n");
}

static void expect_body(struct origin *origin, size_t n)
{
    const struct message *message = &origin_body(origin, n)->message;

    cr_expect_eq(message->body_count, strlen(body));
    cr_expect(strcmp(message->body, body) == 0, "it is another body");
}

static void expect_no_call(struct scene it)
{
    cr_expect_eq(origin_requests(it.a) + origin_requests(it.b), 0, "a call was made");
}

/* ---- what the upstreams get ------------------------------------------------------------------- */

Test(several_bodies, each_call_gets_the_whole_request)
{
    static const char *const plans[] = {AFTER_ANOTHER, SIDE_BY_SIDE};

    for (size_t i = 0; i < 4; i++) {
        struct scene it = before_good(plans[i % 2]);
        const struct reply *reply =
            world_ask(it.world, i < 2 ? "POST /x?y=1 HTTP/1.1\r\nHost: h\r\nX-Mine: 1\r\n"
                                        "Content-Type: text/x\r\nContent-Length: 5\r\n\r\nhello"
                                      : "POST /x?y=1 HTTP/1.1\r\nHost: h\r\nX-Mine: 1\r\n"
                                        "Content-Type: text/x\r\nTransfer-Encoding: chunked\r\n\r\n"
                                        "2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\nX-T: 1\r\n\r\n");
        struct origin *origins[] = {it.a, it.b};

        cr_expect_eq(reply->status, 200);
        cr_expect_str_eq(reply->body, "[2]");
        for (size_t k = 0; k < 2; k++) {
            cr_expect_str_eq(origin_body(origins[k], 0)->message.start, "POST /x?y=1 HTTP/1.1");
            cr_expect_str_eq(origin_body(origins[k], 0)->message.body, "hello");
            cr_expect_str_eq(sent(origins[k], 0, "X-Mine"), "1");
            cr_expect_str_eq(sent(origins[k], 0, "Content-Type"), "text/x");
            cr_expect_str_eq(sent(origins[k], 0, "X-T"), "");
            cr_expect_eq(origin_requests(origins[k]), 1);
        }
        cr_expect(LOGS(it.world, "status=200", "a:ok:", "b:ok:", "bytes_up="));
        world_stop(it.world);
    }
}

Test(several_bodies, nothing_is_sent_before_the_body_is_there)
{
    struct scene it = before_good(AFTER_ANOTHER);
    struct dialogue *dialogue = begin(it.world, "POST", 30000);

    dialogue_send_bytes(dialogue, body, 29999);
    usleep(80 * 1000);
    expect_no_call(it);
    cr_expect_eq(origin_connections(it.a), 0);
    dialogue_send_bytes(dialogue, body + 29999, 1);
    cr_expect_eq(dialogue_read(dialogue)->status, 200);
    expect_body(it.a, 0);
    expect_body(it.b, 0);
    world_stop(it.world);
}

Test(several_bodies, mebibyte_goes_to_each_and_leaves_the_connection_in_step)
{
    static const char *const plans[] = {AFTER_ANOTHER, SIDE_BY_SIDE};

    for (size_t i = 0; i < 4; i++) {
        struct scene it = before_good(plans[i % 2]);
        struct dialogue *dialogue;

        if (i < 2) {
            dialogue = begin(it.world, "POST", MOST);
            dialogue_send_bytes(dialogue, body, MOST);
        } else {
            fill_body(MOST);
            dialogue = world_dial(it.world);
            dialogue_send(dialogue,
                          "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
            send_chunks(dialogue, MOST);
        }
        cr_expect_eq(dialogue_read(dialogue)->status, 200);
        expect_body(it.a, 0);
        expect_body(it.b, 0);
        dialogue_send(dialogue, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
        cr_expect_str_eq(dialogue_read(dialogue)->body, "[2]");
        world_stop(it.world);
    }
}

/* One reads slowly, the other at once: neither waits for the other. */
Test(several_bodies, slow_reader_does_not_hold_up_the_other)
{
    struct scene it = before(ORIGIN({.deeds = {WAIT_MS(300), READ_ALL, SEND(SAYS("3", "[1]"))}}),
                             origin_answering(SAYS("3", "[2]"), 0), SIDE_BY_SIDE, "");
    struct dialogue *dialogue = begin(it.world, "POST", MOST);

    dialogue_send_bytes(dialogue, body, MOST);
    cr_expect_eq(dialogue_read(dialogue)->status, 200);
    expect_body(it.a, 0);
    expect_body(it.b, 0);
    world_stop(it.world);
}

Test(several_bodies, request_without_a_body_goes_to_each)
{
    static const char *const requests[] = {
        "POST /x?y=1 HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n",
        "POST /x?y=1 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "GET /x?y=1 HTTP/1.1\r\nHost: h\r\n\r\n",
        "DELETE /x?y=1 HTTP/1.1\r\nHost: h\r\n\r\n",
    };

    for (size_t i = 0; i < sizeof(requests) / sizeof(*requests); i++) {
        struct scene it = before_good(AFTER_ANOTHER);
        size_t start = strcspn(requests[i], "\r");

        cr_expect_str_eq(world_ask(it.world, requests[i])->body, "[2]", "request %zu", i);
        cr_expect_eq(strncmp(origin_body(it.a, 0)->message.start, requests[i], start), 0);
        cr_expect_eq(strncmp(origin_body(it.b, 0)->message.start, requests[i], start), 0);
        cr_expect_eq(origin_body(it.a, 0)->message.body_count, 0);
        cr_expect_eq(origin_body(it.b, 0)->message.body_count, 0);
        cr_expect(i >= 1 || strcmp(sent(it.a, 0, "Content-Length"), "0") == 0);
        cr_expect(i < 2 || sent(it.a, 0, "Content-Length")[0] == '\0');
        world_stop(it.world);
    }
}

Test(several_bodies, merge_of_calls_that_pass_through_sends_the_body_to_each)
{
    struct scene it = before_good(SIDE_BY_SIDE "answer = merge\n");
    struct dialogue *dialogue = begin(it.world, "PUT", 5);

    dialogue_send_bytes(dialogue, body, 5);
    cr_expect_str_eq(dialogue_read(dialogue)->body, "{\"a\":[1],\"b\":[2]}");
    expect_body(it.a, 0);
    expect_body(it.b, 0);
    world_stop(it.world);
}

Test(several_bodies, client_that_expects_100_continue_is_told_to_go_on)
{
    struct scene it = before_good(AFTER_ANOTHER);
    struct dialogue *dialogue = world_dial(it.world);

    dialogue_send(dialogue, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n"
                            "Expect: 100-continue\r\n\r\n");
    cr_expect_eq(dialogue_read_any(dialogue)->status, 100);
    expect_no_call(it);
    dialogue_send(dialogue, "hello");
    cr_expect_eq(dialogue_read_any(dialogue)->status, 200);
    cr_expect_str_eq(origin_body(it.a, 0)->message.body, "hello");
    cr_expect_str_eq(origin_body(it.b, 0)->message.body, "hello");
    cr_expect_str_eq(sent(it.a, 0, "Expect"), "");
    world_stop(it.world);
}

Test(several_bodies, second_request_of_a_pipe_is_found_behind_the_body)
{
    struct scene it = before_good(AFTER_ANOTHER);
    struct dialogue *dialogue = world_dial(it.world);

    dialogue_send(dialogue, "POST /1 HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello"
                            "POST /2 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
                            "3\r\nyou\r\n0\r\n\r\nGET /3 HTTP/1.1\r\nHost: h\r\n\r\n");
    for (int i = 0; i < 3; i++)
        cr_expect_str_eq(dialogue_read(dialogue)->body, "[2]");
    cr_expect_str_eq(origin_body(it.b, 0)->message.body, "hello");
    cr_expect_str_eq(origin_body(it.b, 1)->message.body, "you");
    cr_expect_str_eq(origin_body(it.b, 2)->message.start, "GET /3 HTTP/1.1");
    world_stop(it.world);
}

/* ---- made again, and stood in for ------------------------------------------------------------- */

Test(several_bodies, retry_of_one_sends_the_body_again)
{
    struct scene it = before(
        ORIGIN({.deeds = {READ_ALL, SEND(SAD)}}, {.deeds = {READ_ALL, SEND(SAYS("3", "[1]"))}}),
        origin_answering(SAYS("3", "[2]"), 0), AFTER_ANOTHER, "retries = 1\n");
    struct dialogue *dialogue = begin(it.world, "PUT", 50000);

    dialogue_send_bytes(dialogue, body, 50000);
    cr_expect_str_eq(dialogue_read(dialogue)->body, "[2]");
    expect_body(it.a, 0);
    expect_body(it.a, 1);
    expect_body(it.b, 0);
    cr_expect(LOGS(it.world, "status=200", "a:ok:", "attempts=2", "b:ok:"));
    world_stop(it.world);
}

Test(several_bodies, post_is_not_sent_again)
{
    struct scene it = before(origin_answering(SAD, 0), origin_answering(SAYS("3", "[2]"), 0),
                             AFTER_ANOTHER, "retries = 1\n");
    struct dialogue *dialogue = begin(it.world, "POST", 5);

    dialogue_send_bytes(dialogue, body, 5);
    cr_expect_eq(dialogue_read(dialogue)->status, 503);
    cr_expect_eq(origin_requests(it.a), 1);
    cr_expect_eq(origin_requests(it.b), 0);
    world_stop(it.world);
}

Test(several_bodies, hedge_of_one_sends_the_body_to_both_attempts)
{
    struct scene it = before(
        ORIGIN({.deeds = {READ_ALL, SILENCE}}, {.deeds = {READ_ALL, SEND(SAYS("3", "[1]"))}}),
        origin_answering(SAYS("3", "[2]"), 0), AFTER_ANOTHER, "hedge = 50ms\n");
    struct dialogue *dialogue = begin(it.world, "PUT", 50000);

    dialogue_send_bytes(dialogue, body, 50000);
    cr_expect_str_eq(dialogue_read(dialogue)->body, "[2]");
    expect_body(it.a, 0);
    expect_body(it.a, 1);
    expect_body(it.b, 0);
    world_stop(it.world);
}

/* Also a POST: it is another request, which the configuration asks for. */
Test(several_bodies, call_that_stands_in_gets_the_request_that_the_first_had)
{
    static const struct script ends[] = {
        {.deeds = {READ_ALL, SEND(SAD)}},
        {.deeds = {CLOSE}},
        {.deeds = {SEND(SAD), SILENCE}},
    };

    for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
        struct scene it =
            before(ORIGIN(ends[i]), origin_answering(SAYS("3", "[2]"), 0), STANDING_IN, "");
        struct dialogue *dialogue = begin(it.world, "POST", 200000);

        dialogue_send_bytes(dialogue, body, 200000);
        cr_expect_str_eq(dialogue_read(dialogue)->body, "[2]", "end %zu", i);
        expect_body(it.b, 0);
        cr_expect_str_eq(origin_request(it.b, 0)->message.start, "POST /x?y=1 HTTP/1.1");
        cr_expect(LOGS(it.world, "status=200", "a:", "b:ok:"));
        world_stop(it.world);
    }
}

Test(several_bodies, call_that_need_not_be_stood_in_for_gets_it_alone)
{
    struct scene it = before_good(STANDING_IN);
    struct dialogue *dialogue = begin(it.world, "POST", 200000);

    dialogue_send_bytes(dialogue, body, 200000);
    cr_expect_str_eq(dialogue_read(dialogue)->body, "[1]");
    expect_body(it.a, 0);
    cr_expect_eq(origin_requests(it.b), 0);
    world_stop(it.world);
}

/* Only the one that stands in passes through: the body waits for it, or is not wanted. */
Test(several_bodies, call_that_stands_in_may_be_the_only_one_to_get_the_body)
{
    static const bool fails[] = {true, false};

    for (size_t i = 0; i < 2; i++) {
        struct scene it =
            before(origin_answering(fails[i] ? SAD : SAYS("3", "[1]"), 0),
                   origin_answering(SAYS("3", "[2]"), 0), STANDING_IN, "request = GET /live\n");
        struct dialogue *dialogue = begin(it.world, "POST", 200000);

        dialogue_send_bytes(dialogue, body, 200000);
        cr_expect_str_eq(dialogue_read(dialogue)->body, fails[i] ? "[2]" : "[1]");
        if (fails[i])
            expect_body(it.b, 0);
        world_stop(it.world);
    }
}
