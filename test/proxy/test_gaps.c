/* What the client gets when a call that is not the answer does not succeed: its response when it is
 * required, a gap that is told of when it is optional. */
#include <criterion/criterion.h>
#include <string.h>

#include "test/support/world.h"

TestSuite(gaps, .timeout = 300);

#define REDIRECT                                                     \
    "HTTP/1.1 302 Found\r\nLocation: https://login.test/?next=1\r\n" \
    "Content-Length: 5\r\n\r\nthere"

/* Three calls, one by one; the keys of each may follow. */
static struct world *before(struct origin *check, struct origin *more, const char *trust,
                            const char *keys)
{
    return world_start(WORLD_PROXY "%s" WORLD_BUDGET "default = 3s\n"
                                   "[upstream check]\nurl = http://127.0.0.1:%u\n"
                                   "[upstream more]\nurl = http://127.0.0.1:%u\n"
                                   "[route r]\nmatch = /*\nsteps = check, more, answer\n"
                                   "[call r.answer]\nupstream = more\n"
                                   "[call r.check]\nupstream = check\nrequest = GET /check\n"
                                   "%s",
                       trust, origin_port(check), origin_port(more), keys);
}

#define MORE "[call r.more]\nupstream = more\nrequest = GET /more\n"

Test(gaps, redirect_of_a_required_call_goes_to_the_client_as_it_is)
{
    struct origin *more = origin_answering(ANSWER_OK, 0);
    struct world *world = before(origin_answering(REDIRECT, 0), more, "", MORE);
    const struct reply *reply = world_get(world, "/", "");

    cr_expect_eq(reply->status, 302);
    cr_expect_eq(reply->end, REPLY_COMPLETE);
    cr_expect_str_eq(reply_header(reply, "Location"), "https://login.test/?next=1");
    cr_expect_eq(origin_requests(more), 0, "nothing further is asked");
    cr_expect(LOGS(world, "status=302", "call=check", "check:status:"));
    world_stop(world);
}

Test(gaps, redirect_of_an_optional_call_leaves_a_gap)
{
    struct origin *more = origin_answering(ANSWER_OK, 0);
    struct world *world = before(origin_answering(REDIRECT, 0), more, "", "optional = yes\n" MORE);
    const struct reply *reply = world_get(world, "/", "");

    cr_expect_eq(reply->status, 200);
    cr_expect_str_eq(reply->body, "ok");
    cr_expect_str_eq(reply_header(reply, "Location"), "");
    cr_expect_str_eq(reply_header(reply, "X-Budget-Partial"), "check");
    cr_expect_eq(origin_requests(more), 2);
    cr_expect(LOGS(world, "status=200", "outcome=ok", "check:status:", "more:ok:", "answer:ok:"));
    world_stop(world);
}

Test(gaps, redirect_of_the_answer_is_an_answer)
{
    struct origin *more = ORIGIN({.deeds = {SEND(ANSWER_OK)}}, {.deeds = {SEND(REDIRECT)}});
    struct world *world = before(origin_answering(ANSWER_OK, 0), more, "", MORE);

    cr_expect_eq(world_get(world, "/", "")->status, 302);
    cr_expect(LOGS(world, "status=302", "outcome=ok", "answer:ok:"));
    world_stop(world);
}

static struct origin *failing_once(void)
{
    return ORIGIN({.deeds = {SEND("HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n")}},
                  {.deeds = {SEND(ANSWER_OK)}});
}

/* Names of calls are the operator's; how many are missing is the client's. */
Test(gaps, client_that_is_not_trusted_is_told_their_number_and_no_names)
{
    static const struct {
        const char *keys;
        const char *trusted;
        const char *untrusted;
    } cases[] = {
        {"optional = yes\n" MORE, "check", "1"},
        {"optional = yes\n" MORE "optional = yes\n", "check, more", "2"},
    };

    for (size_t i = 0; i < 4; i++) {
        bool is_trusted = i % 2 == 0;
        struct origin *sad = origin_answering("HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n", 0);
        struct origin *more = i < 2 ? origin_answering(ANSWER_OK, 0) : failing_once();
        struct world *world =
            before(sad, more, is_trusted ? "" : "trust = unix\n", cases[i / 2].keys);
        const struct reply *reply = world_get(world, "/", "");

        cr_expect_eq(reply->status, 200);
        cr_expect_str_eq(reply_header(reply, "X-Budget-Partial"),
                         is_trusted ? cases[i / 2].trusted : cases[i / 2].untrusted);
        cr_expect(is_trusted || strstr(reply->message.head, "check") == NULL, "%s",
                  reply->message.head);
        world_stop(world);
    }
}

Test(gaps, answer_without_a_gap_says_nothing_of_them)
{
    struct world *world = before(origin_answering(ANSWER_OK, 0), origin_answering(ANSWER_OK, 0), "",
                                 "optional = yes\n" MORE);
    const struct reply *reply = world_get(world, "/", "");

    cr_expect_eq(reply->status, 200);
    cr_expect_null(message_header(&reply->message, "X-Budget-Partial", 0));
    world_stop(world);
}
