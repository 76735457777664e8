/* A call that stands in for one that has failed: when it is made, what it is told and given, and
 * what the client sees of it. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "test/support/world.h"

TestSuite(stand_ins, .timeout = 300);

#define ANSWER(status, length, text) \
    "HTTP/1.1 " status " So\r\nContent-Length: " length "\r\nX-Who: live\r\n\r\n" text
#define SAD ANSWER("503", "3", "sad")
#define KEPT "HTTP/1.1 200 OK\r\nContent-Length: 6\r\nX-Who: kept\r\n\r\n[\"ke\"]"
#define END "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nend"

/* Two calls, live and kept, of which kept stands in; and perhaps a third, end. */
struct scene {
    struct world *world;
    struct origin *live;
    struct origin *kept;
    struct origin *end;
};

/* keys: of the section of live, and what follows it. Ends in the section of kept. */
static struct scene before(struct origin *live, struct origin *kept, const char *steps,
                           const char *keys)
{
    struct scene scene = {.live = live, .kept = kept, .end = origin_answering(END, 0)};

    scene.world = world_start(
        WORLD_PATIENT "[upstream live]\nurl = http://127.0.0.1:%u\n"
                      "[upstream kept]\nurl = http://127.0.0.1:%u\n"
                      "[upstream end]\nurl = http://127.0.0.1:%u\n"
                      "[route r]\nmatch = /*\nsteps = %s\n"
                      "%s[call r.live]\nupstream = live\nrequest = GET /live\n%s"
                      "[call r.kept]\nupstream = kept\nrequest = GET /kept\n",
        live != NULL ? origin_port(live) : 1, origin_port(kept), origin_port(scene.end), steps,
        strstr(steps, "end") == NULL
            ? ""
            : "[call r.end]\nupstream = end\nrequest = GET /end\n"
              "header = X-Live: {live.status|-} {live.header.x-who|-} {live.body/0|-}\n",
        keys);
    return scene;
}

#define FALLS "fallback = call kept\n"

static struct origin *says(const char *answer)
{
    return origin_answering(answer, 0);
}

static const char *sent(struct origin *origin, size_t n, const char *name)
{
    const char *value = message_header(&origin_request(origin, n)->message, name, 0);

    return value != NULL ? value : "";
}

/* ---- for the answer --------------------------------------------------------------------------- */

Test(stand_ins, failure_before_the_head_is_answered_by_the_other)
{
    static const struct {
        struct script live;
        const char *log;
    } failures[] = {
        {{.deeds = {SEND(SAD)}}, "live:"},
        {{.deeds = {SEND(ANSWER("500", "3", "sad"))}}, "live:"},
        {{.deeds = {CLOSE}}, "live:broken:"},
        {{.deeds = {RESET}}, "live:broken:"},
        {{.deeds = {SEND("HTTP/1.1 200 OK\r\nContent-Le"), CLOSE}}, "live:broken:"},
        {{.deeds = {SEND("babble\r\n\r\n"), CLOSE}}, "live:invalid:"},
        {{.deeds = {SILENCE}}, "live:timeout:"},
    };

    for (size_t i = 0; i < sizeof(failures) / sizeof(*failures); i++) {
        struct scene it =
            before(ORIGIN(failures[i].live), says(KEPT), "live", "budget = 500ms\n" FALLS);
        const struct reply *reply = world_get(it.world, "/", "X-Mine: 1\r\n");

        cr_expect_eq(reply->status, 200, "failure %zu", i);
        cr_expect_eq(reply->end, REPLY_COMPLETE);
        cr_expect_str_eq(reply->body, "[\"ke\"]");
        cr_expect_str_eq(reply_header(reply, "X-Who"), "kept");
        cr_expect_null(message_header(&reply->message, "X-Budget-Partial", 0));
        cr_expect_not_null(strstr(reply_header(reply, "Server-Timing"), "live;dur="));
        cr_expect_not_null(strstr(reply_header(reply, "Server-Timing"), "kept;dur="));
        cr_expect_str_eq(origin_request(it.kept, 0)->message.start, "GET /kept HTTP/1.1");
        cr_expect_str_eq(sent(it.kept, 0, "X-Mine"), "1");
        cr_expect_str_eq(sent(it.kept, 0, "X-Request-Id"), sent(it.live, 0, "X-Request-Id"));
        cr_expect_eq(origin_requests(it.kept), 1);
        cr_expect(LOGS(it.world, "status=200", "outcome=ok", failures[i].log, "kept:ok:"),
                  "failure %zu", i);
        world_stop(it.world);
    }
}

Test(stand_ins, refused_connection_is_answered_by_the_other)
{
    struct scene it = before(NULL, says(KEPT), "live", FALLS);

    cr_expect_str_eq(world_get(it.world, "/", "")->body, "[\"ke\"]");
    cr_expect(LOGS(it.world, "status=200", "live:refused:", "kept:ok:"));
    world_stop(it.world);
}

Test(stand_ins, none_is_made_for_an_answer_below_500)
{
    static const char *const answers[] = {ANSWER("200", "3", "yes"), ANSWER("302", "3", "off"),
                                          ANSWER("404", "3", "not"), ANSWER("429", "3", "too")};

    for (size_t i = 0; i < sizeof(answers) / sizeof(*answers); i++) {
        struct scene it = before(says(answers[i]), says(KEPT), "live", FALLS);

        cr_expect_eq(world_get(it.world, "/", "")->status, atoi(answers[i] + 9));
        cr_expect_eq(origin_requests(it.kept), 0);
        cr_expect(LOGS(it.world, "live:ok:"));
        world_stop(it.world);
    }
}

Test(stand_ins, answer_that_has_begun_is_not_begun_again)
{
    static const struct script ends[] = {
        {.deeds = {SEND("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfi"), WAIT_MS(50), CLOSE}},
        {.deeds = {SEND("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfi"), SILENCE}},
    };

    for (size_t i = 0; i < 2; i++) {
        struct scene it = before(ORIGIN(ends[i]), says(KEPT), "live", "budget = 600ms\n" FALLS);
        const struct reply *reply = world_get(it.world, "/", "");

        cr_expect_eq(reply->status, 200);
        cr_expect_eq(reply->end, REPLY_TRUNCATED);
        cr_expect_str_eq(reply->body, "fi");
        cr_expect_eq(origin_requests(it.kept), 0);
        world_stop(it.world);
    }
}

Test(stand_ins, failure_of_both_is_told_in_the_words_of_the_other)
{
    struct scene it = before(says(SAD), says(ANSWER("500", "4", "none")), "live", FALLS);
    const struct reply *reply = world_get(it.world, "/", "");

    cr_expect_eq(reply->status, 500);
    cr_expect_str_eq(reply->body, "none");
    world_stop(it.world);

    it = before(says(SAD), ORIGIN({.deeds = {CLOSE}}), "live", FALLS);
    reply = world_get(it.world, "/", "");
    cr_expect_eq(reply->status, 502);
    cr_expect_str_eq(reply_member(reply, "call"), "kept");
    cr_expect(LOGS(it.world, "status=502", "call=kept", "kept:broken:"));
    world_stop(it.world);
}

Test(stand_ins, retries_come_first)
{
    struct scene it = before(says(SAD), says(KEPT), "live", "retries = 2\n" FALLS);

    cr_expect_str_eq(world_get(it.world, "/", "")->body, "[\"ke\"]");
    cr_expect_eq(origin_requests(it.live), 3);
    cr_expect_eq(origin_requests(it.kept), 1);
    cr_expect(LOGS(it.world, "attempts=3", "kept:ok:"));
    world_stop(it.world);
}

Test(stand_ins, head_request_is_answered_by_the_other)
{
    struct origin *live =
        ORIGIN({.deeds = {SEND("HTTP/1.1 503 Sad\r\nContent-Length: 3\r\n\r\n")}});
    struct origin *kept = ORIGIN({.deeds = {SEND("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n")}});
    struct world *world =
        world_start(WORLD_PATIENT "[upstream live]\nurl = http://127.0.0.1:%u\n"
                                  "[upstream kept]\nurl = http://127.0.0.1:%u\n"
                                  "[route r]\nmatch = /*\nsteps = live\n"
                                  "[call r.live]\nupstream = live\nfallback = call kept\n"
                                  "[call r.kept]\nupstream = kept\n",
                    origin_port(live), origin_port(kept));
    const struct reply *reply = world_ask(world, "HEAD / HTTP/1.1\r\nHost: h\r\n\r\n");

    cr_expect_eq(reply->status, 200);
    cr_expect_str_eq(reply_header(reply, "Content-Length"), "9");
    cr_expect_str_eq(origin_request(kept, 0)->message.start, "HEAD / HTTP/1.1");
    world_stop(world);
}

/* ---- for a call before the answer ------------------------------------------------------------- */

Test(stand_ins, later_call_sees_the_other_by_the_name_of_the_first)
{
    struct scene it = before(says(SAD), says(KEPT), "live, end", FALLS);
    const struct reply *reply = world_get(it.world, "/", "");

    cr_expect_eq(reply->status, 200);
    cr_expect_str_eq(reply->body, "end");
    cr_expect_str_eq(sent(it.end, 0, "X-Live"), "200 kept ke");
    cr_expect_null(message_header(&reply->message, "X-Budget-Partial", 0));
    cr_expect(LOGS(it.world, "status=200", "live:status:", "kept:ok:", "end:ok:"));
    world_stop(it.world);
}

Test(stand_ins, refusal_of_a_required_call_still_goes_to_the_client)
{
    static const char *const answers[] = {ANSWER("302", "3", "off"), ANSWER("401", "3", "who"),
                                          ANSWER("404", "3", "not")};

    for (size_t i = 0; i < sizeof(answers) / sizeof(*answers); i++) {
        struct scene it = before(says(answers[i]), says(KEPT), "live, end", FALLS);
        const struct reply *reply = world_get(it.world, "/", "");

        cr_expect_eq(reply->status, atoi(answers[i] + 9));
        cr_expect_str_eq(reply_header(reply, "X-Who"), "live");
        cr_expect_eq(origin_requests(it.kept) + origin_requests(it.end), 0);
        world_stop(it.world);
    }
}

Test(stand_ins, refusal_of_the_other_goes_to_the_client)
{
    struct scene it = before(says(SAD), says(ANSWER("401", "3", "who")), "live, end", FALLS);
    const struct reply *reply = world_get(it.world, "/", "");

    cr_expect_eq(reply->status, 401);
    cr_expect_str_eq(reply->body, "who");
    cr_expect_eq(origin_requests(it.end), 0);
    cr_expect(LOGS(it.world, "status=401", "call=kept", "live:status:", "kept:status:"));
    world_stop(it.world);
}

Test(stand_ins, optional_call_is_stood_in_for_whatever_is_wrong_with_it)
{
    static const struct script ends[] = {
        {.deeds = {SEND(ANSWER("302", "3", "off"))}},
        {.deeds = {SEND(ANSWER("404", "3", "not"))}},
        {.deeds = {SEND(SAD)}},
        {.deeds = {CLOSE}},
        {.deeds = {SILENCE}},
    };

    for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
        struct scene it = before(ORIGIN(ends[i]), says(KEPT), "live, end",
                                 "optional = yes\nbudget = 100ms\n" FALLS);
        const struct reply *reply = world_get(it.world, "/", "");

        cr_expect_eq(reply->status, 200);
        cr_expect_null(message_header(&reply->message, "X-Budget-Partial", 0), "end %zu", i);
        cr_expect_str_eq(sent(it.end, 0, "X-Live"), "200 kept ke", "end %zu", i);
        cr_expect(LOGS(it.world, "status=200", "live:", "kept:ok:", "end:ok:"));
        world_stop(it.world);
    }
}

Test(stand_ins, optional_call_of_which_both_fail_is_one_gap_by_its_own_name)
{
    static const char *const answers[] = {SAD, ANSWER("404", "3", "not")};

    for (size_t i = 0; i < 2; i++) {
        struct scene it =
            before(says(SAD), says(answers[i]), "live, end", "optional = yes\n" FALLS);
        const struct reply *reply = world_get(it.world, "/", "");

        cr_expect_eq(reply->status, 200);
        cr_expect_str_eq(reply_header(reply, "X-Budget-Partial"), "live");
        cr_expect_eq(origin_requests(it.kept), 1);
        cr_expect(LOGS(it.world, "status=200", "live:status:", "kept:status:", "end:ok:"));
        world_stop(it.world);
    }
}

/* ---- chains ----------------------------------------------------------------------------------- */

#define OLD "[call r.old]\nupstream = end\nrequest = GET /old\n"
#define CHAIN_OF_TWO(keys) \
    keys "fallback = call next\n[call r.next]\nupstream = live\nrequest = GET /next\n" FALLS

Test(stand_ins, chain_is_followed_to_the_first_that_answers)
{
    struct scene it = before(says(SAD), says(KEPT), "live, end", CHAIN_OF_TWO(""));

    cr_expect_eq(world_get(it.world, "/", "")->status, 200);
    cr_expect_str_eq(origin_request(it.live, 1)->message.start, "GET /next HTTP/1.1");
    cr_expect_str_eq(sent(it.end, 0, "X-Live"), "200 kept ke");
    cr_expect(LOGS(it.world, "live:status:", "next:status:", "kept:ok:", "end:ok:"));
    world_stop(it.world);

    it = before(ORIGIN({.deeds = {SEND(SAD)}}, {.deeds = {SEND(KEPT)}}), says(KEPT), "live, end",
                CHAIN_OF_TWO(""));
    cr_expect_eq(world_get(it.world, "/", "")->status, 200);
    cr_expect_eq(origin_requests(it.kept), 0);
    world_stop(it.world);
}

Test(stand_ins, body_at_the_end_of_a_chain_stands_for_the_gap)
{
    struct origin *live = says(SAD);
    struct origin *end = says(END);
    struct world *world = world_start(
        WORLD_PATIENT "[upstream u]\nurl = http://127.0.0.1:%u\n"
                      "[upstream end]\nurl = http://127.0.0.1:%u\n"
                      "[route r]\nmatch = /*\nsteps = live, end\n"
                      "[call r.end]\nupstream = end\nheader = X-Live: {live.body/0|-}\n"
                      "[call r.live]\nupstream = u\nrequest = GET /live\n"
                      "optional = yes\nfallback = call kept\n"
                      "[call r.kept]\nupstream = u\nrequest = GET /kept\nfallback = [\"none\"]\n",
        origin_port(live), origin_port(end));
    const struct reply *reply = world_get(world, "/", "");

    cr_expect_eq(reply->status, 200);
    cr_expect_eq(origin_requests(live), 2);
    cr_expect_str_eq(sent(end, 0, "X-Live"), "none");
    cr_expect_str_eq(reply_header(reply, "X-Budget-Partial"), "live");
    world_stop(world);
}
