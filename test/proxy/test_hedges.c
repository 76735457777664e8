/* A second attempt that races a slow first one: when it is made, which of the two answers, and what
 * becomes of the other. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "test/support/world.h"

TestSuite(hedges, .timeout = 300);

#define SAD "HTTP/1.1 503 Sad\r\nContent-Length: 3\r\nX-Sad: yes\r\n\r\nsad"
#define SAYS(length, text) "HTTP/1.1 200 OK\r\nContent-Length: " length "\r\n\r\n" text
#define FIRST SAYS("5", "first")
#define SECOND SAYS("6", "second")
#define RACED AWAIT_REQUESTS(2)

#define WORLD_HEDGES                                                         \
    WORLD_PATIENT "[route r]\nmatch = /*\nsteps = it\n"                      \
                  "[upstream u]\nurl = http://127.0.0.1:%u\n%s[call r.it]\n" \
                  "upstream = u\nhedge = "

/* A call that is hedged after 50 ms; further keys of its own and of its upstream. */
static struct world *before(struct origin *origin, const char *upstream_keys, const char *keys)
{
    return world_start(WORLD_HEDGES "50ms\n%s", origin_port(origin), upstream_keys, keys);
}

/* The same after 600 ms: an answer that comes at once is earlier than that on any machine. */
static struct world *before_late(struct origin *origin, const char *upstream_keys, const char *keys)
{
    return world_start(WORLD_HEDGES "600ms\n%s", origin_port(origin), upstream_keys, keys);
}

static const char *sent(struct origin *origin, size_t n, const char *name)
{
    const char *value = message_header(&origin_request(origin, n)->message, name, 0);

    return value != NULL ? value : "";
}

static double hedges(const struct world *world, const char *what)
{
    char name[60];

    snprintf(name, sizeof(name), "hourglass_upstream_hedges_%stotal{", what);
    return world_metric(world, name, "upstream=\"u\"");
}

/* The connection of the n-th request is ended by the proxy. */
static void expect_dropped(struct origin *origin, size_t n)
{
    (void)origin_ended(origin, origin_request(origin, n)->connection);
}

Test(hedges, second_attempt_answers_where_the_first_is_silent)
{
    struct origin *origin = ORIGIN({.deeds = {SILENCE}}, {.deeds = {SEND(SECOND)}});
    struct world *world = before(origin, "", "");
    const struct reply *reply = world_get(world, "/x?y=1", "X-Mine: 1\r\n");

    cr_expect_eq(reply->status, 200);
    cr_expect_str_eq(reply->body, "second");
    cr_expect_geq(reply->took.ns, span_ms(50).ns);
    expect_dropped(origin, 0);
    cr_expect_eq(origin_requests(origin), 2);
    cr_expect_str_eq(origin_request(origin, 1)->message.start, "GET /x?y=1 HTTP/1.1");
    cr_expect_str_eq(sent(origin, 1, "X-Mine"), "1");
    cr_expect_str_eq(sent(origin, 1, "X-Request-Id"), sent(origin, 0, "X-Request-Id"));
    cr_expect_str_neq(sent(origin, 1, "traceparent"), sent(origin, 0, "traceparent"));
    cr_expect(LOGS(world, "status=200", "it:ok:", "attempts=2"));
    cr_expect_eq(hedges(world, ""), 1);
    cr_expect_eq(hedges(world, "won_"), 1);
    cr_expect_eq(hedges(world, "refused_"), 0);
    world_stop(world);
}

Test(hedges, first_attempt_may_still_win)
{
    struct origin *origin = ORIGIN({.deeds = {RACED, SEND(FIRST)}}, {.deeds = {SILENCE}});
    struct world *world = before(origin, "", "");

    cr_expect_str_eq(world_get(world, "/", "")->body, "first");
    expect_dropped(origin, 1);
    cr_expect(LOGS(world, "status=200", "it:ok:", "attempts=2"));
    cr_expect_eq(hedges(world, ""), 1);
    cr_expect_eq(hedges(world, "won_"), 0);
    world_stop(world);
}

Test(hedges, answer_that_comes_before_the_delay_is_raced_by_none)
{
    struct origin *origin = origin_answering(ANSWER_OK, 0);
    struct world *world = before_late(origin, "", "");

    for (int i = 0; i < 3; i++)
        cr_expect_eq(world_get(world, "/", "")->status, 200);
    usleep(700 * 1000);
    cr_expect_eq(origin_requests(origin), 3);
    cr_expect_eq(hedges(world, ""), 0);
    cr_expect_eq(hedges(world, "refused_"), 0);
    world_stop(world);
}

Test(hedges, answer_that_has_begun_is_raced_by_none)
{
    struct origin *origin =
        ORIGIN({.deeds = {SEND("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfi"), WAIT_MS(800),
                          SEND("rst")}},
               {.deeds = {SEND(SECOND)}});
    struct world *world = before_late(origin, "", "");
    const struct reply *reply = world_get(world, "/", "");

    cr_expect_eq(reply->end, REPLY_COMPLETE);
    cr_expect_str_eq(reply->body, "first");
    cr_expect_eq(origin_requests(origin), 1);
    cr_expect_eq(hedges(world, ""), 0);
    world_stop(world);
}

Test(hedges, failure_of_one_is_not_used_while_the_other_runs)
{
    static const struct {
        struct script first;
        struct script second;
        const char *body;
    } races[] = {
        {{.deeds = {RACED, SEND(SAD)}}, {.deeds = {WAIT_MS(150), SEND(SECOND)}}, "second"},
        {{.deeds = {RACED, WAIT_MS(150), SEND(FIRST)}}, {.deeds = {SEND(SAD)}}, "first"},
        {{.deeds = {RACED, CLOSE}}, {.deeds = {WAIT_MS(150), SEND(SECOND)}}, "second"},
        {{.deeds = {RACED, RESET}}, {.deeds = {WAIT_MS(150), SEND(SECOND)}}, "second"},
        {{.deeds = {RACED, WAIT_MS(150), SEND(FIRST)}}, {.deeds = {CLOSE}}, "first"},
        {{.deeds = {RACED, WAIT_MS(150), SEND(FIRST)}},
         {.deeds = {SEND("babble\r\n\r\n")}},
         "first"},
    };

    for (size_t i = 0; i < sizeof(races) / sizeof(*races); i++) {
        struct origin *origin = ORIGIN(races[i].first, races[i].second);
        struct world *world = before(origin, "", "");
        const struct reply *reply = world_get(world, "/", "");

        cr_expect_eq(reply->status, 200, "race %zu", i);
        cr_expect_str_eq(reply->body, races[i].body, "race %zu", i);
        cr_expect_null(message_header(&reply->message, "X-Sad", 0));
        cr_expect_eq(origin_requests(origin), 2);
        cr_expect(LOGS(world, "status=200", "it:ok:", "attempts=2"), "race %zu", i);
        cr_expect_eq(hedges(world, "won_"), strcmp(races[i].body, "second") == 0, "race %zu", i);
        world_stop(world);
    }
}

/* Which of the two is told of is left open. */
Test(hedges, failure_of_both_is_the_answer)
{
    struct origin *origin =
        ORIGIN({.deeds = {RACED, WAIT_MS(100), SEND(SAD)}}, {.deeds = {WAIT_MS(20), SEND(SAD)}});
    struct world *world = before(origin, "", "");
    const struct reply *reply = world_get(world, "/", "");

    cr_expect_eq(reply->status, 503);
    cr_expect_str_eq(reply->body, "sad");
    cr_expect_eq(reply->end, REPLY_COMPLETE);
    cr_expect_eq(origin_requests(origin), 2);
    cr_expect(LOGS(world, "status=503", "outcome=upstream_5xx", "attempts=2"));
    world_stop(world);
}

/* An answer below 500 is an answer, however little it pleases: it is not waited for another. */
Test(hedges, refusal_is_a_good_answer)
{
    struct origin *origin = ORIGIN(
        {.deeds = {SILENCE}}, {.deeds = {SEND("HTTP/1.1 404 No\r\nContent-Length: 2\r\n\r\nno")}});
    struct world *world = before(origin, "", "");

    cr_expect_eq(world_get(world, "/", "")->status, 404);
    expect_dropped(origin, 0);
    world_stop(world);
}

Test(hedges, failure_of_both_is_tried_again_where_retries_are_left)
{
    struct origin *origin =
        ORIGIN({.deeds = {RACED, WAIT_MS(100), SEND(SAD)}}, {.deeds = {WAIT_MS(20), SEND(SAD)}},
               {.deeds = {SEND(ANSWER_OK)}});
    struct world *world = before(origin, "retry-budget = 100%\n", "retries = 1\n");

    cr_expect_eq(world_get(world, "/", "")->status, 200);
    cr_expect_eq(origin_requests(origin), 3);
    cr_expect(LOGS(world, "status=200", "it:ok:", "attempts=3"));
    world_stop(world);
}

Test(hedges, retry_that_is_slow_is_raced)
{
    struct origin *origin =
        ORIGIN({.deeds = {SEND(SAD)}}, {.deeds = {SILENCE}}, {.deeds = {SEND(ANSWER_OK)}});
    struct world *world = before_late(origin, "retry-budget = 100%\n", "retries = 1\n");

    cr_expect_eq(world_get(world, "/", "")->status, 200);
    expect_dropped(origin, 1);
    cr_expect(LOGS(world, "status=200", "it:ok:", "attempts=3"));
    cr_expect_eq(hedges(world, "won_"), 1);
    world_stop(world);
}

/* The first is cut after 1000 ms, the second has time until 1600. */
Test(hedges, each_of_the_two_has_its_own_time_for_an_attempt)
{
    struct origin *origin = ORIGIN({.deeds = {SILENCE}}, {.deeds = {WAIT_MS(600), SEND(SECOND)}});
    struct world *world =
        world_start(WORLD_PATIENT "[upstream u]\nurl = http://127.0.0.1:%u\n"
                                  "[route r]\nmatch = /*\nsteps = it\n[call r.it]\n"
                                  "upstream = u\nhedge = 600ms\nattempt = 1s\n",
                    origin_port(origin));
    const struct reply *reply = world_get(world, "/", "");

    cr_expect_eq(reply->status, 200);
    cr_expect_str_eq(reply->body, "second");
    cr_expect_geq(reply->took.ns, span_ms(1200).ns);
    world_stop(world);
}

Test(hedges, each_of_the_two_is_told_what_is_left_then)
{
    struct origin *origin = ORIGIN({.deeds = {SILENCE}}, {.deeds = {SEND(SECOND)}});
    struct world *world = before(origin, "", "budget = 5s\n");

    cr_expect_eq(world_get(world, "/", "")->status, 200);
    int first = atoi(sent(origin, 0, "X-Request-Timeout-Ms"));
    int second = atoi(sent(origin, 1, "X-Request-Timeout-Ms"));
    cr_expect_leq(first, 5000);
    cr_expect_leq(second, 4950);
    cr_expect_leq(second, first);
    cr_expect_gt(second, 0);
    world_stop(world);
}

/* What is cut for time may be drained; what has lost its race is not. */
Test(hedges, loser_is_cancelled_also_where_late_answers_are_drained)
{
    struct origin *origin = ORIGIN({.deeds = {SILENCE}}, {.deeds = {SEND(SECOND)}});
    struct world *world = before(origin, "on-expiry = drain\ndrain-time = 20s\n", "");

    cr_expect_eq(world_get(world, "/", "")->status, 200);
    expect_dropped(origin, 0);
    world_stop(world);
}

/* ---- other calls than a plain answer ---------------------------------------------------------- */

Test(hedges, head_request_is_raced)
{
    struct origin *origin = ORIGIN(
        {.deeds = {SILENCE}}, {.deeds = {SEND("HTTP/1.1 200 OK\r\nContent-Length: 70\r\n\r\n")}});
    struct world *world = before(origin, "", "");
    const struct reply *reply = world_ask(world, "HEAD / HTTP/1.1\r\nHost: h\r\n\r\n");

    cr_expect_eq(reply->status, 200);
    cr_expect_str_eq(reply_header(reply, "Content-Length"), "70");
    cr_expect_str_eq(origin_request(origin, 1)->message.start, "HEAD / HTTP/1.1");
    expect_dropped(origin, 0);
    world_stop(world);
}

static struct world *before_steps(struct origin *origin, const char *plan)
{
    struct origin *answer = origin_answering(SAYS("6", "[\"ok\"]"), 0);

    return world_start(WORLD_PATIENT "[upstream u]\nurl = http://127.0.0.1:%u\n"
                                     "[upstream v]\nurl = http://127.0.0.1:%u\n"
                                     "[route r]\nmatch = /*\nsteps = it, end\n%s"
                                     "[call r.end]\nupstream = v\n"
                                     "header = X-It: {it.status|none} {it.body/0|none}\n"
                                     "[call r.it]\nupstream = u\nrequest = GET /it\n"
                                     "hedge = 50ms\n%s",
                       origin_port(origin), origin_port(answer),
                       strcmp(plan, "merge") == 0 ? "answer = merge\n" : "",
                       strcmp(plan, "merge") == 0 ? "" : plan);
}

Test(hedges, merged_call_is_raced_and_its_member_is_the_winners)
{
    struct origin *origin = ORIGIN({.deeds = {SEND("HTTP/1.1 503 Sad\r\n"), SILENCE}},
                                   {.deeds = {WAIT_MS(20), SEND(SAYS("8", "[\"more\"]"))}});
    struct world *world = before_steps(origin, "merge");
    const struct reply *reply = world_get(world, "/", "");

    cr_expect_eq(reply->status, 200);
    cr_expect_str_eq(reply->body, "{\"it\":[\"more\"],\"end\":[\"ok\"]}");
    expect_dropped(origin, 0);
    world_stop(world);
}

Test(hedges, optional_call_is_raced_and_leaves_no_gap)
{
    struct origin *origin =
        ORIGIN({.deeds = {SILENCE}}, {.deeds = {SEND(SAYS("8", "[\"more\"]"))}});
    struct world *world = before_steps(origin, "optional = yes\n");
    const struct reply *reply = world_get(world, "/", "");

    cr_expect_eq(reply->status, 200);
    cr_expect_str_eq(reply->body, "[\"ok\"]");
    cr_expect_null(message_header(&reply->message, "X-Budget-Partial", 0));
    cr_expect(LOGS(world, "status=200", "it:ok:", "attempts=2", "end:ok:"));
    world_stop(world);
}

Test(hedges, optional_call_of_which_both_fail_leaves_a_gap)
{
    struct origin *origin = ORIGIN({.deeds = {RACED, WAIT_MS(100), SEND(SAD)}}, {.deeds = {CLOSE}});
    struct world *world = before_steps(origin, "optional = yes\n");
    const struct reply *reply = world_get(world, "/", "");

    cr_expect_eq(reply->status, 200);
    cr_expect_str_eq(reply_header(reply, "X-Budget-Partial"), "it");
    cr_expect(LOGS(world, "status=200", "attempts=2", "end:ok:"));
    world_stop(world);
}

/* ---- large answers ---------------------------------------------------------------------------- */

enum { LARGE = 26 * 100000 };
#define LARGE_HEAD(name) \
    "HTTP/1.1 200 OK\r\nContent-Length: 2600008\r\nX-Who: " name "\r\n\r\n" name

static void expect_whole(const struct reply *reply)
{
    const char *who = reply_header(reply, "X-Who");
    size_t wrong = 0;

    cr_assert_eq(reply->end, REPLY_COMPLETE);
    cr_assert_eq(reply->message.body_count, (size_t)LARGE + 8);
    cr_expect(strncmp(reply->body, who, 8) == 0, "%s has sent the head, %.8s the body", who,
              reply->body);
    for (size_t i = 0; i < LARGE; i++)
        wrong += reply->body[8 + i] != 'a' + (char)(i % 26);
    cr_expect_eq(wrong, 0);
}

/* They answer at nearly the same moment, now the one a little earlier, now the other. */
Test(hedges, large_answer_is_the_whole_answer_of_one)
{
    for (int i = 0; i < 8; i++) {
        struct origin *origin =
            ORIGIN({.deeds = {WAIT_MS(72), SEND(LARGE_HEAD("thefirst")), FLOOD(LARGE)}},
                   {.deeds = {WAIT_MS(16 + 2 * i), SEND(LARGE_HEAD("the2nd!!")), FLOOD(LARGE)}});
        struct world *world = before(origin, "", "");
        struct dialogue *dialogue = world_dial(world);

        dialogue_send(dialogue, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
        expect_whole(dialogue_read(dialogue));
        cr_expect(LOGS(world, "status=200", "bytes_down=2600008"));
        world_stop(world);
    }
}

/* What was begun is not begun again, and the other was dropped when it began. */
Test(hedges, answer_that_breaks_off_is_cut_and_the_other_was_cancelled)
{
    struct origin *origin =
        ORIGIN({.deeds = {RACED, SEND("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfi"),
                          WAIT_MS(100), CLOSE}},
               {.deeds = {SILENCE}});
    struct world *world = before(origin, "", "");
    const struct reply *reply = world_get(world, "/", "");

    cr_expect_eq(reply->status, 200);
    cr_expect_eq(reply->end, REPLY_TRUNCATED);
    cr_expect_str_eq(reply->body, "fi");
    cr_expect_eq(origin_requests(origin), 2);
    expect_dropped(origin, 1);
    world_stop(world);
}
