/* A page merged from several calls: what it says, what stands for what is missing, and when it is
 * not made at all. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/support/world.h"

TestSuite(merge, .timeout = 300);

#define JSON(length, text) "HTTP/1.1 200 OK\r\nContent-Length: " length "\r\n\r\n" text
#define A JSON("7", "{\"a\":1}")
#define B JSON("3", "[2]")
#define C JSON("3", "\"c\"")

/* Three calls named a, b and c. */
struct trio {
    struct world *world;
    struct origin *a;
    struct origin *b;
    struct origin *c;
};

#define CALL_A "[call p.a]\nupstream = a\nrequest = GET /a\n"
#define CALL_B "[call p.b]\nupstream = b\nrequest = GET /b\n"
#define CALL_C "[call p.c]\nupstream = c\nrequest = GET /c\n"

static struct trio before(struct origin *a, struct origin *b, struct origin *c, const char *plan)
{
    return (struct trio){
        .a = a,
        .b = b,
        .c = c,
        .world = world_start(WORLD_PATIENT "[upstream a]\nurl = http://127.0.0.1:%u\n"
                                           "[upstream b]\nurl = http://127.0.0.1:%u\n"
                                           "[upstream c]\nurl = http://127.0.0.1:%u\n"
                                           "[route p]\nmatch = /p\nanswer = merge\n%s",
                             origin_port(a), origin_port(b), origin_port(c), plan),
    };
}

#define SIDE_BY_SIDE "steps = a + b + c\n"

static struct origin *says(const char *answer)
{
    return origin_answering(answer, 0);
}

/* A whole page, of the length that it says. */
static void expect_page(const struct reply *reply, const char *page)
{
    char length[20];

    snprintf(length, sizeof(length), "%zu", strlen(page));
    cr_expect_eq(reply->status, 200, "%d instead of %s", reply->status, page);
    cr_expect_eq(reply->end, REPLY_COMPLETE);
    cr_expect_str_eq(reply->body, page);
    cr_expect_str_eq(reply_header(reply, "Content-Length"), length);
    cr_expect_str_eq(reply_header(reply, "Content-Type"), "application/json");
}

Test(merge, page_has_a_member_for_each_call_in_the_order_of_the_steps)
{
    static const struct {
        const char *steps;
        const char *page;
    } cases[] = {
        {"steps = a + b + c\n", "{\"a\":{\"a\":1},\"b\":[2],\"c\":\"c\"}"},
        {"steps = c + b + a\n", "{\"c\":\"c\",\"b\":[2],\"a\":{\"a\":1}}"},
        {"steps = b, c + a\n", "{\"b\":[2],\"c\":\"c\",\"a\":{\"a\":1}}"},
        {"steps = c, b, a\n", "{\"c\":\"c\",\"b\":[2],\"a\":{\"a\":1}}"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char plan[400];
        snprintf(plan, sizeof(plan), "%s" CALL_A CALL_B CALL_C, cases[i].steps);
        struct trio it = before(origin_answering(A, 40), says(B), origin_answering(C, 20), plan);
        const struct reply *reply = world_get(it.world, "/p", "");
        expect_page(reply, cases[i].page);
        cr_expect_str_eq(reply_header(reply, "X-Budget-Partial"), "");
        world_stop(it.world);
    }
}

Test(merge, headers_of_the_parts_are_not_those_of_the_page)
{
    struct trio it = before(says("HTTP/1.1 203 So\r\nSet-Cookie: a=1\r\nContent-Type: text/csv\r\n"
                                 "X-Mine: 1\r\nContent-Length: 1\r\n\r\n1"),
                            says(B), says(C), SIDE_BY_SIDE CALL_A CALL_B CALL_C);
    const struct reply *reply = world_get(it.world, "/p", "");

    expect_page(reply, "{\"a\":1,\"b\":[2],\"c\":\"c\"}");
    cr_expect_str_eq(reply_header(reply, "Set-Cookie"), "");
    cr_expect_str_eq(reply_header(reply, "X-Mine"), "");
    cr_expect_str_eq(reply_header(reply, "Via"), "1.1 hourglass");
    cr_expect_str_eq(reply_header(reply, "X-Request-Id"),
                     message_header(&origin_request(it.a, 0)->message, "X-Request-Id", 0));
    world_stop(it.world);
}

Test(merge, bodies_are_embedded_as_they_are)
{
    static const char *const bodies[] = {
        "null", "true", "-1.50e3",     "19.99", "\"x \\u00fc\"", "{\n \"k\" : 1 }",
        "{}",   "[]",   "\"_partial\""};

    for (size_t i = 0; i < sizeof(bodies) / sizeof(*bodies); i++) {
        char answer[200];
        char page[200];
        snprintf(answer, sizeof(answer),
                 "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%zx\r\n%s\r\n0\r\n\r\n",
                 strlen(bodies[i]), bodies[i]);
        snprintf(page, sizeof(page), "{\"a\":%s,\"b\":[2],\"c\":\"c\"}", bodies[i]);
        struct trio it = before(says(answer), says(B), says(C), SIDE_BY_SIDE CALL_A CALL_B CALL_C);
        expect_page(world_get(it.world, "/p", ""), page);
        world_stop(it.world);
    }
}

Test(merge, connection_goes_on_after_a_page)
{
    struct trio it = before(says(A), says(B), says(C), SIDE_BY_SIDE CALL_A CALL_B CALL_C);
    struct dialogue *dialogue = world_dial(it.world);

    for (int i = 0; i < 3; i++)
        dialogue_send(dialogue, "GET /p HTTP/1.1\r\nHost: h\r\n\r\n");
    for (int i = 0; i < 3; i++)
        expect_page(dialogue_read(dialogue), "{\"a\":{\"a\":1},\"b\":[2],\"c\":\"c\"}");
    world_stop(it.world);
}

/* ---- gaps ------------------------------------------------------------------------------------- */

Test(merge, gaps_are_null_or_the_fallback_and_are_listed)
{
    struct origin *broken = ORIGIN({.deeds = {READ_ALL, CLOSE}});
    struct origin *silent = ORIGIN({.deeds = {SILENCE}});
    struct trio it =
        before(broken, says(B), silent,
               SIDE_BY_SIDE CALL_A "optional = yes\n" CALL_B CALL_C
                                   "optional = yes\nbudget = 400ms\nfallback = {\"c\": \"?\"}\n");
    const struct reply *reply = world_get(it.world, "/p", "");

    expect_page(reply, "{\"a\":null,\"b\":[2],\"c\":{\"c\": \"?\"},\"_partial\":[\"a\",\"c\"]}");
    cr_expect_str_eq(reply_header(reply, "X-Budget-Partial"), "a, c");
    (void)origin_ended(it.c, 0);
    world_stop(it.world);
}

Test(merge, page_may_have_gaps_only)
{
    struct origin *broken = ORIGIN({.deeds = {READ_ALL, CLOSE}});
    struct trio it = before(broken, broken, broken,
                            SIDE_BY_SIDE CALL_A "optional = yes\n" CALL_B "optional = yes\n" CALL_C
                                                "optional = yes\n");

    expect_page(world_get(it.world, "/p", ""),
                "{\"a\":null,\"b\":null,\"c\":null,\"_partial\":[\"a\",\"b\",\"c\"]}");
    world_stop(it.world);
}

Test(merge, call_that_is_skipped_is_a_gap)
{
    struct trio it = before(says(A), says(B), says(C),
                            "steps = b, a, c\n" CALL_A "optional = yes\nmin = 5s\n" CALL_B CALL_C);
    const struct reply *reply = world_get(it.world, "/p", "X-Request-Timeout-Ms: 3000\r\n");

    expect_page(reply, "{\"b\":[2],\"a\":null,\"c\":\"c\",\"_partial\":[\"a\"]}");
    cr_expect_eq(origin_connections(it.a), 0);
    world_stop(it.world);
}

Test(merge, optional_error_is_a_gap)
{
    static const char *const answers[] = {
        "HTTP/1.1 404 No\r\nContent-Length: 7\r\n\r\n{\"e\":1}",
        "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 302 Go\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n",
    };

    for (size_t i = 0; i < sizeof(answers) / sizeof(*answers); i++) {
        struct trio it = before(says(answers[i]), says(B), says(C),
                                SIDE_BY_SIDE CALL_A "optional = yes\n" CALL_B CALL_C);
        expect_page(world_get(it.world, "/p", ""),
                    "{\"a\":null,\"b\":[2],\"c\":\"c\",\"_partial\":[\"a\"]}");
        world_stop(it.world);
    }
}

/* ---- what is no JSON -------------------------------------------------------------------------- */

static const char *const no_json[] = {
    JSON("5", "hello"),       JSON("6", "{\"a\":1"),     JSON("7", "{'a':1}"),
    JSON("9", "{\"a\":1} x"), JSON("4", "[1,]"),         JSON("3", "NaN"),
    JSON("2", "01"),          JSON("4", "\"\xff\xfe\""), JSON("3", "\"\x01\""),
    JSON("1", " "),           JSON("3", "\"a\\"),        JSON("16", "1,\"b\":{\"evil\":1}"),
    JSON("5", "\"a\nb\""),    JSON("6", "\"\\ud8\""),    JSON("8", "{\"a\":1}}"),
};
enum { NO_JSON = sizeof(no_json) / sizeof(*no_json) };

Test(merge, what_is_no_json_from_a_required_call_ends_the_request)
{
    for (size_t i = 0; i < NO_JSON; i++) {
        struct trio it =
            before(says(no_json[i]), says(B), says(C), SIDE_BY_SIDE CALL_A CALL_B CALL_C);
        const struct reply *reply = world_get(it.world, "/p", "");
        cr_expect_eq(reply->status, 502, "%s: %d", no_json[i], reply->status);
        cr_expect_str_eq(reply_member(reply, "call"), "a", "%s", no_json[i]);
        world_stop(it.world);
    }
}

Test(merge, what_is_no_json_from_an_optional_call_is_a_gap)
{
    for (size_t i = 0; i < NO_JSON; i++) {
        struct trio it = before(says(no_json[i]), says(B), says(C),
                                SIDE_BY_SIDE CALL_A "optional = yes\n" CALL_B CALL_C);
        expect_page(world_get(it.world, "/p", ""),
                    "{\"a\":null,\"b\":[2],\"c\":\"c\",\"_partial\":[\"a\"]}");
        world_stop(it.world);
    }
}

static const char *const no_body[] = {"HTTP/1.1 204 Nothing\r\n\r\n",
                                      "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"};

/* There is nothing to embed: not an answer, even if not a wrong one. */
Test(merge, call_without_a_body_fails)
{
    for (size_t i = 0; i < 2; i++) {
        struct trio it =
            before(says(no_body[i]), says(B), says(C), SIDE_BY_SIDE CALL_A CALL_B CALL_C);
        const struct reply *reply = world_get(it.world, "/p", "");
        cr_expect_eq(reply->status, 502, "%s", no_body[i]);
        cr_expect_str_eq(reply_member(reply, "call"), "a");
        world_stop(it.world);
    }
}

Test(merge, optional_call_without_a_body_is_a_gap)
{
    for (size_t i = 0; i < 2; i++) {
        struct trio it = before(says(no_body[i]), says(B), says(C),
                                SIDE_BY_SIDE CALL_A "optional = yes\n" CALL_B CALL_C);
        expect_page(world_get(it.world, "/p", ""),
                    "{\"a\":null,\"b\":[2],\"c\":\"c\",\"_partial\":[\"a\"]}");
        world_stop(it.world);
    }
}

/* ---- what ends the request -------------------------------------------------------------------- */

Test(merge, error_of_a_required_call_goes_to_the_client_as_it_is)
{
    struct origin *guard = says("HTTP/1.1 401 Who\r\nWWW-Authenticate: Basic\r\n"
                                "Content-Type: text/plain\r\nContent-Length: 4\r\n\r\nwho?");
    struct origin *silent = ORIGIN({.deeds = {SILENCE}});
    struct trio it = before(guard, silent, says(C), SIDE_BY_SIDE CALL_A CALL_B CALL_C);
    const struct reply *reply = world_get(it.world, "/p", "");

    cr_expect_eq(reply->status, 401);
    cr_expect_str_eq(reply->body, "who?");
    cr_expect_str_eq(reply_header(reply, "WWW-Authenticate"), "Basic");
    cr_expect_str_eq(reply_header(reply, "Content-Type"), "text/plain");
    cr_expect_lt(reply->took.ns, span_s(10).ns);
    world_stop(it.world);
}

Test(merge, large_error_of_a_required_call_goes_to_the_client_whole)
{
    struct origin *sad = ORIGIN(
        {.deeds = {SEND("HTTP/1.1 500 No\r\nContent-Length: 3000000\r\n\r\n"), FLOOD(3000000)}});
    struct trio it = before(sad, says(B), says(C), SIDE_BY_SIDE CALL_A CALL_B CALL_C);
    const struct reply *reply = world_get(it.world, "/p", "");

    cr_expect_eq(reply->status, 500);
    cr_expect_eq(reply->end, REPLY_COMPLETE);
    cr_expect_eq(reply->message.body_count, 3000000);
    world_stop(it.world);
}

Test(merge, required_call_without_time_or_connection_ends_the_request)
{
    struct origin *silent = ORIGIN({.deeds = {SILENCE}});
    struct trio it =
        before(silent, says(B), says(C), SIDE_BY_SIDE CALL_A "budget = 80ms\n" CALL_B CALL_C);
    const struct reply *reply = world_get(it.world, "/p", "");

    cr_expect_eq(reply->status, 504);
    cr_expect_str_eq(reply_member(reply, "call"), "a");
    world_stop(it.world);

    struct origin *broken = ORIGIN({.deeds = {READ_ALL, CLOSE}});
    it = before(broken, says(B), says(C), SIDE_BY_SIDE CALL_A CALL_B CALL_C);
    reply = world_get(it.world, "/p", "");
    cr_expect_eq(reply->status, 502);
    cr_expect_str_eq(reply_member(reply, "call"), "a");
    world_stop(it.world);
}

/* ---- other methods ---------------------------------------------------------------------------- */

Test(merge, head_request_gets_the_headers_of_the_page)
{
    struct trio it = before(says(A), says(B), says(C), SIDE_BY_SIDE CALL_A CALL_B CALL_C);
    struct dialogue *dialogue = world_dial(it.world);

    dialogue_send(dialogue, "HEAD /p HTTP/1.1\r\nHost: h\r\n\r\n");
    const struct reply *head = dialogue_read_head(dialogue);
    cr_expect_eq(head->status, 200);
    cr_expect_str_eq(reply_header(head, "Content-Length"), "29");
    cr_expect_str_eq(reply_header(head, "Content-Type"), "application/json");
    dialogue_send(dialogue, "GET /p HTTP/1.1\r\nHost: h\r\n\r\n");
    expect_page(dialogue_read(dialogue), "{\"a\":{\"a\":1},\"b\":[2],\"c\":\"c\"}");
    world_stop(it.world);
}

/* The part is asked for as for a GET: without its body nobody knows how long the page is. */
Test(merge, head_request_that_passes_through_gets_the_headers_of_the_page)
{
    struct trio it =
        before(says(A), says(B), says(C), SIDE_BY_SIDE "[call p.a]\nupstream = a\n" CALL_B CALL_C);
    const struct reply *head = world_ask(it.world, "HEAD /p HTTP/1.1\r\nHost: h\r\n\r\n");

    cr_expect_eq(head->status, 200);
    cr_expect_str_eq(reply_header(head, "Content-Length"), "29");
    world_stop(it.world);
}
