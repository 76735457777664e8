/* The classic case, number by number: 1200 ms in all, 300 for the database, 500 for the external
 * service, 400 for local work. Lower bounds are exact; upper bounds leave room for a slow machine
 * but not for the next number. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/support/world.h"

TestSuite(classic, .timeout = 300);

struct case_world {
    struct world *world;
    struct origin *db;
    struct origin *api;
};

static struct case_world before(struct origin *db, struct origin *api, const char *db_more,
                                const char *route_more)
{
    return (struct case_world){
        .db = db,
        .api = api,
        .world = world_start(
            WORLD_PROXY "[budget]\nheader = X-Request-Timeout-Ms: ms\ndefault = 1200ms\n"
                        "local = 400ms\n"
                        "[upstream db]\nurl = http://127.0.0.1:%u\n"
                        "[upstream api]\nurl = http://127.0.0.1:%u\n"
                        "[call classic.db]\nupstream = db\nrequest = GET /rows\nbudget = 300ms\n%s"
                        "[call classic.api]\nupstream = api\nbudget = 500ms\n"
                        "[route classic]\nmatch = /classic\nsteps = db, api\n%s",
            origin_port(db), origin_port(api), db_more, route_more)};
}

static struct origin *silent(void)
{
    return ORIGIN({.deeds = {SILENCE}});
}

static int told(struct origin *origin)
{
    const char *value =
        message_header(&origin_request(origin, 0)->message, "X-Request-Timeout-Ms", 0);

    cr_assert_not_null(value, "the origin was told nothing");
    return atoi(value);
}

static void expect_timeout(const struct reply *reply, const char *call)
{
    cr_expect_eq(reply->status, 504);
    cr_expect_str_eq(reply_member(reply, "reason"), "call");
    cr_expect_str_eq(reply_member(reply, "call"), call);
}

Test(classic, slow_database_is_cut_at_300)
{
    struct case_world it = before(silent(), origin_answering(ANSWER_OK, 0), "", "");
    const struct reply *reply = world_get(it.world, "/classic", "");

    expect_timeout(reply, "db");
    cr_expect_eq(reply_number(reply, "budget_ms"), 1200);
    cr_expect_geq(reply_number(reply, "elapsed_ms"), 300);
    cr_expect_lt(reply_number(reply, "elapsed_ms"), 600);
    cr_expect_geq(reply->took.ns, span_ms(300).ns);
    cr_expect_leq(told(it.db), 300);
    cr_expect_gt(told(it.db), 200);
    cr_expect_eq(origin_requests(it.api), 0, "nothing is asked of the next");
    (void)origin_ended(it.db, 0);
    world_stop(it.world);
}

Test(classic, database_in_120_and_a_slow_service_is_cut_at_620)
{
    struct case_world it = before(origin_answering(ANSWER_OK, 120), silent(), "", "");
    const struct reply *reply = world_get(it.world, "/classic", "");

    expect_timeout(reply, "api");
    cr_expect_geq(reply_number(reply, "elapsed_ms"), 620);
    cr_expect_lt(reply_number(reply, "elapsed_ms"), 1000);
    cr_expect_leq(told(it.api), 500);
    cr_expect_gt(told(it.api), 400);
    world_stop(it.world);
}

Test(classic, both_well_within_their_time_are_a_200)
{
    struct case_world it =
        before(origin_answering(ANSWER_OK, 120), origin_answering(ANSWER_OK, 300), "", "");
    const struct reply *reply = world_get(it.world, "/classic", "");

    cr_expect_eq(reply->status, 200);
    cr_expect_geq(reply->took.ns, span_ms(420).ns);
    cr_expect_str_eq(reply->body, "ok");
    world_stop(it.world);
}

/* Local work keeps its 400 ms after both have had all of theirs. */
Test(classic, database_that_takes_all_of_its_300_leaves_the_service_its_500)
{
    struct case_world it =
        before(silent(), origin_answering(ANSWER_OK, 380), "optional = yes\n", "");
    const struct reply *reply = world_get(it.world, "/classic", "");

    cr_expect_eq(reply->status, 200);
    cr_expect_str_eq(reply_header(reply, "X-Budget-Partial"), "db");
    cr_expect_geq(reply->took.ns, span_ms(680).ns);
    cr_expect_leq(told(it.api), 500);
    cr_expect_gt(told(it.api), 400);
    world_stop(it.world);
}

Test(classic, client_with_600_leaves_the_database_200)
{
    struct case_world it = before(silent(), origin_answering(ANSWER_OK, 0), "", "");
    const struct reply *reply = world_get(it.world, "/classic", "X-Request-Timeout-Ms: 600\r\n");

    expect_timeout(reply, "db");
    cr_expect_eq(reply_number(reply, "budget_ms"), 600);
    /* 600 less 400: a service without a min of its own is left nothing for certain. */
    cr_expect_geq(reply_number(reply, "elapsed_ms"), 200);
    cr_expect_lt(reply_number(reply, "elapsed_ms"), 400);
    cr_expect_leq(told(it.db), 200);
    cr_expect_gt(told(it.db), 190);
    cr_expect(LOGS(it.world, "budget_ms=600", "db:timeout:2", "/200.0\""));
    world_stop(it.world);
}

Test(classic, client_with_600_and_proportions_leaves_the_database_150)
{
    struct case_world it = before(silent(), silent(), "", "scale = proportional\n");
    const struct reply *reply = world_get(it.world, "/classic", "X-Request-Timeout-Ms: 600\r\n");

    expect_timeout(reply, "db");
    cr_expect_geq(reply_number(reply, "elapsed_ms"), 150);
    cr_expect_lt(reply_number(reply, "elapsed_ms"), 350);
    cr_expect_leq(told(it.db), 150);
    cr_expect_gt(told(it.db), 50);
    world_stop(it.world);
}

Test(classic, client_with_600_and_proportions_leaves_the_service_250)
{
    struct case_world it =
        before(origin_answering(ANSWER_OK, 0), silent(), "", "scale = proportional\n");
    const struct reply *reply = world_get(it.world, "/classic", "X-Request-Timeout-Ms: 600\r\n");

    expect_timeout(reply, "api");
    cr_expect_geq(reply_number(reply, "elapsed_ms"), 250);
    cr_expect_lt(reply_number(reply, "elapsed_ms"), 450);
    cr_expect_leq(told(it.api), 250);
    cr_expect_gt(told(it.api), 150);
    world_stop(it.world);
}

Test(classic, client_with_400_gets_a_504_and_nobody_is_asked)
{
    struct case_world it = before(silent(), silent(), "", "");
    const struct reply *reply = world_get(it.world, "/classic", "X-Request-Timeout-Ms: 400\r\n");

    cr_expect_eq(reply->status, 504);
    cr_expect_str_eq(reply_member(reply, "reason"), "infeasible");
    cr_expect_eq(origin_connections(it.db), 0);
    cr_expect_eq(origin_connections(it.api), 0);
    world_stop(it.world);
}

Test(classic, answer_that_never_ends_is_cut_with_its_call)
{
    struct origin *api =
        ORIGIN({.deeds = {SEND("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"), SILENCE}});
    struct case_world it = before(origin_answering(ANSWER_OK, 0), api, "", "");
    const struct reply *reply = world_get(it.world, "/classic", "");

    cr_expect_eq(reply->status, 200, "its head had gone before");
    cr_expect_eq(reply->end, REPLY_TRUNCATED);
    cr_expect_geq(reply->took.ns, span_ms(500).ns);
    (void)origin_ended(api, 0);
    world_stop(it.world);
}
