#include "proxy/explain.h"

#include "test/proxy/explaining.h"

Test(explain, the_whole_of_it)
{
    struct conf *conf = read_good(PAGE);
    char *text = printed(explain_print, conf, question_of("GET", "/page/7"));

    cr_expect_str_eq(
        text,
        "GET /page/7\n"
        "\n"
        "route    page: GET,POST /page/{id}\n"
        "answer   of call order\n"
        "budget   1000 ms (the default)\n"
        "kept     local 100 ms, reply 20 ms\n"
        "ends     calls at 900 ms, an answer is on its way by 980 ms, all at 1000 ms\n"
        "\n"
        "  ---- session --+-- stock ---+-- order ---> client\n"
        "                 +-- price? --+\n"
        "\n"
        "  ?     optional: when it fails, that leaves a gap\n"
        "\n"
        "in ms, if the calls before used nothing, and if they used all that they may:\n"
        "\n"
        "step  call             upstream       none used |  all used\n"
        "                                        granted | starts at   granted    cut at\n"
        "1     session          one                  200 |         0       200       200\n"
        "2     stock            two                  400 |       200       400       600\n"
        "2     price?           mute                 300 |       200       300       500\n"
        "3     order            one                  900 |       600       300       900\n"
        "\n"
        "retries that fit, if attempts                 none used |        all used\n"
        "  price            fail at once                  3 of 3 |          3 of 3\n"
        "  price            take 125 ms                   1 of 3 |          1 of 3\n"
        "  order            fail at once                  1 of 1 |          1 of 1\n"
        "  order            take all there is    none: condition | none: condition\n"
        "\n"
        "upstreams are told                            none used |        all used\n"
        "  session          X-Request-Timeout-Ms             200 |             200\n"
        "  stock            grpc-timeout                 400000u |         400000u\n"
        "  stock            X-Deadline                   1000400 |         1000600\n"
        "  price            nothing\n"
        "  order            X-Request-Timeout-Ms             900 |             300\n"
        "\n"
        "A required call that is not over when it is cut: 504 then, at the latest at 900 ms.\n"
        "An optional call that is cut leaves a gap, and no 504.\n",
        "%s", text);
    free(text);
    conf_destroy(conf);
}

Test(explain, a_share_of_requests_that_is_held_to_its_budget_is_said)
{
    struct conf *conf = read_good(PAGE);

    conf->routes[0].enforce_share = SHARE_WHOLE / 10;
    char *text = printed(explain_print, conf, question_of("GET", "/page/7"));
    expect_part(text, "enforced for 10% of requests, the others are only observed\n");
    expect_part(text, "\nOBSERVED, as 90% of requests are: max is spent, whatever they ask for\n"
                      "\nbudget   2000 ms (the most that the route allows)\n");
    expect_part(text, "\nENFORCED, as 10% of requests are: what they are held to\n"
                      "\nbudget   1000 ms (the default)\n");
    free(text);
    conf->routes[0].enforce_share = 0;
    text = printed(explain_print, conf, question_of("GET", "/page/7"));
    expect_part(text, "only observed: no request is held to its budget\n");
    expect_part(text, "\nOBSERVED, as 100% of requests are: ");
    expect_part(text, "\nENFORCED, as no request is: what it would be held to\n");
    free(text);
    conf_destroy(conf);
}

/* 20 of the 2000 ms are kept back, and of what is left the minima of later steps. */
Test(explain, what_is_only_observed_is_told_what_is_left_of_max_and_cut_there)
{
    struct conf *conf = read_good(PAGE);

    conf->routes[0].enforce_share = 0;
    char *text = printed(explain_print, conf, question_of("GET", "/page/7"));
    expect_part(text,
                "  session          X-Request-Timeout-Ms            1910 |            1910\n");
    expect_part(text,
                "  price            take all there is      no retry fits |   no retry fits\n");
    expect_part(text, "504 then, at the latest at 1980 ms.\n");
    expect_part(text,
                "  session          X-Request-Timeout-Ms             200 |             200\n");
    expect_part(text, "504 then, at the latest at 900 ms.\n");
    free(text);
    conf_destroy(conf);
}

#define STAND_IN                                                \
    "[proxy]\nlisten = 127.0.0.1:0\n"                           \
    "[budget]\ndefault = 1000ms\nlocal = 100ms\n"               \
    "[upstream a]\nurl = http://127.0.0.1:9001\n"               \
    "[route r]\nmatch = /r\nsteps = one\n"                      \
    "[call r.two]\nupstream = a\nrequest = GET /\nmin = 50ms\n" \
    "[call r.one]\nupstream = a\nrequest = GET /\nfallback = call two\n"

Test(explain, a_stand_in_for_which_no_time_would_be_left_says_so)
{
    struct conf *conf = read_good(STAND_IN);
    char *text = printed(explain_print, conf, question_of("GET", "/r"));

    expect_part(text,
                "1     else two         a                    900 |         -   no time         -\n"
                "\nno time: the call that it stands in for leaves too little");
    expect_part(text,
                "\nA call that is not over when it is cut: 504 then, at the latest at 900 ms.\n"
                "If another stands in for it, and there is time for that one: no 504, ");
    free(text);
    conf_destroy(conf);
}

Test(explain, a_call_whose_attempts_are_over_before_its_grant_is_cut_then)
{
    struct conf *conf = read_good(STAND_IN "attempt = 100ms\nretries = 1\nbackoff = 8ms\n");
    char *text = printed(explain_print, conf, question_of("GET", "/r"));

    expect_part(text,
                "1     one              a                    900 |         0       900       208\n"
                "1     else two         a                    900 |       208       692       900\n"
                "\nA call that is cut before its grant is over has no attempts left. ");
    free(text);
    conf_destroy(conf);
}

Test(explain, a_plan_that_runs_out_says_where)
{
    struct conf *conf = read_good("[proxy]\nlisten = 127.0.0.1:0\n"
                                  "[budget]\ndefault = 1000ms\nlocal = 400ms\n"
                                  "[upstream a]\nurl = http://127.0.0.1:9001\n"
                                  "[route r]\nmatch = /r\nsteps = one, two\n"
                                  "[call r.one]\nupstream = a\nrequest = GET /\n"
                                  "[call r.two]\nupstream = a\nretries = 2\n");
    char *text = printed(explain_print, conf, question_of("GET", "/r"));

    expect_part(text, "If all before it is used up: 504 at 600 ms, reason infeasible, call two.\n");
    expect_part(text, "take all there is      no retry fits |               -\n");
    free(text);
    conf_destroy(conf);
}

Test(explain, hedges_say_when_they_start)
{
    struct conf *conf = read_good(PAGE);

    conf->upstreams[0].hedge_budget = ALLOWANCE_HEDGES;
    conf->routes[0].calls[0].hedge = (struct hedge_policy){.kind = HEDGE_LATELY, .percent = 95};
    conf->routes[0].calls[3].hedge =
        (struct hedge_policy){.kind = HEDGE_FIXED, .delay = span_ms(300)};
    char *text = printed(explain_print, conf, question_of("GET", "/page/7"));
    expect_part(text,
                "hedges start at                               none used |        all used\n"
                "  session          after its p95                   then |            then\n"
                "  order            after 300 ms                     300 |           never\n");
    free(text);
    conf_destroy(conf);
}

Test(explain, a_merge_may_run_out_of_time_too)
{
    struct conf *conf = read_good(PAGE);

    conf->routes[0].answers = ANSWER_MERGE;
    char *text = printed(explain_print, conf, question_of("GET", "/page/7"));
    expect_part(text, "answer   the bodies of all calls, merged\n");
    expect_part(text, "A merge that is not made in time: 504 at 980 ms.\n");
    free(text);
    conf_destroy(conf);
}

Test(explain, a_budget_of_a_client_is_limited)
{
    struct conf *conf = read_good(PAGE);
    struct explain_question question = question_of("GET", "/page/7");
    struct span budget = span_s(3);

    question.budget = &budget;
    char *text = printed(explain_print, conf, question);
    expect_part(text, "budget   2000 ms (the most that the route allows)\n");
    free(text);
    budget = SPAN_NONE;
    text = printed(explain_print, conf, question);
    expect_part(text, "No call is made: 504 at 0 ms, reason arrival.\n");
    free(text);
    conf_destroy(conf);
}

Test(explain, what_is_refused_says_how)
{
    struct conf *conf = read_good(PAGE);
    char *text = printed(explain_print, conf, question_of("DELETE", "/page/7"));

    cr_expect_str_eq(text, "DELETE /page/7\n\nno route for this method: 405, allowed: GET, HEAD, "
                           "POST\n");
    free(text);
    text = printed(explain_print, conf, question_of("GET", "/none"));
    cr_expect_str_eq(text, "GET /none\n\nno route: 404\n");
    free(text);
    conf_destroy(conf);
}
