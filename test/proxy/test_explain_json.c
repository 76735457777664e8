#include "conf/json.h"
#include "test/proxy/explaining.h"

static char *text;

/* The document; it is JSON, and ends as lines do. */
static struct text explain(const struct conf *conf, struct explain_question question)
{
    text = printed(explain_print_json, conf, question);
    struct text document = text_of(text);
    cr_assert(json_is_value(document), "not JSON:\n%s", text);
    cr_expect_eq(text[document.count - 1], '\n');
    return document;
}

static void expect_at(struct text document, const char *pointer, const char *expected)
{
    struct text found = json_find(document, text_of(pointer));

    cr_assert_not_null(found.at, "nothing at %s in:\n%s", pointer, text);
    cr_expect(text_is(found, text_of(expected)), "%s is %.*s, not %s", pointer, (int)found.count,
              found.at, expected);
}

static void expect_none(struct text document, const char *pointer)
{
    cr_expect_null(json_find(document, text_of(pointer)).at, "%s", pointer);
}

Test(explain_json, says_the_route_and_its_times)
{
    struct conf *conf = read_good(PAGE);
    struct text document = explain(conf, question_of("GET", "/page/7"));

    expect_at(document, "/method", "\"GET\"");
    expect_at(document, "/target", "\"/page/7\"");
    expect_at(document, "/route/name", "\"page\"");
    expect_at(document, "/route/match", "\"GET,POST /page/{id}\"");
    expect_at(document, "/route/answer", "\"order\"");
    expect_at(document, "/route/merge", "false");
    expect_at(document, "/route/enforced_percent", "100");
    expect_at(document, "/enforced/budget_ms", "1000");
    expect_at(document, "/enforced/budget_from", "\"default\"");
    expect_at(document, "/enforced/local_ms", "100");
    expect_at(document, "/enforced/reply_ms", "20");
    expect_at(document, "/enforced/calls_by_ms", "900");
    expect_at(document, "/enforced/reply_by_ms", "980");
    expect_at(document, "/enforced/hard_ms", "1000");
    expect_at(document, "/enforced/last_504_ms", "900");
    expect_at(document, "/enforced/if_all_used/status", "200");
    expect_at(document, "/enforced/if_all_used/reason", "null");
    expect_none(document, "/refused");
    free(text);
    conf_destroy(conf);
}

Test(explain_json, says_of_each_call_what_it_is_granted_and_told)
{
    struct conf *conf = read_good(PAGE);
    struct text document = explain(conf, question_of("GET", "/page/7"));

    expect_at(document, "/enforced/calls/1/name", "\"stock\"");
    expect_at(document, "/enforced/calls/1/upstream", "\"two\"");
    expect_at(document, "/enforced/calls/1/step", "2");
    expect_at(document, "/enforced/calls/1/optional", "false");
    expect_at(document, "/enforced/calls/1/min_ms", "20");
    expect_at(document, "/enforced/calls/1/retries", "0");
    expect_at(document, "/enforced/calls/1/stands_in_for", "null");
    expect_at(document, "/enforced/calls/1/none_used/starts_at_ms", "0");
    expect_at(document, "/enforced/calls/1/all_used/state", "\"granted\"");
    expect_at(document, "/enforced/calls/1/all_used/starts_at_ms", "200");
    expect_at(document, "/enforced/calls/1/all_used/granted_ms", "400");
    expect_at(document, "/enforced/calls/1/all_used/cut_at_ms", "600");
    expect_at(document, "/enforced/calls/1/all_used/told/0/header", "\"grpc-timeout\"");
    expect_at(document, "/enforced/calls/1/all_used/told/0/format", "\"grpc\"");
    expect_at(document, "/enforced/calls/1/all_used/told/0/value", "\"400000u\"");
    expect_at(document, "/enforced/calls/1/all_used/told/1/value", "\"1000600\"");
    expect_at(document, "/enforced/calls/2/all_used/told", "[]");
    expect_none(document, "/enforced/calls/1/none_used/retries_at_once");
    expect_none(document, "/enforced/calls/4");
    free(text);
    conf_destroy(conf);
}

Test(explain_json, says_which_retries_and_hedges_fit)
{
    struct conf *conf = read_good(PAGE);

    conf->routes[0].calls[1].hedge =
        (struct hedge_policy){.kind = HEDGE_FIXED, .delay = span_us(80500)};
    conf->routes[0].calls[3].hedge = (struct hedge_policy){.kind = HEDGE_LATELY, .percent = 95};
    conf->upstreams[1].hedge_budget = ALLOWANCE_HEDGES;
    struct text document = explain(conf, question_of("GET", "/page/7"));
    expect_at(document, "/enforced/calls/1/hedge_ms", "80.5");
    expect_at(document, "/enforced/calls/1/all_used/hedge_at_ms", "280.5");
    expect_at(document, "/enforced/calls/2/attempt_ms", "125");
    expect_at(document, "/enforced/calls/2/backoff_ms", "20");
    expect_at(document, "/enforced/calls/2/none_used/retries_at_once/fit", "3");
    expect_at(document, "/enforced/calls/2/none_used/retries_at_once/end", "\"attempts\"");
    expect_at(document, "/enforced/calls/2/none_used/retries_cut/fit", "1");
    expect_at(document, "/enforced/calls/2/none_used/retries_cut/end", "\"time\"");
    expect_at(document, "/enforced/calls/3/attempt_ms", "null");
    expect_at(document, "/enforced/calls/3/hedge_percentile", "95");
    expect_at(document, "/enforced/calls/3/none_used/hedge_at_ms", "null");
    free(text);
    conf_destroy(conf);
}

Test(explain_json, says_how_the_budget_runs_out)
{
    struct conf *conf = read_good(PAGE);
    struct span budget = span_us(160500);
    struct explain_question question = question_of("GET", "/page/7");

    question.budget = &budget;
    struct text document = explain(conf, question);
    expect_at(document, "/enforced/budget_ms", "160.5");
    expect_at(document, "/enforced/budget_from", "\"client\"");
    expect_at(document, "/enforced/if_all_used/status", "504");
    expect_at(document, "/enforced/if_all_used/reason", "\"infeasible\"");
    expect_at(document, "/enforced/if_all_used/call", "null");
    expect_at(document, "/enforced/calls/0/all_used/state", "\"unreached\"");
    expect_none(document, "/enforced/calls/0/all_used/granted_ms");
    free(text);
    budget = span_s(3);
    document = explain(conf, question);
    expect_at(document, "/enforced/budget_ms", "2000");
    expect_at(document, "/enforced/budget_from", "\"max\"");
    free(text);
    conf_destroy(conf);
}

Test(explain_json, says_how_a_request_is_refused_whatever_it_holds)
{
    struct conf *conf = read_good(PAGE);
    struct text document = explain(conf, question_of("G\"ET", "/a\\b\n\x01\xff\""));

    expect_at(document, "/method", "\"G\\\"ET\"");
    expect_at(document, "/target", "\"/a\\\\b???\\\"\"");
    expect_at(document, "/refused/status", "400");
    expect_at(document, "/refused/allow", "null");
    expect_none(document, "/route");
    free(text);
    document = explain(conf, question_of("DELETE", "/page/7"));
    expect_at(document, "/refused/status", "405");
    expect_at(document, "/refused/allow", "\"GET, HEAD, POST\"");
    free(text);
    conf_destroy(conf);
}

Test(explain_json, a_merge_has_no_answer_and_a_stand_in_names_its_call)
{
    struct call_policy policies[PLAN_CALLS_MAX];
    struct conf *conf = read_good(PAGE);

    let_last_stand_in(&conf->routes[0], 1, policies);
    conf->routes[0].answers = ANSWER_MERGE;
    conf->routes[0].enforce_share = SHARE_WHOLE / 40;
    struct text document = explain(conf, question_of("GET", "/page/7"));
    expect_at(document, "/route/answer", "null");
    expect_at(document, "/route/merge", "true");
    expect_at(document, "/route/enforced_percent", "2.5");
    expect_at(document, "/enforced/calls/2/name", "\"order\"");
    expect_at(document, "/enforced/calls/2/stands_in_for", "\"stock\"");
    expect_at(document, "/enforced/calls/2/step", "2");
    expect_at(document, "/enforced/last_504_ms", "980");
    free(text);
    conf_destroy(conf);
}

Test(explain_json, says_what_holds_for_requests_that_are_only_observed)
{
    struct conf *conf = read_good(PAGE);
    struct text document = explain(conf, question_of("GET", "/page/7"));

    expect_at(document, "/observed", "null");
    free(text);
    conf->routes[0].enforce_share = 0;
    document = explain(conf, question_of("GET", "/page/7"));
    expect_at(document, "/route/enforced_percent", "0");
    expect_at(document, "/enforced/budget_ms", "1000");
    expect_at(document, "/enforced/last_504_ms", "900");
    expect_at(document, "/enforced/calls/2/attempt_ms", "125");
    expect_at(document, "/observed/budget_ms", "2000");
    expect_at(document, "/observed/budget_from", "\"max\"");
    expect_at(document, "/observed/last_504_ms", "1980");
    expect_at(document, "/observed/calls/0/none_used/told/0/value", "\"1910\"");
    expect_at(document, "/observed/calls/2/attempt_ms", "null");
    free(text);
    conf_destroy(conf);
}
