/* Calls that stand in for others, among others: what goes on beside them, and how they look in a
 * merge. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proxy/clock.h"
#include "test/proxy/standing.h"

TestSuite(stand_ins_beside, .timeout = 300);

/* route: the keys of the route and its calls. */
static struct scene before(struct scene scene, const char *route)
{
    return scene_open(scene, "", route);
}

/* ---- side by side ----------------------------------------------------------------------------- */

Test(stand_ins_beside, other_runs_beside_what_still_runs)
{
    struct scene it = before((struct scene){.live = says(SAD),
                                            .kept = origin_answering(KEPT, 100),
                                            .more = origin_answering(MORE, 200)},
                             "steps = live + more\nanswer = more\n" PLAN_LIVE PLAN_KEPT PLAN_MORE);
    const struct reply *reply = world_get(it.world, "/", "");

    cr_expect_str_eq(reply->body, "[\"more\"]");
    cr_expect_eq(origin_requests(it.more), 1);
    cr_expect_eq(origin_requests(it.kept), 1);
    cr_expect(LOGS(it.world, "live:status:", "kept:ok:", "more:ok:"));
    world_stop(it.world);
}

Test(stand_ins_beside, step_waits_for_the_other)
{
    struct scene it = before(
        (struct scene){.live = says(SAD), .kept = origin_answering(KEPT, 150), .more = says(MORE)},
        "steps = live + more\nanswer = live\n" PLAN_LIVE PLAN_KEPT PLAN_MORE);
    const struct reply *reply = world_get(it.world, "/", "");

    cr_expect_str_eq(reply->body, "[\"kept\"]");
    cr_expect_geq(reply->took.ns, span_ms(150).ns);
    cr_expect(LOGS(it.world, "kept:ok:", "more:ok:"));
    world_stop(it.world);
}

Test(stand_ins_beside, failure_of_both_cancels_what_still_runs)
{
    struct scene it = before((struct scene){.live = says(SAD),
                                            .kept = ORIGIN({.deeds = {WAIT_MS(50), CLOSE}}),
                                            .more = ORIGIN({.deeds = {SILENCE}})},
                             "steps = live + more\nanswer = more\n" PLAN_LIVE PLAN_KEPT PLAN_MORE);

    cr_expect_eq(world_get(it.world, "/", "")->status, 502);
    (void)origin_ended(it.more, 0);
    cr_expect(LOGS(it.world, "status=502", "call=kept", "kept:broken:", "more:cancelled:"));
    world_stop(it.world);
}

Test(stand_ins_beside, failure_beside_it_cancels_the_other)
{
    struct scene it = before((struct scene){.live = says(SAD),
                                            .kept = ORIGIN({.deeds = {SILENCE}}),
                                            .more = ORIGIN({.deeds = {WAIT_MS(100), CLOSE}})},
                             "steps = live + more\nanswer = live\n" PLAN_LIVE PLAN_KEPT PLAN_MORE);

    cr_expect_eq(world_get(it.world, "/", "")->status, 502);
    (void)origin_ended(it.kept, 0);
    cr_expect(LOGS(it.world, "status=502", "call=more", "kept:cancelled:", "more:broken:"));
    world_stop(it.world);
}

/* They are refused in the same turn, and stood in for by calls to the same upstream. */
Test(stand_ins_beside, two_may_fail_in_the_same_moment)
{
    for (int i = 0; i < 5; i++) {
        struct scene it = before((struct scene){.kept = says(KEPT), .more = says(MORE)},
                                 "steps = live + dead\nanswer = merge\n" PLAN_LIVE PLAN_KEPT
                                 "[call r.dead]\nupstream = live\nrequest = GET /dead\nfallback = "
                                 "call more\n" PLAN_MORE);
        const struct reply *reply = world_get(it.world, "/", "");

        cr_expect_eq(reply->status, 200);
        cr_expect_str_eq(reply->body, "{\"live\":[\"kept\"],\"dead\":[\"more\"]}");
        cr_expect(LOGS(it.world, "live:refused:", "kept:ok:", "dead:refused:", "more:ok:"));
        world_stop(it.world);
    }
}

Test(stand_ins_beside, two_may_be_late_in_the_same_moment)
{
    struct scene it = before(
        (struct scene){
            .live = ORIGIN({.deeds = {SILENCE}}), .kept = says(KEPT), .more = says(MORE)},
        "steps = live + dead\nanswer = merge\n" PLAN_LIVE "budget = 500ms\n" PLAN_KEPT
        "[call r.dead]\nupstream = live\nrequest = GET /dead\nbudget = 500ms\n"
        "fallback = call more\n" PLAN_MORE);
    const struct reply *reply = world_get(it.world, "/", "");

    cr_expect_eq(reply->status, 200);
    cr_expect_str_eq(reply->body, "{\"live\":[\"kept\"],\"dead\":[\"more\"]}");
    cr_expect(LOGS(it.world, "live:timeout:", "kept:ok:", "dead:timeout:", "more:ok:"));
    (void)origin_ended(it.live, 0);
    (void)origin_ended(it.live, 1);
    world_stop(it.world);
}

Test(stand_ins_beside, client_that_leaves_ends_the_other)
{
    struct scene it =
        before((struct scene){.live = says(SAD), .kept = ORIGIN({.deeds = {SILENCE}})},
               "steps = live\n" PLAN_LIVE PLAN_KEPT);
    struct dialogue *dialogue = world_dial(it.world);

    dialogue_send(dialogue, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    (void)origin_request(it.kept, 0);
    dialogue_close(dialogue);
    (void)origin_ended(it.kept, 0);
    cr_expect(LOGS(it.world, "status=499", "call=kept", "kept:cancelled:"));
    world_stop(it.world);
}

/* ---- in a merge ------------------------------------------------------------------------------- */

#define MERGE "steps = live + more\nanswer = merge\n" PLAN_MORE PLAN_LIVE

static void expect_page(struct scene it, const char *page, const char *partial)
{
    const struct reply *reply = world_get(it.world, "/", "");

    cr_expect_eq(reply->status, 200, "%d instead of %s", reply->status, page);
    cr_expect_str_eq(reply->body, page);
    cr_expect_str_eq(reply_header(reply, "X-Budget-Partial"), partial);
    world_stop(it.world);
}

Test(stand_ins_beside, member_has_the_name_of_the_first_and_is_no_gap)
{
    static const char *const keys[] = {"", "optional = yes\n"};

    for (size_t i = 0; i < 2; i++) {
        char route[500];
        snprintf(route, sizeof(route), MERGE "%s" PLAN_KEPT, keys[i]);
        struct scene it = before(
            (struct scene){.live = says(SAD), .kept = says(KEPT), .more = says(MORE)}, route);

        expect_page(it, "{\"live\":[\"kept\"],\"more\":[\"more\"]}", "");
    }
}

Test(stand_ins_beside, other_that_is_not_needed_is_no_member)
{
    expect_page(before((struct scene){.live = says(LIVE), .kept = says(KEPT), .more = says(MORE)},
                       MERGE PLAN_KEPT),
                "{\"live\":[\"live\"],\"more\":[\"more\"]}", "");
}

Test(stand_ins_beside, body_that_cannot_be_merged_is_a_failure)
{
    static const char *const bodies[] = {JSON("200", "5", "[oops"), JSON("200", "0", ""),
                                         "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n[1"};

    for (size_t i = 0; i < 3; i++) {
        struct scene it = before((struct scene){.live = ORIGIN({.deeds = {SEND(bodies[i]), CLOSE}}),
                                                .kept = says(KEPT),
                                                .more = says(MORE)},
                                 MERGE PLAN_KEPT);

        expect_page(it, "{\"live\":[\"kept\"],\"more\":[\"more\"]}", "");
    }
}

Test(stand_ins_beside, failure_of_both_is_a_gap_by_the_name_of_the_first)
{
    struct scene both = {.live = says(SAD), .kept = says(SAD), .more = says(MORE)};

    expect_page(before(both, MERGE "optional = yes\n" PLAN_KEPT),
                "{\"live\":null,\"more\":[\"more\"],\"_partial\":[\"live\"]}", "live");
    both = (struct scene){.live = says(SAD), .kept = says(SAD), .more = says(MORE)};
    expect_page(before(both, MERGE "optional = yes\n" PLAN_KEPT "fallback = {\"none\": 1}\n"),
                "{\"live\":{\"none\": 1},\"more\":[\"more\"],\"_partial\":[\"live\"]}", "live");
}

Test(stand_ins_beside, failure_of_both_ends_the_request_where_the_first_is_required)
{
    struct scene it = before((struct scene){.live = says(SAD),
                                            .kept = says(JSON("500", "4", "none")),
                                            .more = says(MORE)},
                             MERGE PLAN_KEPT);
    const struct reply *reply = world_get(it.world, "/", "");

    cr_expect_eq(reply->status, 500);
    cr_expect_str_eq(reply->body, "none");
    world_stop(it.world);
}

Test(stand_ins_beside, body_that_is_too_large_to_be_merged_is_a_failure)
{
    struct origin *live = ORIGIN(
        {.deeds = {SEND("HTTP/1.1 200 OK\r\nContent-Length: 2600000\r\n\r\n"), FLOOD(2600000)}});
    struct scene it = before((struct scene){.live = live, .kept = says(KEPT), .more = says(MORE)},
                             MERGE PLAN_KEPT);
    const struct reply *reply = world_get(it.world, "/", "");

    cr_expect_str_eq(reply->body, "{\"live\":[\"kept\"],\"more\":[\"more\"]}");
    cr_expect(LOGS(it.world, "status=200", "live:too_large:", "kept:ok:"));
    (void)origin_ended(live, 0);
    cr_expect_eq(
        world_metric(it.world, "hourglass_upstream_calls_total{upstream=\"live\"", "too_large"), 1);
    cr_expect_eq(
        world_metric(it.world, "hourglass_upstream_calls_total{upstream=\"kept\"", "\"ok\""), 1);
    world_stop(it.world);
}

/* A template of the first that has no value is a failure of it like another. */
Test(stand_ins_beside, call_that_cannot_be_made_is_stood_in_for)
{
    struct scene it = before((struct scene){.live = says(LIVE), .kept = says(KEPT)},
                             "steps = live\n[call r.live]\nupstream = live\n"
                             "request = GET /{query.x}\nfallback = call kept\n" PLAN_KEPT);

    cr_expect_str_eq(world_get(it.world, "/?x=1", "")->body, "[\"live\"]");
    cr_expect_str_eq(world_get(it.world, "/", "")->body, "[\"kept\"]");
    cr_expect(LOGS(it.world, "live:unfilled:", "kept:ok:"));
    world_stop(it.world);
}
