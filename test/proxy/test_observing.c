/* Budgets that are observed and not enforced: what the client gets all the same, what the log and
 * the counters say would have become of it, and who is enforced after all. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "test/support/world.h"

TestSuite(observing, .timeout = 300);

#define OBSERVE WORLD_PROXY WORLD_BUDGET "default = 300ms\nmax = 10s\nmode = observe\n"

/* db may take some of the 300 ms, then api passes through; keys of the call api may follow. */
#define PLAN                                                         \
    "[upstream db]\nurl = http://127.0.0.1:%u\n"                     \
    "[upstream api]\nurl = http://127.0.0.1:%u\n"                    \
    "[route r]\nmatch = /*\nsteps = db, api\n"                       \
    "[call r.db]\nupstream = db\nrequest = GET /rows\nbudget = %s\n" \
    "[call r.api]\nupstream = api\n"

/* db may take 60 ms. */
static struct world *before(struct origin *db, struct origin *api)
{
    return world_start(OBSERVE PLAN, origin_port(db), origin_port(api), "60ms");
}

static struct world *before_patient(struct origin *db, struct origin *api)
{
    return world_start(OBSERVE PLAN, origin_port(db), origin_port(api), "5s");
}

static struct origin *after_ms(int64_t ms)
{
    return origin_answering(ANSWER_OK, ms);
}

static int told(struct origin *origin, size_t n)
{
    const char *value =
        message_header(&origin_request(origin, n)->message, "X-Request-Timeout-Ms", 0);

    return value != NULL ? atoi(value) : -1;
}

/* ---- what would have been cut ----------------------------------------------------------------- */

Test(observing, call_beyond_its_budget_is_not_cut_but_counted)
{
    struct world *world = before(after_ms(120), after_ms(0));
    const struct reply *reply = world_get(world, "/", "");

    cr_expect_eq(reply->status, 200);
    cr_expect_str_eq(reply->body, "ok");
    cr_expect_geq(reply->took.ns, span_ms(120).ns);
    cr_expect(LOGS(world, "status=200", "outcome=ok", "db:ok:", "api:ok:", " mode=observe",
                   " would=time_out", " would_reason=call", " would_call=db", " would_cut=\"db\""));
    cr_expect_eq(world_metric(world, "hourglass_observed_requests_total", "route=\"r\""), 1);
    cr_expect_eq(world_metric(world, "hourglass_would_time_out_total", "reason=\"call\""), 1);
    cr_expect_eq(world_metric(world, "hourglass_would_cut_total", "call=\"db\""), 1);
    cr_expect_eq(world_metric(world, "hourglass_would_cut_total", "call=\"api\""), 0);
    cr_expect_eq(world_metric(world, "hourglass_timeouts_total", "reason=\"call\""), 0);
    cr_expect_eq(world_metric_sum(world, "hourglass_requests_total", "outcome=\"ok\""), 1);
    world_stop(world);
}

Test(observing, request_within_its_budget_goes_on)
{
    struct world *world = before_patient(after_ms(0), after_ms(20));

    cr_expect_eq(world_get(world, "/", "X-Request-Timeout-Ms: 9000\r\n")->status, 200);
    cr_expect(LOGS(world, "status=200", "mode=observe", "would=go_on"));
    cr_expect_null(strstr(program_stderr(world_program(world)), "would_cut"));
    cr_expect_null(strstr(program_stderr(world_program(world)), "would_reason"));
    cr_expect_eq(world_metric(world, "hourglass_observed_requests_total", "route=\"r\""), 1);
    cr_expect_eq(world_metric(world, "hourglass_would_time_out_total", "reason=\"call\""), 0);
    cr_expect_eq(world_metric(world, "hourglass_would_cut_total", "call=\"db\""), 0);
    world_stop(world);
}

Test(observing, response_that_is_still_coming_when_the_budget_ends_would_be_broken_off)
{
    struct origin *slow = ORIGIN({.deeds = {SEND("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"),
                                            DRIP("0123456789", 100)}});
    struct world *world = before_patient(after_ms(0), slow);
    const struct reply *reply = world_get(world, "/", "X-Request-Timeout-Ms: 500\r\n");

    cr_expect_eq(reply->status, 200);
    cr_expect_eq(reply->end, REPLY_COMPLETE);
    cr_expect_str_eq(reply->body, "0123456789");
    cr_expect(LOGS(world, "outcome=ok", "would=break_off", "would_reason=call", "would_call=api",
                   "would_cut=\"api\""));
    world_stop(world);
}

Test(observing, budget_that_cannot_hold_the_plan_is_served_and_counted_by_its_reason)
{
    static const struct {
        const char *line;
        const char *reason;
    } cases[] = {
        {"X-Request-Timeout-Ms: 0\r\n", "arrival"},
        {"X-Request-Timeout-Ms: -5\r\n", "arrival"},
        {"X-Request-Timeout-Ms: 8\r\n", "infeasible"}, /* 10 ms are kept back */
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct origin *api = after_ms(0);
        struct world *world = before(after_ms(0), api);
        char would[64], label[64];

        snprintf(would, sizeof(would), " would_reason=%s", cases[i].reason);
        snprintf(label, sizeof(label), "reason=\"%s\"", cases[i].reason);
        cr_expect_eq(world_get(world, "/", cases[i].line)->status, 200);
        cr_expect_gt(told(api, 0), 9000, "what is left of max");
        cr_expect(LOGS(world, "status=200", "mode=observe", "would=time_out", would), "%s", would);
        cr_expect_eq(world_metric(world, "hourglass_would_time_out_total", label), 1, "%s", label);
        cr_expect_eq(world_metric(world, "hourglass_timeouts_total", label), 0);
        cr_expect_eq(world_metric(world, "hourglass_would_cut_total", "call=\"db\""), 0);
        world_stop(world);
    }
}

/* ---- optional calls --------------------------------------------------------------------------- */

#define ADVICE                                               \
    "[upstream advice]\nurl = http://127.0.0.1:%u\n"         \
    "[upstream api]\nurl = http://127.0.0.1:%u\n"            \
    "[route r]\nmatch = /*\nsteps = first, advice, api\n"    \
    "[call r.first]\nupstream = api\nrequest = GET /first\n" \
    "[call r.api]\nupstream = api\n"                         \
    "[call r.advice]\nupstream = advice\nrequest = GET /advice\noptional = yes\n"

Test(observing, late_optional_call_would_be_cut_and_the_request_would_go_on)
{
    struct world *world = world_start(OBSERVE ADVICE "budget = 60ms\n", origin_port(after_ms(120)),
                                      origin_port(after_ms(0)));
    const struct reply *reply = world_get(world, "/", "X-Request-Timeout-Ms: 9000\r\n");

    cr_expect_eq(reply->status, 200);
    cr_expect_geq(reply->took.ns, span_ms(120).ns);
    cr_expect_str_eq(reply_header(reply, "X-Budget-Partial"), "", "it did answer");
    cr_expect(LOGS(world, "status=200", "advice:ok:", "would=go_on would_cut=\"advice\""));
    cr_expect_eq(world_metric(world, "hourglass_would_cut_total", "call=\"advice\""), 1);
    cr_expect_eq(world_metric(world, "hourglass_would_skip_total", "call=\"advice\""), 0);
    cr_expect_eq(world_metric(world, "hourglass_would_time_out_total", "reason=\"call\""), 0);
    world_stop(world);
}

/* The first call leaves too little of the 9 s for the 8.95 s that the second must have. */
Test(observing, optional_call_without_time_is_made_and_would_be_skipped)
{
    struct origin *advice = after_ms(0);
    struct origin *slow = after_ms(80);
    struct world *world = world_start(OBSERVE ADVICE "budget = 9s\nmin = 8950ms\n",
                                      origin_port(advice), origin_port(slow));

    cr_expect_eq(world_get(world, "/", "X-Request-Timeout-Ms: 9000\r\n")->status, 200);
    cr_expect_eq(origin_requests(advice), 1);
    cr_expect(LOGS(world, "status=200", "advice:ok:", "would=go_on would_skip=\"advice\""));
    cr_expect_null(strstr(program_stderr(world_program(world)), "would_cut"));
    cr_expect_eq(world_metric(world, "hourglass_would_skip_total", "call=\"advice\""), 1);
    cr_expect_eq(world_metric(world, "hourglass_would_skip_total", "call=\"api\""), 0);
    cr_expect_eq(world_metric(world, "hourglass_would_cut_total", "call=\"advice\""), 0);
    world_stop(world);
}

/* ---- what upstreams see ----------------------------------------------------------------------- */

Test(observing, upstreams_are_told_what_is_left_of_max)
{
    struct origin *db = after_ms(50);
    struct origin *api = after_ms(0);
    struct world *world = before(db, api);

    cr_expect_eq(world_get(world, "/", "X-Request-Timeout-Ms: 200\r\n")->status, 200);
    cr_expect_gt(told(db, 0), 5000, "and not its 60 ms");
    cr_expect_leq(told(db, 0), 10000);
    cr_expect_gt(told(api, 0), 5000);
    cr_expect_leq(told(api, 0), told(db, 0) - 50);
    world_stop(world);
}

Test(observing, cap_of_an_attempt_does_not_cut_it)
{
    struct origin *db = after_ms(0);
    struct origin *api = after_ms(120);
    struct world *world = world_start(OBSERVE PLAN "retries = 1\nattempt = 40ms\n"
                                                   "retry-on = timeout\n",
                                      origin_port(db), origin_port(api), "60ms");

    cr_expect_eq(world_get(world, "/", "")->status, 200);
    cr_expect_eq(origin_requests(api), 1);
    cr_expect(LOGS(world, "status=200", "api:ok:", "mode=observe"));
    cr_expect_null(strstr(program_stderr(world_program(world)), "attempts="));
    world_stop(world);
}

Test(observing, client_that_leaves_takes_its_calls_along)
{
    struct origin *silent = ORIGIN({.deeds = {SILENCE}});
    struct world *world = before(silent, after_ms(0));
    struct dialogue *dialogue = world_dial(world);

    dialogue_send(dialogue, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    (void)origin_request(silent, 0);
    dialogue_reset(dialogue);
    (void)origin_ended(silent, 0);
    cr_expect(LOGS(world, "status=499", "mode=observe"));
    world_stop(world);
}

/* As a client does that has its own timer. */
Test(observing, call_that_was_late_when_its_client_left_would_have_been_cut)
{
    struct origin *silent = ORIGIN({.deeds = {SILENCE}});
    struct world *world = before(silent, after_ms(0));
    struct dialogue *dialogue = world_dial(world);

    dialogue_send(dialogue, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    (void)origin_request(silent, 0);
    usleep(100000);
    dialogue_close(dialogue);
    cr_expect(LOGS(world, "status=499", "would=time_out", "would_reason=call", "would_call=db",
                   "would_cut=\"db\""));
    world_stop(world);
}

Test(observing, wait_for_a_connection_beyond_the_budget_is_not_cut)
{
    struct world *world =
        world_start(WORLD_PROXY WORLD_BUDGET "default = 60ms\nmax = 10s\nmode = observe\n"
                                             "[upstream u]\nurl = http://127.0.0.1:%u\n"
                                             "connections = 1\n[route r]\nmatch = /*\n"
                                             "upstream = u\n",
                    origin_port(after_ms(120)));
    struct dialogue *first = world_dial(world);
    struct dialogue *second = world_dial(world);

    dialogue_send(first, "GET /1 HTTP/1.1\r\nHost: h\r\n\r\n");
    dialogue_send(second, "GET /2 HTTP/1.1\r\nHost: h\r\n\r\n");
    cr_expect_eq(dialogue_read(first)->status, 200);
    cr_expect_eq(dialogue_read(second)->status, 200);
    cr_expect(LOGS(world, "path=/1", "status=200", "would=time_out"));
    cr_expect(LOGS(world, "path=/2", "status=200", "would=time_out"));
    world_stop(world);
}

/* Nobody knows how long the call that would have stood in had taken. */
Test(observing, late_call_with_another_to_stand_in_would_have_gone_on)
{
    struct origin *kept = after_ms(0);
    struct world *world =
        world_start(OBSERVE "[upstream live]\nurl = http://127.0.0.1:%u\n"
                            "[upstream kept]\nurl = http://127.0.0.1:%u\n[route r]\nmatch = /*\n"
                            "steps = live\n[call r.live]\nupstream = live\nbudget = 60ms\n"
                            "fallback = call kept\n[call r.kept]\nupstream = kept\n"
                            "request = GET /kept\n",
                    origin_port(after_ms(120)), origin_port(kept));

    cr_expect_eq(world_get(world, "/", "X-Request-Timeout-Ms: 9000\r\n")->status, 200);
    cr_expect_eq(origin_requests(kept), 0);
    cr_expect(LOGS(world, "live:ok:", "would=go_on would_cut=\"live\""));
    world_stop(world);
}

Test(observing, failure_that_is_not_the_budgets_doing_is_not_blamed_on_it)
{
    struct origin *broken = ORIGIN({.deeds = {READ_ALL, CLOSE}});
    struct world *world = before_patient(broken, after_ms(0));

    cr_expect_eq(world_get(world, "/", "X-Request-Timeout-Ms: 9000\r\n")->status, 502);
    cr_expect(LOGS(world, "status=502", "reason=failed", "call=db", "mode=observe would=go_on"));
    cr_expect_eq(world_metric(world, "hourglass_would_time_out_total", "reason=\"call\""), 0);
    world_stop(world);
}

/* ---- the client's body ------------------------------------------------------------------------ */

#define UPLOAD \
    "POST / HTTP/1.1\r\nHost: h\r\nX-Request-Timeout-Ms: 60\r\nContent-Length: 4\r\n\r\nbo"

/* Half of the body comes when the budget is over. */
static const struct reply *upload_slowly(struct world *world)
{
    struct dialogue *dialogue = world_dial(world);

    dialogue_send(dialogue, UPLOAD);
    usleep(500000);
    dialogue_send(dialogue, "dy");
    return dialogue_read(dialogue);
}

Test(observing, body_that_comes_too_late_is_passed_on)
{
    struct origin *origin = ORIGIN({.deeds = {READ_ALL, SEND(ANSWER_OK)}});
    struct world *world = world_start(OBSERVE WORLD_ROUTE, origin_port(origin));

    cr_expect_eq(upload_slowly(world)->status, 200);
    cr_expect_str_eq(origin_body(origin, 0)->message.body, "body");
    cr_expect(LOGS(world, "status=200", "mode=observe would=time_out", "would_reason=call"));
    world_stop(world);
}

Test(observing, body_that_several_calls_get_is_waited_for_beyond_the_budget)
{
    struct origin *origin = ORIGIN({.deeds = {READ_ALL, SEND(ANSWER_OK)}});
    struct world *world =
        world_start(OBSERVE "[upstream u]\nurl = http://127.0.0.1:%u\n"
                            "[route r]\nmatch = /*\nsteps = a, b\n"
                            "[call r.a]\nupstream = u\n[call r.b]\nupstream = u\n",
                    origin_port(origin));

    cr_expect_eq(upload_slowly(world)->status, 200);
    cr_expect_str_eq(origin_body(origin, 0)->message.body, "body");
    cr_expect_str_eq(origin_body(origin, 1)->message.body, "body");
    cr_expect(LOGS(world, "status=200", "mode=observe would=time_out"));
    world_stop(world);
}

/* ---- max -------------------------------------------------------------------------------------- */

#define TIGHT WORLD_PROXY WORLD_BUDGET "default = 300ms\nmax = 800ms\nmode = observe\n" WORLD_ROUTE

Test(observing, at_max_it_is_cut)
{
    struct origin *silent = ORIGIN({.deeds = {SILENCE}});
    struct world *world = world_start(TIGHT, origin_port(silent));
    const struct reply *reply = world_get(world, "/", "");

    cr_expect_eq(reply->status, 504);
    cr_expect_geq(reply->took.ns, span_ms(780).ns, "max, but for what the reply needs");
    cr_expect_str_eq(reply_member(reply, "reason"), "call");
    (void)origin_ended(silent, 0);
    cr_expect(LOGS(world, "status=504", "reason=call", "mode=observe would=time_out",
                   "would_reason=call"));
    cr_expect_eq(world_metric(world, "hourglass_timeouts_total", "reason=\"call\""), 1);
    cr_expect_eq(world_metric(world, "hourglass_would_time_out_total", "reason=\"call\""), 1);
    world_stop(world);
}

Test(observing, answer_that_has_begun_is_visibly_cut_at_max)
{
    struct origin *endless =
        ORIGIN({.deeds = {SEND("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n01"), SILENCE}});
    struct world *world = world_start(TIGHT, origin_port(endless));
    const struct reply *reply = world_get(world, "/", "");

    cr_expect_eq(reply->status, 200);
    cr_expect_neq(reply->end, REPLY_COMPLETE);
    cr_expect_geq(reply->took.ns, span_ms(780).ns);
    cr_expect(LOGS(world, "status=200", "outcome=cut", "mode=observe would=break_off"));
    world_stop(world);
}

Test(observing, time_for_local_work_is_not_kept_from_calls)
{
    struct world *world = world_start(WORLD_PROXY "[budget]\ndefault = 900ms\nlocal = 800ms\n"
                                                  "max = 1s\nmode = observe\n" WORLD_ROUTE,
                                      origin_port(after_ms(400)));

    cr_expect_eq(world_get(world, "/", "")->status, 200);
    cr_expect(LOGS(world, "status=200", "would=time_out", "would_reason=call"));
    world_stop(world);
}

/* ---- per route -------------------------------------------------------------------------------- */

#define TWO_ROUTES                              \
    "[upstream u]\nurl = http://127.0.0.1:%u\n" \
    "[route tried]\nmatch = /tried\nupstream = u\n%s[route firm]\nmatch = /firm\nupstream = u\n%s"

static void expect_only_tried_is_observed(struct world *world)
{
    cr_expect_eq(world_get(world, "/tried", "")->status, 200);
    cr_expect_eq(world_get(world, "/firm", "")->status, 504);
    cr_expect(LOGS(world, "path=/tried", "mode=observe"));
    cr_expect(LOGS(world, "path=/firm", "status=504"));
    cr_expect_eq(world_metric(world, "hourglass_observed_requests_total", "route=\"tried\""), 1);
    cr_expect_eq(world_metric(world, "hourglass_observed_requests_total", "route=\"firm\""), 0);
    world_stop(world);
}

Test(observing, one_route_may_be_observed_among_others)
{
    expect_only_tried_is_observed(world_start(WORLD_PROXY WORLD_BUDGET
                                              "default = 60ms\n" TWO_ROUTES,
                                              origin_port(after_ms(150)), "mode = observe\n", ""));
}

Test(observing, one_route_may_be_enforced_among_others)
{
    expect_only_tried_is_observed(world_start(WORLD_PROXY WORLD_BUDGET
                                              "default = 60ms\nmode = observe\n" TWO_ROUTES,
                                              origin_port(after_ms(150)), "", "mode = enforce\n"));
}
