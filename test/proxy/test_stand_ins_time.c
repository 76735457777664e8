/* What time a call gets that stands in for another, and what is said when there is none. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proxy/clock.h"
#include "test/proxy/standing.h"

TestSuite(stand_ins_time, .timeout = 300);

/* The upstream of kept has one place. route: the keys of the route and its calls. */
static struct scene before(struct scene scene, const char *route)
{
    return scene_open(scene, "connections = 1\n", route);
}

static int told(struct origin *origin)
{
    const char *value =
        message_header(&origin_request(origin, 0)->message, "X-Request-Timeout-Ms", 0);

    cr_assert_not_null(value, "the origin was told nothing");
    return atoi(value);
}

/* 20 of 2000 ms are kept back for the reply. */
Test(stand_ins_time, other_is_granted_what_is_left)
{
    struct scene it =
        before((struct scene){.live = ORIGIN({.deeds = {SILENCE}}), .kept = says(KEPT)},
               "steps = live\n" PLAN_LIVE "budget = 500ms\n" PLAN_KEPT);

    cr_expect_eq(world_get(it.world, "/", "X-Request-Timeout-Ms: 2000\r\n")->status, 200);
    cr_expect_leq(told(it.live), 500);
    cr_expect_leq(told(it.kept), 1480);
    cr_expect_gt(told(it.kept), 0);
    world_stop(it.world);
}

Test(stand_ins_time, other_has_a_budget_of_its_own)
{
    struct scene it =
        before((struct scene){.live = says(SAD), .kept = ORIGIN({.deeds = {SILENCE}})},
               "steps = live\n" PLAN_LIVE PLAN_KEPT "budget = 200ms\n");
    const struct reply *reply = world_get(it.world, "/", "");

    cr_expect_eq(reply->status, 504);
    cr_expect_leq(told(it.kept), 200);
    cr_expect_geq(reply->took.ns, span_ms(200).ns);
    cr_expect_lt(reply->took.ns, span_s(3).ns);
    cr_expect_str_eq(reply_member(reply, "reason"), "call");
    cr_expect_str_eq(reply_member(reply, "call"), "kept");
    cr_expect(LOGS(it.world, "status=504", "call=kept", "live:", "kept:timeout:"));
    (void)origin_ended(it.kept, 0);
    world_stop(it.world);
}

Test(stand_ins_time, silence_of_both_ends_with_the_budget_of_the_request)
{
    struct scene it = before(
        (struct scene){.live = ORIGIN({.deeds = {SILENCE}}), .kept = ORIGIN({.deeds = {SILENCE}})},
        "steps = live\n" PLAN_LIVE "budget = 600ms\n" PLAN_KEPT);
    const struct reply *reply = world_get(it.world, "/", "X-Request-Timeout-Ms: 1500\r\n");

    cr_expect_eq(reply->status, 504);
    cr_expect_geq(reply->took.ns, span_ms(1480).ns);
    cr_expect_lt(reply->took.ns, span_s(5).ns);
    cr_expect_leq(told(it.kept), 880);
    cr_expect_str_eq(reply_member(reply, "call"), "kept");
    cr_expect_not_null(strstr(reply_header(reply, "Proxy-Status"), "details=\"kept: "));
    (void)origin_ended(it.live, 0);
    (void)origin_ended(it.kept, 0);
    world_stop(it.world);
}

Test(stand_ins_time, least_of_later_calls_is_kept_back_from_the_other)
{
    struct scene it =
        before((struct scene){.live = says(SAD), .kept = says(KEPT), .more = says(MORE)},
               "steps = live, more\n" PLAN_LIVE PLAN_KEPT PLAN_MORE "min = 1500ms\n");

    cr_expect_eq(world_get(it.world, "/", "X-Request-Timeout-Ms: 5000\r\n")->status, 200);
    cr_expect_leq(told(it.kept), 3480);
    world_stop(it.world);
}

/* What the first has said goes on then, as if none stood in. */
Test(stand_ins_time, other_is_not_started_with_less_than_its_min)
{
    static const struct {
        const char *steps;
        struct script live;
        int status;
    } cases[] = {
        {"steps = live\n", {.deeds = {SEND(SAD)}}, 503},
        {"steps = live, more\n" PLAN_MORE, {.deeds = {SEND(SAD)}}, 503},
        {"steps = live\n", {.deeds = {CLOSE}}, 502},
        {"steps = live\n", {.deeds = {SILENCE}}, 504},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char route[500];
        snprintf(route, sizeof(route), "%s" PLAN_LIVE "budget = 300ms\n" PLAN_KEPT "min = 4s\n",
                 cases[i].steps);
        struct scene it = before(
            (struct scene){.live = ORIGIN(cases[i].live), .kept = says(KEPT), .more = says(MORE)},
            route);
        const struct reply *reply = world_get(it.world, "/", "X-Request-Timeout-Ms: 3000\r\n");

        cr_expect_eq(reply->status, cases[i].status, "case %zu", i);
        cr_expect(cases[i].status != 503 || strcmp(reply->body, "sad") == 0, "case %zu", i);
        cr_expect(cases[i].status == 503 || strcmp(reply_member(reply, "call"), "live") == 0,
                  "case %zu", i);
        cr_expect(cases[i].status == 503 || LOGS(it.world, "live:", "kept:skipped:"), "case %zu",
                  i);
        cr_expect_eq(origin_requests(it.kept) + origin_requests(it.more), 0, "case %zu", i);
        world_stop(it.world);
    }
}

Test(stand_ins_time, large_failure_is_dropped_where_the_other_is_made)
{
    struct origin *live = ORIGIN(
        {.deeds = {SEND("HTTP/1.1 503 Sad\r\nContent-Length: 26000000\r\n\r\n"), FLOOD(26000000)}});
    struct scene it = before((struct scene){.live = live, .kept = origin_answering(KEPT, 50)},
                             "steps = live\n" PLAN_LIVE PLAN_KEPT);

    cr_expect_str_eq(world_get(it.world, "/", "")->body, "[\"kept\"]");
    (void)origin_ended(live, 0);
    cr_expect_lt(origin_sent(live), 26000000);
    world_stop(it.world);
}

Test(stand_ins_time, large_failure_comes_whole_where_there_is_no_time_for_the_other)
{
    struct origin *live = ORIGIN(
        {.deeds = {SEND("HTTP/1.1 503 Sad\r\nContent-Length: 2600000\r\n\r\n"), FLOOD(2600000)}});
    struct scene it = before((struct scene){.live = live, .kept = says(KEPT)},
                             "steps = live\n" PLAN_LIVE PLAN_KEPT "min = 10s\n");
    const struct reply *reply = world_get(it.world, "/", "X-Request-Timeout-Ms: 9000\r\n");

    cr_expect_eq(reply->status, 503);
    cr_expect_eq(reply->end, REPLY_COMPLETE);
    cr_expect_eq(reply->message.body_count, 2600000);
    world_stop(it.world);
}

/* The first may use all that there is: then nothing is left for the other. */
Test(stand_ins_time, none_is_made_when_all_is_used_up)
{
    struct scene it =
        before((struct scene){.live = ORIGIN({.deeds = {SILENCE}}), .kept = says(KEPT)},
               "steps = live\n" PLAN_LIVE PLAN_KEPT);
    const struct reply *reply = world_get(it.world, "/", "X-Request-Timeout-Ms: 300\r\n");

    cr_expect_eq(reply->status, 504);
    cr_expect_geq(reply->took.ns, span_ms(290).ns);
    cr_expect_str_eq(reply_member(reply, "reason"), "call");
    cr_expect_str_eq(reply_member(reply, "call"), "live");
    cr_expect_eq(origin_requests(it.kept), 0);
    world_stop(it.world);
}

Test(stand_ins_time, other_may_wait_for_a_place_in_vain)
{
    struct scene it =
        before((struct scene){.live = says(SAD), .kept = ORIGIN({.deeds = {SILENCE}})},
               "steps = live\n" PLAN_LIVE PLAN_KEPT);
    struct dialogue *first = world_dial(it.world);

    dialogue_send(first, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    (void)origin_request(it.kept, 0);
    const struct reply *reply = world_get(it.world, "/", "X-Request-Timeout-Ms: 800\r\n");
    cr_expect_eq(reply->status, 504);
    cr_expect_str_eq(reply_member(reply, "reason"), "queue");
    cr_expect_str_eq(reply_member(reply, "call"), "kept");
    cr_expect_eq(origin_requests(it.kept), 1);
    dialogue_close(first);
    world_stop(it.world);
}

/* It has the time that the required calls beside it have: the step becomes no longer by it. */
Test(stand_ins_time, other_of_an_optional_call_is_cut_with_its_step)
{
    struct scene it = before((struct scene){.live = says(SAD),
                                            .kept = ORIGIN({.deeds = {SILENCE}}),
                                            .more = origin_answering(MORE, 50)},
                             "steps = live + more\nanswer = more\n" PLAN_LIVE
                             "optional = yes\n" PLAN_KEPT PLAN_MORE "budget = 600ms\n");
    const struct reply *reply = world_get(it.world, "/", "");

    cr_expect_eq(reply->status, 200);
    cr_expect_str_eq(reply->body, "[\"more\"]");
    cr_expect_str_eq(reply_header(reply, "X-Budget-Partial"), "live");
    cr_expect_leq(told(it.kept), 600);
    cr_expect_lt(reply->took.ns, span_s(3).ns);
    (void)origin_ended(it.kept, 0);
    world_stop(it.world);
}
