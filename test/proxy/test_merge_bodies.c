/* What becomes of a body on its way into a page: it is the same JSON, whatever stands around it and
 * however it came, also when a template reads it as well. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/support/json_reader.h"
#include "test/support/world.h"

TestSuite(merge_bodies, .timeout = 300);

#define CHUNKED "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

enum { DEEPEST = 128 };

/* A page of one call, whose keys may follow. */
#define PAGE                                                                           \
    WORLD_PATIENT                                                                      \
    "[upstream u]\nurl = http://127.0.0.1:%u\n[route p]\nmatch = /*\nanswer = merge\n" \
    "steps = it\n[call p.it]\nupstream = u\nrequest = GET /it\n"

/* A page of that call and of one that is made of it. */
#define READ_PAGE                                                                          \
    WORLD_PATIENT                                                                          \
    "[upstream u]\nurl = http://127.0.0.1:%u\n[upstream v]\nurl = http://127.0.0.1:%u\n"   \
    "[route p]\nmatch = /*\nanswer = merge\nsteps = it, more\n[call p.it]\nupstream = u\n" \
    "request = GET /it\n[call p.more]\nupstream = v\nrequest = GET /more/%s\n"

static char *response_of(const char *body)
{
    size_t room = strlen(body) + 100;
    char *answer = malloc(room);

    cr_assert_not_null(answer);
    snprintf(answer, room, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s", strlen(body), body);
    return answer;
}

/* Whole, JSON, and but for blanks between its tokens this. */
static void expect_page(const struct reply *reply, const char *page)
{
    char *plain = malloc(reply->message.body_count + 1);
    size_t count = 0;
    bool is_string = false;

    cr_assert_eq(reply->status, 200, "%d: %s", reply->status, reply->body);
    cr_assert_eq(reply->end, REPLY_COMPLETE);
    cr_expect(json_reader_is_value(text_of(reply->body)), "%s", reply->body);
    for (const char *at = reply->body; *at != '\0'; at++) {
        if (*at == '"' && (at == reply->body || at[-1] != '\\'))
            is_string = !is_string;
        if (is_string || strchr(" \t\r\n", *at) == NULL)
            plain[count++] = *at;
    }
    plain[count] = '\0';
    cr_expect_str_eq(plain, page);
    free(plain);
}

static void expect_page_of(const char *body, const char *page)
{
    char *answer = response_of(body);
    struct world *world = world_start(PAGE, origin_port(origin_answering(answer, 0)));

    expect_page(world_get(world, "/", ""), page);
    world_stop(world);
    free(answer);
}

Test(merge_bodies, blanks_around_a_body_do_no_harm)
{
    expect_page_of(" \r\n\t{\"a\" : 1}\r\n\r\n ", "{\"it\":{\"a\":1}}");
    expect_page_of("\n\n7\n", "{\"it\":7}");
    expect_page_of("\t\" x \"\t", "{\"it\":\" x \"}");
}

Test(merge_bodies, numbers_keep_their_spelling)
{
    static const char *const numbers = "[12345678901234567890123,1e400,-0.0,1.10,1E+2,"
                                       "0.1000000000000000055511151231257827,-0,1e-999]";
    char page[200];

    snprintf(page, sizeof(page), "{\"it\":%s}", numbers);
    expect_page_of(numbers, page);
}

Test(merge_bodies, members_of_one_name_all_stay)
{
    expect_page_of("{\"k\":1,\"k\":{\"k\":2,\"k\":3},\"k\":1}",
                   "{\"it\":{\"k\":1,\"k\":{\"k\":2,\"k\":3},\"k\":1}}");
}

Test(merge_bodies, strings_keep_their_escapes)
{
    static const char *const text = "\"\\u0000 \\ud83d\\ude00 \xf0\x9f\x98\x80 \\/ \\\\ \\u00FC\"";
    char page[200];

    snprintf(page, sizeof(page), "{\"it\":%s}", text);
    expect_page_of(text, page);
}

/* Brackets so deep, with a 1 in the middle. */
static char *nested(size_t depth, const char *open, const char *close)
{
    char *body = calloc(1, depth * (strlen(open) + strlen(close)) + 2);

    cr_assert_not_null(body);
    for (size_t i = 0; i < depth; i++)
        strcat(body, open);
    strcat(body, "1");
    for (size_t i = 0; i < depth; i++)
        strcat(body, close);
    return body;
}

Test(merge_bodies, nesting_goes_only_so_deep)
{
    static const char *const brackets[][2] = {{"[", "]"}, {"{\"a\":", "}"}};

    for (size_t i = 0; i < 4; i++) {
        bool is_too_deep = i >= 2;
        char *body = nested(DEEPEST + is_too_deep, brackets[i % 2][0], brackets[i % 2][1]);
        char *answer = response_of(body);
        char page[2000];
        struct world *world = world_start(PAGE, origin_port(origin_answering(answer, 0)));
        const struct reply *reply = world_get(world, "/", "");
        snprintf(page, sizeof(page), "{\"it\":%s}", body);
        cr_expect_eq(reply->status, is_too_deep ? 502 : 200, "%d: %s", reply->status, body);
        cr_expect(is_too_deep || strcmp(reply->body, page) == 0, "%s", reply->body);
        world_stop(world);
        free(answer);
        free(body);
    }
}

Test(merge_bodies, what_is_not_quite_json_is_refused)
{
    static const char *const bodies[] = {
        "\xef\xbb\xbf{}",   /* a byte order mark */
        "\"\xc3\"",         /* half a character */
        "\"\xed\xa0\x80\"", /* half a surrogate pair, as UTF-8 */
        "\"\xc0\x80\"",     /* too long for what it is */
        "{} {}",
        "{\"a\":1,}",
        "{a:1}",
        "1 // one",
        "tru",
        ".5",
        "1.",
        "+1",
        "\"\t\"",
        "[\xc2\xa0]",
        "\f1",
        "{\"a\" 1}",
    };

    for (size_t i = 0; i < sizeof(bodies) / sizeof(*bodies); i++) {
        char *answer = response_of(bodies[i]);
        struct world *world = world_start(PAGE, origin_port(origin_answering(answer, 0)));
        const struct reply *reply = world_get(world, "/", "");
        cr_expect_eq(reply->status, 502, "%d for %s", reply->status, bodies[i]);
        cr_expect(LOGS(world, "it:invalid:"), "%s", bodies[i]);
        world_stop(world);
        free(answer);
    }
}

/* ---- in pieces -------------------------------------------------------------------------------- */

/* {"a":"ü\u00fc\n","b":-1.5e3,"c":[true]}, cut in the middle of each of these. */
#define PIECES                                                                        \
    {                                                                                 \
        .deeds = {                                                                    \
            SEND(CHUNKED "7\r\n{\"a\":\"\xc3\r\n"),                                   \
            WAIT_MS(10),                                                              \
            SEND("4\r\n\xbc\\u0\r\n"),                                                \
            WAIT_MS(10),                                                              \
            SEND("4\r\n0fc\\\r\n"),                                                   \
            WAIT_MS(10),                                                              \
            SEND("b\r\nn\",\"b\":-1.5\r\n8\r\ne3,\"c\":[\r\n2\r\ntr\r\n4\r\nue]}\r\n" \
                 "0\r\n\r\n")                                                         \
        }                                                                             \
    }
#define JOINED "{\"a\":\"\xc3\xbc\\u00fc\\n\",\"b\":-1.5e3,\"c\":[true]}"

Test(merge_bodies, body_that_comes_in_pieces_is_joined)
{
    struct world *world = world_start(PAGE, origin_port(ORIGIN(PIECES)));

    expect_page(world_get(world, "/", ""), "{\"it\":" JOINED "}");
    world_stop(world);
}

Test(merge_bodies, body_that_comes_byte_by_byte_is_joined)
{
    char *answer = response_of(JOINED);
    struct world *world = world_start(PAGE, origin_port(ORIGIN({.deeds = {DRIP(answer, 1)}})));

    expect_page(world_get(world, "/", ""), "{\"it\":" JOINED "}");
    world_stop(world);
    free(answer);
}

Test(merge_bodies, body_that_ends_within_a_character_is_refused)
{
    struct origin *origin = ORIGIN(
        {.deeds = {SEND(CHUNKED "2\r\n\"\xc3\r\n"), WAIT_MS(10), SEND("1\r\n\"\r\n0\r\n\r\n")}});
    struct world *world = world_start(PAGE, origin_port(origin));

    cr_expect_eq(world_get(world, "/", "")->status, 502);
    world_stop(world);
}

/* ---- read by a template as well --------------------------------------------------------------- */

/* target: what the template {it.body/b} and so on is filled in with. */
static void expect_read(struct origin *origin, const char *template, const char *target,
                        const char *page)
{
    struct origin *more = origin_answering("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n\"ok\"", 0);
    struct world *world = world_start(READ_PAGE, origin_port(origin), origin_port(more), template);
    char start[200];
    char whole[400];

    snprintf(start, sizeof(start), "GET /more/%s HTTP/1.1", target);
    snprintf(whole, sizeof(whole), "{\"it\":%s,\"more\":\"ok\"}", page);
    expect_page(world_get(world, "/", ""), whole);
    cr_expect_str_eq(origin_request(more, 0)->message.start, start);
    world_stop(world);
}

Test(merge_bodies, body_that_is_read_too_is_embedded_as_it_is)
{
    expect_read(ORIGIN(PIECES), "{it.body/a}", "%C3%BC%C3%BC%0A", JOINED);
    expect_read(ORIGIN(PIECES), "{it.body/b}", "-1.5e3", JOINED);
    expect_read(ORIGIN(PIECES), "{it.body/c/0}", "true", JOINED);
}

Test(merge_bodies, blanks_and_numbers_of_a_body_that_is_read_too_do_no_harm)
{
    char *answer = response_of(" \n{\"n\": 12345678901234567890123.10 }\r\n");

    expect_read(origin_answering(answer, 0), "{it.body/n}", "12345678901234567890123.10",
                "{\"n\":12345678901234567890123.10}");
    free(answer);
}
