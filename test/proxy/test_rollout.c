/* mode = observe with enforce-share: which requests are held to their budget all the same, and that
 * all proxies on the way of a request see it alike. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "test/support/world.h"

TestSuite(rollout, .timeout = 300);

enum { IDS = 200 };

static struct world *sharing(const char *share, const char *trust, struct origin *origin)
{
    return world_start(WORLD_PROXY "%s" WORLD_BUDGET "default = 10s\nmax = 20s\nmode = observe\n"
                                   "enforce-share = %s\n" WORLD_ROUTE,
                       trust, share, origin_port(origin));
}

/* A budget of nothing: a 504 if it is enforced, and served if not. */
static bool is_enforced(struct dialogue *dialogue, const char *id)
{
    char request[200];
    const struct reply *reply;

    snprintf(request, sizeof(request),
             "GET / HTTP/1.1\r\nHost: h\r\nX-Request-Timeout-Ms: 0\r\nX-Request-Id: %s\r\n\r\n",
             id);
    dialogue_send(dialogue, request);
    reply = dialogue_read(dialogue);
    cr_assert(reply->status == 504 || reply->status == 200, "%d", reply->status);
    cr_expect_str_eq(reply_header(reply, "X-Request-Id"), id);
    return reply->status == 504;
}

static int count_enforced(struct world *world, bool verdicts[static IDS])
{
    struct dialogue *dialogue = world_dial(world);
    int count = 0;

    for (int i = 0; i < IDS; i++) {
        char id[32];
        snprintf(id, sizeof(id), "request-%d", i);
        verdicts[i] = is_enforced(dialogue, id);
        count += verdicts[i];
    }
    return count;
}

Test(rollout, all_are_enforced_with_100_percent_and_none_with_0)
{
    bool verdicts[IDS];
    struct world *all = sharing("100%", "", origin_answering(ANSWER_OK, 0));

    cr_expect_eq(count_enforced(all, verdicts), IDS);
    cr_expect_eq(world_metric(all, "hourglass_observed_requests_total", "route=\"all\""), 0);
    cr_expect_null(strstr(program_stderr(world_program(all)), "mode=observe"));
    world_stop(all);

    struct world *none = sharing("0%", "", origin_answering(ANSWER_OK, 0));
    cr_expect_eq(count_enforced(none, verdicts), 0);
    cr_expect_eq(world_metric(none, "hourglass_observed_requests_total", "route=\"all\""), IDS);
    world_stop(none);
}

/* The ids are always the same, and so is the number of those that are chosen: 60 of 200 would be
 * just 30 %. */
Test(rollout, share_of_the_requests_is_enforced)
{
    bool verdicts[IDS];
    struct world *world = sharing("30%", "", origin_answering(ANSWER_OK, 0));
    int count = count_enforced(world, verdicts);

    cr_expect(count >= 30 && count <= 90, "%d", count);
    cr_expect_eq(world_metric(world, "hourglass_observed_requests_total", "route=\"all\""),
                 IDS - count);
    cr_expect_eq(world_metric(world, "hourglass_timeouts_total", "reason=\"arrival\""), count);
    cr_expect_eq(world_metric(world, "hourglass_would_time_out_total", "reason=\"arrival\""),
                 IDS - count);
    world_stop(world);
}

Test(rollout, same_id_is_treated_alike_again_and_by_another_proxy)
{
    bool first[IDS], again[IDS], other[IDS];
    struct origin *origin = origin_answering(ANSWER_OK, 0);
    struct world *world = sharing("30%", "", origin);
    struct world *second = sharing("30%", "", origin);

    count_enforced(world, first);
    count_enforced(world, again);
    count_enforced(second, other);
    for (int i = 0; i < IDS; i++) {
        cr_expect_eq(first[i], again[i], "request-%d", i);
        cr_expect_eq(first[i], other[i], "request-%d", i);
    }
    world_stop(second);
    world_stop(world);
}

/* Does the log's line of a request say that it was observed? Waits for the line. */
static bool logs_observed(struct world *world, const char *id)
{
    char field[200];
    const char *line;

    snprintf(field, sizeof(field), " request_id=%s ", id);
    cr_assert(LOGS(world, field));
    line = strstr(program_stderr(world_program(world)), field);
    return memmem(line, strcspn(line, "\n"), " mode=observe", 13) != NULL;
}

Test(rollout, request_is_treated_alike_at_every_hop_though_its_client_names_no_id)
{
    enum { REQUESTS = 60 };
    struct origin *origin = origin_answering(ANSWER_OK, 0);
    struct world *near = sharing("50%", "", origin);
    struct world *far =
        world_start(WORLD_PATIENT "mode = observe\nenforce-share = 50%%\n"
                                  "[upstream near]\nurl = http://%s\n[route all]\nmatch = /*\n"
                                  "upstream = near\n",
                    world_address(near, 0));
    int observed = 0;

    for (int i = 0; i < REQUESTS; i++) {
        const struct reply *reply = world_get(far, "/", "");
        const char *id = reply_header(reply, "X-Request-Id");
        cr_expect_eq(reply->status, 200);
        cr_expect_eq(logs_observed(far, id), logs_observed(near, id), "%s", id);
        observed += logs_observed(far, id);
    }
    cr_expect(observed > 0 && observed < REQUESTS, "%d of %d", observed, REQUESTS);
    world_stop(far);
    world_stop(near);
}

/* Else a client could choose to be enforced, or not to be. */
Test(rollout, id_of_a_stranger_does_not_decide)
{
    enum { REQUESTS = 60 };
    struct world *world = sharing("50%", "trust = unix\n", origin_answering(ANSWER_OK, 0));
    double observed;

    for (int i = 0; i < REQUESTS; i++) {
        const struct reply *reply = world_get(world, "/", "X-Request-Id: mine\r\n");
        cr_expect_eq(reply->status, 200);
        cr_expect_str_neq(reply_header(reply, "X-Request-Id"), "mine");
    }
    observed = world_metric(world, "hourglass_observed_requests_total", "route=\"all\"");
    cr_expect(observed > 0 && observed < REQUESTS, "%.0f of %d", observed, REQUESTS);
    world_stop(world);
}
