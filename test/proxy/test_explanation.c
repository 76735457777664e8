#include "test/proxy/explaining.h"

static struct explanation explanation;
static struct conf *conf;

static void explain(const char *text, struct explain_question question)
{
    static struct explain_question asked;

    asked = question;
    conf = read_good(text);
    explanation_make(&explanation, conf, &asked);
}

static void again(struct explain_question question)
{
    static struct explain_question asked;

    asked = question;
    explanation_make(&explanation, conf, &asked);
}

static const struct explained_call *call_of(const char *name)
{
    for (size_t i = 0; i < explanation.calls_count; i++) {
        if (strcmp(explanation.calls[i].conf->name, name) == 0)
            return &explanation.calls[i];
    }
    cr_assert_fail("there is no call %s", name);
    return NULL;
}

static void expect_grant(const char *name, enum use use, int starts_ms, int granted_ms)
{
    const struct explained_grant *grant = &call_of(name)->grants[use];

    cr_expect_eq(grant->kind, GRANT_GIVEN, "%s", name);
    cr_expect_eq(grant->starts.ns, starts_ms * NS_PER_MS, "%s starts at %g", name,
                 (double)grant->starts.ns / NS_PER_MS);
    cr_expect_eq(grant->granted.ns, granted_ms * NS_PER_MS, "%s is granted %g", name,
                 span_as_ms(grant->granted));
}

Test(explanation, grants_are_those_of_the_plan_for_both_uses)
{
    explain(PAGE, question_of("GET", "/page/7"));
    cr_expect_eq(explanation.calls_count, 4);
    expect_grant("session", USE_NONE, 0, 200);
    expect_grant("session", USE_ALL, 0, 200);
    expect_grant("stock", USE_NONE, 0, 400);
    expect_grant("stock", USE_ALL, 200, 400);
    expect_grant("price", USE_ALL, 200, 300);
    expect_grant("order", USE_NONE, 0, 900);
    expect_grant("order", USE_ALL, 600, 300);
    cr_expect_eq(explanation.last_504.ns, 900 * NS_PER_MS);
    conf_destroy(conf);
}

Test(explanation, a_call_that_is_never_reached_has_no_grant)
{
    struct span budget = span_ms(300);
    struct explain_question question = question_of("GET", "/page/7");

    question.budget = &budget;
    explain(PAGE, question);
    expect_grant("session", USE_ALL, 0, 130);
    expect_grant("stock", USE_ALL, 130, 20);
    expect_grant("order", USE_ALL, 150, 50);
    budget = span_ms(160);
    again(question);
    cr_expect_eq(call_of("session")->grants[USE_ALL].kind, GRANT_UNREACHED);
    cr_expect_eq(explanation.rehearsals[USE_ALL].end.reason, REASON_INFEASIBLE);
    cr_expect_eq(explanation.last_504.ns, 0);
    conf_destroy(conf);
}

Test(explanation, what_the_proxy_refuses_is_refused)
{
    static const struct {
        const char *method;
        const char *target;
        int status;
        const char *allow;
    } rows[] = {
        {"GET", "/page/7", 0, NULL},
        {"HEAD", "/page/7?a=b", 0, NULL},
        {"GET", "http://example.org/page/7", 0, NULL},
        {"GET", "https://example.org/page/7", 400, NULL},
        {"GET", "/page/../page/7", 400, NULL},
        {"GET", "/page/%2e%2E/7", 400, NULL},
        {"GET", "/page/%zz", 400, NULL},
        {"GET", "/page/a b", 400, NULL},
        {"GET", "/page/7#top", 400, NULL},
        {"GET", "page/7", 400, NULL},
        {"GET", "", 400, NULL},
        {"GET", "*", 400, NULL},
        {"OPTIONS", "*", 404, NULL},
        {"GE T", "/page/7", 400, NULL},
        {"", "/page/7", 400, NULL},
        {"get", "/page/7", 501, NULL},
        {"FOO", "/nowhere", 501, NULL},
        {"FOO", "/page/../7", 400, NULL},
        {"PRI", "/page/7", 400, NULL},
        {"A-METHOD-THAT-IS-LONGER-THAN-ALL-OTHERS-AND-THEN-SOME-MORE-OF-IT", "/page/7", 501, NULL},
        {"GET", "/nowhere", 404, NULL},
        {"DELETE", "/page/7", 405, "GET, HEAD, POST"},
        {"TRACE", "/page/7", 405, "GET, HEAD, POST"},
        {"TRACE", "/nowhere", 405, ""},
        {"CONNECT", "example.org:443", 405, ""},
        {"CONNECT", "/page/7", 400, NULL},
    };

    conf = read_good(PAGE);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        again(question_of(rows[i].method, rows[i].target));
        cr_expect_eq(explanation.refusal.status, rows[i].status, "%s %s: %d", rows[i].method,
                     rows[i].target, explanation.refusal.status);
        cr_expect_eq(!explanation.refusal.allow, !rows[i].allow);
        if (rows[i].allow && explanation.refusal.allow)
            cr_expect_str_eq(explanation.refusal.allow, rows[i].allow);
    }
    conf_destroy(conf);
}

static void expect_retries(const struct explained_retries *retries, unsigned fit,
                           enum retry_verdict end)
{
    cr_expect_eq(retries->fit, fit, "%u", retries->fit);
    cr_expect_eq(retries->end, end, "%s", retry_verdict_name(retries->end));
}

Test(explanation, retries_are_counted_with_the_longest_waits)
{
    explain(PAGE, question_of("GET", "/page/7"));
    const struct explained_grant *price = &call_of("price")->grants[USE_NONE];
    const struct explained_grant *order = &call_of("order")->grants[USE_NONE];

    /* 0 + 20 + 40 + 80 are well below 300; 125, 20 and 125 are below it, and 40 more are not. */
    expect_retries(&price->at_once, 3, RETRY_NO_ATTEMPTS);
    expect_retries(&price->at_cut, 1, RETRY_NO_TIME);
    expect_retries(&order->at_once, 1, RETRY_NO_ATTEMPTS);
    expect_retries(&order->at_cut, 0, RETRY_NO_CONDITION);
    cr_expect_eq(price->told.ns, 125 * NS_PER_MS);
    conf_destroy(conf);
}

Test(explanation, a_method_that_may_do_harm_is_not_retried)
{
    explain(PAGE, question_of("POST", "/page/7"));
    expect_retries(&call_of("order")->grants[USE_NONE].at_once, 0, RETRY_NO_METHOD);
    expect_retries(&call_of("price")->grants[USE_NONE].at_once, 3, RETRY_NO_ATTEMPTS);
    conf_destroy(conf);
}

Test(explanation, a_hedge_starts_after_its_delay_if_that_leaves_time)
{
    explain(PAGE, question_of("GET", "/page/7"));
    conf->upstreams[0].hedge_budget = ALLOWANCE_HEDGES;
    conf->routes[0].calls[3].hedge =
        (struct hedge_policy){.kind = HEDGE_FIXED, .delay = span_ms(250)};
    again(question_of("GET", "/page/7"));
    cr_expect_eq(call_of("order")->grants[USE_NONE].hedge.ns, 250 * NS_PER_MS);
    cr_expect_eq(call_of("order")->grants[USE_ALL].hedge.ns, 850 * NS_PER_MS);
    conf->routes[0].calls[3].hedge.delay = span_ms(251);
    again(question_of("GET", "/page/7"));
    cr_expect_eq(call_of("order")->grants[USE_ALL].hedge.ns, INSTANT_NEVER.ns);
    conf->routes[0].calls[3].hedge.delay = span_ms(250);
    again(question_of("POST", "/page/7"));
    cr_expect_eq(call_of("order")->grants[USE_NONE].hedge.ns, INSTANT_NEVER.ns);
    conf_destroy(conf);
}

Test(explanation, a_stand_in_gets_what_the_call_before_it_leaves)
{
    struct call_policy policies[PLAN_CALLS_MAX];

    conf = read_good(PAGE);
    let_last_stand_in(&conf->routes[0], 1, policies);
    policies[3].budget = (struct amount){.kind = AMOUNT_FIXED, .fixed = span_ms(350)};
    again(question_of("GET", "/page/7"));
    cr_expect_eq(explanation.calls_count, 4);
    cr_expect_str_eq(explanation.calls[2].conf->name, "order");
    cr_expect_str_eq(explanation.calls[2].failing, "stock");
    cr_expect_eq(explanation.calls[2].step, 1);
    expect_grant("order", USE_NONE, 0, 350);
    expect_grant("order", USE_ALL, 600, 300);
    cr_expect_eq(explanation.last_504.ns, 900 * NS_PER_MS);
    conf_destroy(conf);
}

Test(explanation, a_stand_in_of_an_optional_call_makes_its_step_no_longer)
{
    struct call_policy policies[PLAN_CALLS_MAX];

    conf = read_good(PAGE);
    let_last_stand_in(&conf->routes[0], 2, policies);
    again(question_of("GET", "/page/7"));
    expect_grant("order", USE_NONE, 0, 400);
    expect_grant("order", USE_ALL, 500, 100);
    cr_expect_eq(explanation.last_504.ns, 600 * NS_PER_MS);
    policies[3].min = span_ms(101);
    again(question_of("GET", "/page/7"));
    cr_expect_eq(call_of("order")->grants[USE_NONE].kind, GRANT_GIVEN);
    cr_expect_eq(call_of("order")->grants[USE_ALL].kind, GRANT_SKIPPED);
    conf_destroy(conf);
}

Test(explanation, times_that_shrink_do_so_for_stand_ins_too)
{
    struct call_policy policies[PLAN_CALLS_MAX];
    struct span budget = span_ms(500);
    struct explain_question question = question_of("GET", "/page/7");

    question.budget = &budget;
    conf = read_good(PAGE);
    let_last_stand_in(&conf->routes[0], 1, policies);
    conf->routes[0].policy.proportional = true;
    policies[3].budget = (struct amount){.kind = AMOUNT_FIXED, .fixed = span_ms(200)};
    again(question);
    expect_grant("session", USE_ALL, 0, 100);
    expect_grant("stock", USE_ALL, 100, 200);
    expect_grant("order", USE_ALL, 300, 100);
    conf_destroy(conf);
}

/* ---- the most that a call takes --------------------------------------------------------------- */

static void expect_cut(const char *name, enum use use, int cut_ms)
{
    cr_expect_eq(call_of(name)->grants[use].cut.ns, cut_ms * NS_PER_MS, "%s is cut at %g", name,
                 (double)call_of(name)->grants[use].cut.ns / NS_PER_MS);
}

/* The retries of order, and the attempts that they need, as they are set here. */
static struct retry_policy *retry_order(unsigned retries, int attempt_ms, int backoff_ms)
{
    struct retry_policy *retry;

    conf = read_good(PAGE);
    retry = &conf->routes[0].calls[3].retry;
    retry->retries = retries;
    retry->attempt = span_ms(attempt_ms);
    retry->backoff = span_ms(backoff_ms);
    return retry;
}

Test(explanation, a_call_is_cut_when_its_attempts_and_the_longest_waits_are_over)
{
    retry_order(2, 70, 10);
    again(question_of("GET", "/page/7"));
    expect_cut("session", USE_ALL, 200);
    expect_cut("order", USE_NONE, 70 + 10 + 70 + 20 + 70);
    expect_cut("order", USE_ALL, 600 + 240);
    expect_grant("order", USE_ALL, 600, 300);
    cr_expect_eq(explanation.last_504.ns, 840 * NS_PER_MS);
    again(question_of("POST", "/page/7"));
    expect_cut("order", USE_ALL, 600 + 70);
    conf_destroy(conf);
}

Test(explanation, a_call_is_never_cut_later_than_at_the_end_of_its_grant)
{
    retry_order(1, 200, 10);
    again(question_of("GET", "/page/7"));
    expect_cut("order", USE_NONE, 410);
    expect_cut("order", USE_ALL, 900);
    conf_destroy(conf);
}

Test(explanation, an_attempt_that_is_raced_may_last_longer_by_the_delay_of_the_hedge)
{
    retry_order(0, 100, 10);
    conf->upstreams[0].hedge_budget = ALLOWANCE_HEDGES;
    conf->routes[0].calls[3].hedge =
        (struct hedge_policy){.kind = HEDGE_FIXED, .delay = span_ms(40)};
    again(question_of("GET", "/page/7"));
    expect_cut("order", USE_NONE, 140);
    again(question_of("POST", "/page/7"));
    expect_cut("order", USE_NONE, 100);
    conf->routes[0].calls[3].hedge = (struct hedge_policy){.kind = HEDGE_LATELY, .percent = 95};
    again(question_of("GET", "/page/7"));
    expect_cut("order", USE_NONE, 200);
    conf_destroy(conf);
}

Test(explanation, the_steps_after_a_call_begin_when_its_attempts_are_over)
{
    conf = read_good(PAGE);
    conf->routes[0].calls[0].retry.attempt = span_ms(80);
    again(question_of("GET", "/page/7"));
    expect_grant("session", USE_ALL, 0, 200);
    expect_grant("stock", USE_ALL, 80, 400);
    expect_grant("order", USE_ALL, 480, 420);
    cr_expect_eq(explanation.last_504.ns, 900 * NS_PER_MS);
    conf_destroy(conf);
}

/* ---- the latest 504 --------------------------------------------------------------------------- */

/* Without a stand-in order is cut at 700; then it stands in for session, and stock comes later. */
Test(explanation, the_latest_504_is_that_behind_a_call_that_stood_in)
{
    struct call_policy policies[PLAN_CALLS_MAX];

    conf = read_good(PAGE);
    memcpy(policies, conf->routes[0].policy.calls, sizeof *policies * 4);
    conf->routes[0].policy.calls = policies;
    policies[3].budget = (struct amount){.kind = AMOUNT_FIXED, .fixed = span_ms(100)};
    again(question_of("GET", "/page/7"));
    cr_expect_eq(explanation.last_504.ns, 700 * NS_PER_MS);
    let_last_stand_in(&conf->routes[0], 0, policies);
    policies[3].budget = (struct amount){.kind = AMOUNT_FIXED, .fixed = span_ms(150)};
    again(question_of("GET", "/page/7"));
    expect_grant("order", USE_ALL, 200, 150);
    expect_grant("stock", USE_ALL, 200, 400);
    cr_expect_eq(explanation.last_504.ns, 750 * NS_PER_MS);
    conf_destroy(conf);
}

/* ---- observed --------------------------------------------------------------------------------- */

Test(explanation, what_is_observed_is_granted_all_there_is_and_its_attempts_too)
{
    static struct explanation enforced;
    struct explain_question question = question_of("GET", "/page/7");
    struct span expired = SPAN_NONE;

    retry_order(1, 70, 10);
    question.budget = &expired;
    explanation_make(&enforced, conf, &question);
    explanation_observe(&explanation, &enforced);
    cr_expect_eq(enforced.last_504.ns, 0);
    expect_grant("session", USE_NONE, 0, 1910);
    expect_cut("session", USE_NONE, 1910);
    expect_grant("order", USE_NONE, 0, 1980);
    expect_cut("order", USE_NONE, 1980);
    cr_expect_eq(call_of("order")->grants[USE_NONE].told.ns, 1980 * NS_PER_MS);
    cr_expect_eq(explanation.last_504.ns, 1980 * NS_PER_MS);
    conf_destroy(conf);
}
