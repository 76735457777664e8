/* Templates and JSON: pointers into what a call has answered, and bodies made of it. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/support/world.h"

TestSuite(templates_json, .timeout = 300);

struct pair {
    char *answer; /* owned */
    struct world *world;
    struct origin *first;
    struct origin *second;
};

static struct pair before(const char *json, const char *first_keys, const char *second_keys)
{
    char *answer = NULL;

    cr_assert_gt(
        asprintf(&answer, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s", strlen(json), json),
        0);
    struct origin *first = origin_answering(answer, 0);
    struct origin *second = origin_answering(ANSWER_OK, 0);

    return (struct pair){
        .answer = answer,
        .first = first,
        .second = second,
        .world = world_start(WORLD_PATIENT "[upstream first]\nurl = http://127.0.0.1:%u\n"
                                           "[upstream second]\nurl = http://127.0.0.1:%u\n"
                                           "[route r]\nmatch = /r/{id}\nsteps = first, second\n"
                                           "[call r.first]\nupstream = first\n"
                                           "request = GET /first\n%s"
                                           "[call r.second]\nupstream = second\n%s",
                             origin_port(first), origin_port(second), first_keys, second_keys),
    };
}

static void after(struct pair *it)
{
    world_stop(it->world);
    free(it->answer);
}

static const char *sent(struct pair *it, const char *name)
{
    const char *value = message_header(&origin_request(it->second, 0)->message, name, 0);

    return value != NULL ? value : "(none)";
}

/* ---- pointers --------------------------------------------------------------------------------- */

#define DOCUMENT                                                                           \
    "{\"a\": {\"b\": [10, {\"c\": \"x y\"}, true, null, false]}, \"m~n\": 1, \"s/t\": 2, " \
    "\"\": 3, \"f\": 19.99, \"k\": 0.1, \"neg\": -7, \"e\": \"\", \"u\": \"\\u00fc\", "    \
    "\"0\": \"zero\", \"~1\": \"tilde\"}"

Test(templates_json, pointer_finds_what_rfc_6901_says)
{
    static const struct {
        const char *pointer;
        const char *value;
    } cases[] = {
        {"/a/b/0", "10"},
        {"/a/b/1/c", "x y"},
        {"/a/b/2", "true"},
        {"/a/b/4", "false"},
        {"/a/b/-", "none"},
        {"/a/b/5", "none"},
        {"/a/b/00", "none"},
        {"/a/b/+1", "none"},
        {"/a/b/0/x", "none"},
        {"/a/b/x", "none"},
        {"/a/b/1/d", "none"},
        {"/nope", "none"},
        {"/a/b/99999999999999999999", "none"},
        {"/m~0n", "1"},
        {"/s~1t", "2"},
        {"/", "3"},
        {"/neg", "-7"},
        {"/e", ""},
        {"/u", "\xc3\xbc"},
        {"/0", "zero"},
        {"/~01", "tilde"},
        {"/A", "none"},
        {"/a/b/1/c/x", "none"},
        {"/a/b", "[10,{\"c\":\"x y\"},true,null,false]"},
    };
    enum { CASES = sizeof(cases) / sizeof(*cases) };
    char keys[CASES * 60] = "";

    for (size_t i = 0; i < CASES; i++) {
        size_t used = strlen(keys);
        snprintf(keys + used, sizeof(keys) - used, "header = X-%zu: {first.body%s|none}\n", i,
                 cases[i].pointer);
    }
    struct pair it = before(DOCUMENT, "", keys);
    cr_assert_eq(world_get(it.world, "/r/7", "")->status, 200);
    for (size_t i = 0; i < CASES; i++) {
        char name[8];
        snprintf(name, sizeof(name), "X-%zu", i);
        const char *value = *cases[i].value ? cases[i].value : "(none)"; /* empty: not sent */
        cr_expect_str_eq(sent(&it, name), value, "%s is %s", cases[i].pointer, sent(&it, name));
    }
    after(&it);
}

/* 19.99 that comes out as 19.989999999999998 is another price. */
Test(templates_json, numbers_are_passed_on_as_they_were_written)
{
    static const char *const numbers[] = {"19.99",
                                          "0.1",
                                          "-7.25",
                                          "1234.56",
                                          "9007199254740993",
                                          "9223372036854775807",
                                          "12345678901234567890"};
    enum { NUMBERS = sizeof(numbers) / sizeof(*numbers) };

    for (size_t i = 0; i < NUMBERS; i++) {
        char json[60];
        snprintf(json, sizeof(json), "{\"n\": %s}", numbers[i]);
        struct pair it = before(json, "", "header = X-N: {first.body/n}\n");
        cr_expect_eq(world_get(it.world, "/r/7", "")->status, 200, "%s", numbers[i]);
        if (origin_requests(it.second) > 0)
            cr_expect_str_eq(sent(&it, "X-N"), numbers[i]);
        after(&it);
    }
}

Test(templates_json, body_that_is_no_json_has_no_values)
{
    static const char *const bodies[] = {
        "",           "hello",    "{\"u\":",         "{'u':1}", "[1,2", "{\"u\":1} extra",
        "{\"u\":01}", "<u>1</u>", "{\"u\":\"\xff\"}"};

    for (size_t i = 0; i < sizeof(bodies) / sizeof(*bodies); i++) {
        struct pair it = before(bodies[i], "", "header = X-U: {first.body/u}\n");
        const struct reply *reply = world_get(it.world, "/r/7", "");
        cr_expect_eq(reply->status, 502, "%s", bodies[i]);
        cr_expect_eq(origin_connections(it.second), 0, "%s", bodies[i]);
        after(&it);
    }
}

Test(templates_json, default_stands_in_for_a_body_that_is_no_json)
{
    struct pair it = before("hello", "", "header = X-U: {first.body/u|none}\n");

    cr_expect_eq(world_get(it.world, "/r/7", "")->status, 200);
    cr_expect_str_eq(sent(&it, "X-U"), "none");
    after(&it);
}

/* Deep enough to end a parser that calls itself for each level. */
Test(templates_json, deep_nesting_does_no_harm)
{
    enum { LEVELS = 200000 };
    char *json = malloc(2 * LEVELS + 1);

    memset(json, '[', LEVELS);
    memset(json + LEVELS, ']', LEVELS);
    json[2 * LEVELS] = '\0';
    struct pair it = before(json, "", "header = X-U: {first.body/u|none}\n");
    int status = world_get(it.world, "/r/7", "")->status;
    cr_expect(status == 200 || status == 502, "%d", status);
    cr_expect_eq(world_get(it.world, "/r/8", "")->status, status, "it still answers");
    after(&it);
    free(json);
}

/* ---- how much is kept ------------------------------------------------------------------------- */

static struct pair sized(size_t count, const char *more)
{
    char *json = malloc(count + 1);
    char keys[100];

    memset(json, ' ', count);
    memcpy(json, "{\"u\":1}", 7);
    json[count] = '\0';
    snprintf(keys, sizeof(keys), "max-body = 1KiB\n%s", more);
    struct pair it = before(json, keys, "header = X-U: {first.body/u|none}\n");
    free(json);
    return it;
}

Test(templates_json, body_of_just_max_body_is_kept_and_one_byte_more_fails_the_call)
{
    struct pair it = sized(1024, "");
    cr_expect_eq(world_get(it.world, "/r/7", "")->status, 200);
    cr_expect_str_eq(sent(&it, "X-U"), "1");
    after(&it);

    it = sized(1025, "");
    const struct reply *reply = world_get(it.world, "/r/7", "");
    cr_expect_eq(reply->status, 502);
    cr_expect_str_eq(reply_member(reply, "call"), "first");
    cr_expect_eq(origin_connections(it.second), 0);
    cr_expect(LOGS(it.world, "first:too_large"));
    after(&it);

    it = sized(1000000, "optional = yes\n");
    reply = world_get(it.world, "/r/7", "");
    cr_expect_eq(reply->status, 200);
    cr_expect_str_eq(reply_header(reply, "X-Budget-Partial"), "first");
    cr_expect_str_eq(sent(&it, "X-U"), "none");
    after(&it);
}

/* ---- bodies ----------------------------------------------------------------------------------- */

static const char *body_sent(struct pair *it)
{
    return origin_body(it->second, 0)->message.body;
}

Test(templates_json, body_holds_values_as_json)
{
    struct pair it =
        before("{\"n\":5,\"s\":\"q\\\"uo\\\\te\\n\",\"o\":{\"k\":[1]},\"z\":null}", "",
               "request = POST /x\nbody = {{\"id\": \"{id}\", \"n\": {first.body/n}, "
               "\"s\": {first.body/s}, \"t\": \"<{first.body/s}>\", \"o\": {first.body/o}, "
               "\"z\": {first.body/z}, \"st\": {first.status}, \"q\": \"{query.q|-}\"}}\n");

    cr_assert_eq(world_get(it.world, "/r/a%22b?q=%0D%0A%22,%22evil%22:%5C", "")->status, 200);
    cr_expect_str_eq(body_sent(&it),
                     "{\"id\": \"a\\\"b\", \"n\": 5, \"s\": \"q\\\"uo\\\\te\\n\", "
                     "\"t\": \"<q\\\"uo\\\\te\\n>\", \"o\": {\"k\":[1]}, \"z\": null, \"st\": 200, "
                     "\"q\": \"\\r\\n\\\",\\\"evil\\\":\\\\\"}");
    char length[20];
    snprintf(length, sizeof(length), "%zu", origin_body(it.second, 0)->message.body_count);
    cr_expect_str_eq(sent(&it, "Content-Length"), length);
    cr_expect_str_eq(sent(&it, "Content-Type"), "application/json");
    after(&it);
}

Test(templates_json, body_without_a_pointer_is_the_whole_of_it)
{
    static const struct {
        const char *answer;
        const char *header;
        const char *body;
    } cases[] = {
        {"\r\n{\"a\": [1, \"x y\"]}\n", "{\"a\":[1,\"x y\"]}",
         "{\"of\": {\"a\": [1, \"x y\"]}, \"is\": \"{\\\"a\\\":[1,\\\"x y\\\"]}\"}"},
        {" \"q\\\"uo\" ", "q\"uo", "{\"of\": \"q\\\"uo\", \"is\": \"q\\\"uo\"}"},
        {"-1.50\n", "-1.50", "{\"of\": -1.50, \"is\": \"-1.50\"}"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct pair it = before(cases[i].answer, "",
                                "request = POST /x\nheader = X-All: {first.body}\n"
                                "body = {{\"of\": {first.body}, \"is\": \"{first.body}\"}}\n");
        cr_assert_eq(world_get(it.world, "/r/7", "")->status, 200, "%s", cases[i].answer);
        cr_expect_str_eq(sent(&it, "X-All"), cases[i].header);
        cr_expect_str_eq(body_sent(&it), cases[i].body);
        after(&it);
    }
    struct pair it = before("no JSON", "", "header = X-All: {first.body|none}\n");
    cr_assert_eq(world_get(it.world, "/r/7", "")->status, 200);
    cr_expect_str_eq(sent(&it, "X-All"), "none");
    after(&it);
}

Test(templates_json, value_outside_a_string_cannot_add_a_member)
{
    static const struct {
        const char *value;
        bool is_fine;
    } cases[] = {{"5", true},
                 {"-1.5e3", true},
                 {"true", true},
                 {"null", true},
                 {"1,%22e%22:2", false},
                 {"%22x%22", false},
                 {"x", false},
                 {"", false},
                 {"01", false},
                 {"1%7D", false},
                 {"NaN", false}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct pair it = before("{}", "", "request = POST /x\nbody = {{\"n\": {query.n}}}\n");
        char path[60];
        snprintf(path, sizeof(path), "/r/7?n=%s", cases[i].value);
        cr_expect_eq(world_get(it.world, path, "")->status, cases[i].is_fine ? 200 : 400, "%s",
                     path);
        cr_expect_eq(origin_requests(it.second), cases[i].is_fine ? 1 : 0, "%s", path);
        after(&it);
    }
}

Test(templates_json, body_says_what_it_is_unless_the_call_says_it)
{
    static const struct {
        const char *keys;
        const char *type;
    } cases[] = {
        {"body = {{\"id\": \"{id}\"}}\n", "application/json"},
        {"body = hello\n", "text/plain"},
        {"body = hello\nheader = Content-Type: text/csv\n", "text/csv"},
        {"body = {{\"id\": \"{id}\"}}\nheader = content-type: application/problem+json\n",
         "application/problem+json"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char keys[200];
        snprintf(keys, sizeof(keys), "request = POST /x\n%s", cases[i].keys);
        struct pair it = before("{}", "", keys);
        cr_assert_eq(world_ask(it.world, "POST /r/7 HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n"
                                         "Content-Type: application/mine\r\n\r\nab")
                         ->status,
                     200);
        cr_expect_str_eq(sent(&it, "Content-Type"), cases[i].type);
        cr_expect_null(message_header(&origin_request(it.second, 0)->message, "Content-Type", 1));
        cr_expect_null(strstr(body_sent(&it), "ab"), "the client's body stays here");
        after(&it);
    }
}

/* What max-body lets in, a body that is made of it can hold. */
Test(templates_json, large_value_goes_into_a_body)
{
    enum { COUNT = 100 * 1024 };
    char *json = malloc(COUNT + 100);

    strcpy(json, "{\"s\":\"");
    memset(json + 6, 'x', COUNT);
    strcpy(json + 6 + COUNT, "\"}");
    struct pair it = before(json, "", "request = POST /x\nbody = {{\"s\": {first.body/s}}}\n");
    cr_expect_eq(world_get(it.world, "/r/7", "")->status, 200);
    if (origin_requests(it.second) > 0)
        cr_expect_eq(origin_body(it.second, 0)->message.body_count, COUNT + 9);
    after(&it);
    free(json);
}
