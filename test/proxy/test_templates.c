/* Values that travel: from the client's request and from calls that are over, into the path, the
 * query, the headers and the body of a later call, and never out of the place they were meant for. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/support/world.h"

TestSuite(templates, .timeout = 300);

/* A first call, and a second one that is made up of what the first has brought. */
struct pair {
    struct world *world;
    struct origin *first;
    struct origin *second;
};

static struct pair before(const char *first_answer, const char *first_keys, const char *second_keys)
{
    struct origin *first = origin_answering(first_answer, 0);
    struct origin *second = origin_answering(ANSWER_OK, 0);

    return (struct pair){
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

static const char *sent(struct pair *it, size_t n, const char *name)
{
    const char *value = message_header(&origin_request(it->second, n)->message, name, 0);

    return value != NULL ? value : "(none)";
}

/* The second call was never made, and the client is told so: for what it has sent itself, or what
 * an upstream has, by the name of what was missing. */
static void expect_unfilled(struct pair *it, const struct reply *reply, int status,
                            const char *what)
{
    cr_expect_eq(reply->status, status, "%s: %d", what, reply->status);
    cr_expect_str_eq(reply_member(reply, "call"), "second", "%s", what);
    cr_expect_str_neq(reply_member(reply, "detail"), "", "%s", what);
    cr_expect_eq(origin_connections(it->second), 0, "%s", what);
}

/* ---- into the request line -------------------------------------------------------------------- */

#define PLACES "request = GET /a/{id}/z?q={query.q|none}&h={header.x-h|none}\n"

Test(templates, values_stay_inside_their_segment_and_their_query_parameter)
{
    static const struct {
        const char *path;
        const char *lines;
        const char *target;
    } cases[] = {
        {"/r/7", "", "/a/7/z?q=none&h=none"},
        {"/r/7?q=x", "X-H: y\r\n", "/a/7/z?q=x&h=y"},
        {"/r/A-z_0.9~", "", "/a/A-z_0.9~/z?q=none&h=none"},
        {"/r/a%2Fb", "", "/a/a%2Fb/z?q=none&h=none"},
        {"/r/a%2fb..", "", "/a/a%2Fb../z?q=none&h=none"},
        {"/r/a%3Fb%23c", "", "/a/a%3Fb%23c/z?q=none&h=none"},
        {"/r/a%20HTTP%2F1.1%0D%0A", "", "/a/a%20HTTP%2F1.1%0D%0A/z?q=none&h=none"},
        {"/r/%C3%BC", "", "/a/%C3%BC/z?q=none&h=none"},
        {"/r/%2541", "", "/a/%2541/z?q=none&h=none"},
        {"/r/7?q=a+b%20c", "", "/a/7/z?q=a%20b%20c&h=none"},
        {"/r/7?q=a%2Bb", "", "/a/7/z?q=a%2Bb&h=none"},
        {"/r/7?q=1%26h%3D2%23", "", "/a/7/z?q=1%26h%3D2%23&h=none"},
        {"/r/7?q=a=b", "", "/a/7/z?q=a%3Db&h=none"},
        {"/r/7?q=%zz%4", "", "/a/7/z?q=%25zz%254&h=none"},
        {"/r/7?q=%0D%0AX-Evil:%201", "", "/a/7/z?q=%0D%0AX-Evil%3A%201&h=none"},
        {"/r/7?q=%00", "", "/a/7/z?q=%00&h=none"},
        {"/r/7?q=", "", "/a/7/z?q=&h=none"},
        {"/r/7?qq=1&q=2&q=3", "", "/a/7/z?q=2&h=none"},
        {"/r/7?%71=5", "", "/a/7/z?q=5&h=none"},
        {"/r/7?&&q=5&", "", "/a/7/z?q=5&h=none"},
        {"/r/7?Q=5", "", "/a/7/z?q=none&h=none"},
        {"/r/7", "X-H: a b?c#d/e&f%41\r\n", "/a/7/z?q=none&h=a%20b%3Fc%23d%2Fe%26f%2541"},
        {"/r/7", "x-h: 1\r\nX-H: 2\r\n", "/a/7/z?q=none&h=1"},
    };
    struct pair it = before(ANSWER_OK, "", PLACES);

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char start[200];
        cr_assert_eq(world_get(it.world, cases[i].path, cases[i].lines)->status, 200, "%s",
                     cases[i].path);
        snprintf(start, sizeof(start), "GET %s HTTP/1.1", cases[i].target);
        cr_expect_str_eq(origin_request(it.second, i)->message.start, start);
    }
    cr_expect_eq(origin_requests(it.second), sizeof(cases) / sizeof(*cases));
    world_stop(it.world);
}

/* "..", ".", and nothing at all would be another path than the one that is written there. */
Test(templates, value_that_would_climb_or_vanish_is_not_put_into_a_path)
{
    static const char *const values[] = {"..", ".", "%2e%2e", "%2e", ""};
    struct pair it = before(ANSWER_OK, "", "request = GET /a/{query.q}/z\n");

    for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
        char path[40];
        snprintf(path, sizeof(path), "/r/7?q=%s", values[i]);
        expect_unfilled(&it, world_get(it.world, path, ""), 400, path);
    }
    cr_expect_eq(world_get(it.world, "/r/7?q=...", "")->status, 200);
    cr_expect_str_eq(origin_request(it.second, 0)->message.start, "GET /a/.../z HTTP/1.1");
    world_stop(it.world);
}

Test(templates, segment_of_dots_of_the_client_never_climbs)
{
    struct pair it = before(ANSWER_OK, "", "request = GET /a/{id}/z\n");

    cr_expect_neq(world_get(it.world, "/r/%2E%2E", "")->status, 200);
    cr_expect_neq(world_get(it.world, "/r/..", "")->status, 200);
    cr_expect_eq(origin_connections(it.second), 0);
    world_stop(it.world);
}

Test(templates, what_an_upstream_says_stays_inside_its_place_too)
{
    struct pair it =
        before("HTTP/1.1 201 Made\r\nX-T: t/u?v#w x&y\r\nContent-Length: 33\r\n\r\n"
               "{\"u\":\"a/../b\\r\\nX-Evil:1 \\u00fc\"}",
               "", "request = GET /a/{first.body/u}/{first.status}?t={first.header.x-t}&k=1\n");

    cr_expect_eq(world_get(it.world, "/r/7", "")->status, 200);
    cr_expect_str_eq(origin_request(it.second, 0)->message.start,
                     "GET /a/a%2F..%2Fb%0D%0AX-Evil%3A1%20%C3%BC/201?t=t%2Fu%3Fv%23w%20x%26y&k=1 "
                     "HTTP/1.1");
    cr_expect_str_eq(sent(&it, 0, "X-Evil"), "(none)");
    world_stop(it.world);
}

/* ---- into headers ----------------------------------------------------------------------------- */

Test(templates, no_value_ends_a_header)
{
    static const char *const values[] = {
        "a%0D%0AX-Evil:1",         "a%0AX-Evil:1", "a%0DX-Evil:1", "a%00b",
        "%0D%0A%0D%0AGET%20/evil", "a%7Fb",        "a%01"};
    struct pair it = before(ANSWER_OK, "", "header = X-User: u-{query.u|anon}\n");

    for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
        char path[100];
        snprintf(path, sizeof(path), "/r/7?u=%s", values[i]);
        expect_unfilled(&it, world_get(it.world, path, ""), 400, path);
    }
    cr_expect(LOGS(it.world, "status=400", "second:unfilled", "unfilled={query.u}"));
    cr_expect_eq(world_get(it.world, "/r/7?u=ann+lee%C3%BC%3A;,", "")->status, 200);
    cr_expect_str_eq(sent(&it, 0, "X-User"), "u-ann lee\xc3\xbc:;,");
    cr_expect_eq(world_get(it.world, "/r/7", "")->status, 200);
    cr_expect_str_eq(sent(&it, 1, "X-User"), "u-anon");
    world_stop(it.world);
}

Test(templates, header_of_the_call_takes_the_place_of_what_the_client_sent)
{
    struct pair it = before(ANSWER_OK, "", "header = X-User: {first.status}\n");

    cr_assert_eq(world_get(it.world, "/r/7", "X-User: root\r\nx-user: root\r\n")->status, 200);
    cr_expect_str_eq(sent(&it, 0, "X-User"), "200");
    cr_expect_null(message_header(&origin_request(it.second, 0)->message, "X-User", 1));
    world_stop(it.world);
}

Test(templates, line_end_in_a_json_string_ends_no_header)
{
    struct pair it = before("HTTP/1.1 200 OK\r\nContent-Length: 22\r\n\r\n"
                            "{\"u\":\"a\\r\\nX-Evil: 1\"}",
                            "", "header = X-User: {first.body/u}\n");

    expect_unfilled(&it, world_get(it.world, "/r/7", ""), 502, "from JSON");
    world_stop(it.world);
}

/* Whatever is done about such an answer: nothing of it goes on. */
Test(templates, control_character_in_a_header_of_an_upstream_goes_nowhere)
{
    static const char *const lines[] = {"X-T: a\rX-Evil: 1", "X-T: a\nX-Evil : 1", "X-T: a\r\n b",
                                        "X-T: a\x01z", "X-T: a\x7fz"};

    for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
        char answer[200];
        snprintf(answer, sizeof(answer), "HTTP/1.1 200 OK\r\n%s\r\nContent-Length: 2\r\n\r\nok",
                 lines[i]);
        struct pair it = before(answer, "", "header = X-User: {first.header.x-t}\n");
        cr_expect_eq(world_get(it.world, "/r/7", "")->status, 502, "case %zu", i);
        cr_expect_eq(origin_connections(it.second), 0, "case %zu", i);
        world_stop(it.world);
    }
}

Test(templates, optional_call_without_its_value_leaves_a_gap)
{
    struct origin *first = origin_answering(ANSWER_OK, 0);
    struct origin *answer = origin_answering(ANSWER_OK, 0);
    struct world *world = world_start(
        WORLD_PATIENT "[upstream first]\nurl = http://127.0.0.1:%u\n"
                      "[upstream answer]\nurl = http://127.0.0.1:%u\n"
                      "[route r]\nmatch = /r\nsteps = first, answer\n"
                      "[call r.first]\nupstream = first\nrequest = GET /f\noptional = yes\n"
                      "header = X-User: {query.u}\n[call r.answer]\nupstream = answer\n",
        origin_port(first), origin_port(answer));

    static const char *const paths[] = {"/r", "/r?u=a%0D%0Ab"};
    for (size_t i = 0; i < 2; i++) {
        const struct reply *reply = world_get(world, paths[i], "");
        cr_expect_eq(reply->status, 200);
        cr_expect_str_eq(reply_header(reply, "X-Budget-Partial"), "first");
    }
    cr_expect_eq(origin_connections(first), 0);
    world_stop(world);
}

Test(templates, missing_value_fails_its_call_with_a_reason)
{
    static const struct {
        const char *keys;
        int status;
        const char *missing;
    } cases[] = {
        {"request = GET /a/{query.q}\n", 400, "{query.q}"},
        {"request = GET /a?b={header.x-h}\n", 400, "{header.x-h}"},
        {"header = X: {query.q}\n", 400, "{query.q}"},
        {"header = X: {header.x-h}\n", 400, "{header.x-h}"},
        {"header = X: {first.header.x-t}\n", 502, "{first.header.x-t}"},
        {"header = X: {first.body/a}\n", 502, "{first.body/a}"},
        {"request = POST /b\nbody = {{\"a\": \"{query.q}\"}}\n", 400, "{query.q}"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct pair it = before(ANSWER_OK, "", cases[i].keys);
        const struct reply *reply = world_get(it.world, "/r/7", "");
        expect_unfilled(&it, reply, cases[i].status, cases[i].keys);
        cr_expect_eq(reply_number(reply, "status"), cases[i].status);
        cr_expect_not_null(strstr(reply_member(reply, "detail"), cases[i].missing), "%s",
                           reply_member(reply, "detail"));
        world_stop(it.world);
    }
}

/* The answer was there, but it is a gap: there is no status and no header of it, only a fallback. */
Test(templates, gap_gives_defaults_and_its_fallback)
{
    struct pair it =
        before("HTTP/1.1 503 No\r\nX-T: t\r\nContent-Length: 7\r\n\r\n{\"u\":1}",
               "optional = yes\nfallback = {\"u\": \"fell\"}\n",
               "header = X-U: {first.body/u|none}\nheader = X-V: {first.body/v|none}\n");

    cr_expect_eq(world_get(it.world, "/r/7", "")->status, 200);
    cr_expect_str_eq(sent(&it, 0, "X-U"), "fell");
    cr_expect_str_eq(sent(&it, 0, "X-V"), "none");
    world_stop(it.world);
}
