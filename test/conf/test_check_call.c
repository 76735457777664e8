#include "test/conf/reading.h"

/* Two calls, one after the other; line 12 is the first that tests add to the first of them. */
static void check(const char *of_one, const char *of_two, const char *expected)
{
    char text[1024];

    snprintf(text, sizeof text,
             HEAD "[route r]\nmatch = /{id}\nsteps = one, two\n"
                  "[call r.one]\nupstream = a\n%s"
                  "[call r.two]\nupstream = a\n%s",
             of_one, of_two);
    check_complaints(text, expected);
}

#define NO_ROOM "f:15: warning: call.r.one.attempt is 50ms, after which no retry fits: "

Test(check_call, attempts_leave_room_for_another_or_a_warning_says_so)
{
    static const struct {
        const char *options;
        const char *complaints;
    } cases[] = {
        {"budget = 100ms\nretries = 1\nattempt = 50ms\n", ""},
        {"budget = 50ms\nretries = 0\nattempt = 50ms\n", ""},
        {"budget = 10%\nretries = 1\nattempt = 50ms\n", ""},
        {"budget = rest\nretries = 1\nattempt = 50ms\n", ""},
        {"budget = 50ms\nretries = 1\nattempt = rest\n", ""},
        {"budget = 51ms\nretries = 1\nattempt = 50ms\n", ""},
        {"budget = 50ms\nretries = 1\nattempt = 50ms\n",
         NO_ROOM "the budget of this call is 50ms, its min 0ms\n"},
        {"budget = 60ms\nretries = 1\nattempt = 50ms\nmin = 10ms\n", ""},
        {"budget = 60ms\nretries = 1\nattempt = 50ms\nmin = 11ms\n",
         NO_ROOM "the budget of this call is 60ms, its min 11ms\n"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char options[256];
        snprintf(options, sizeof options, "request = GET /\n%s", cases[i].options);
        check(options, "", cases[i].complaints);
    }
}

Test(check_call, what_can_have_no_effect_is_warned_of)
{
    static const struct {
        const char *option;
        const char *complaint;
    } cases[] = {
        {"retry-on = 503", "retry-on has no effect without retries"},
        {"backoff = 1ms", "backoff has no effect without retries"},
        {"max-body = 1KiB", "max-body has no effect: nothing needs the body of this call"},
        {"optional = yes\nfallback = {}",
         "fallback has no effect: nothing needs the body of this call"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char options[256];
        char expected[256];
        bool has_two_lines = strchr(cases[i].option, '\n') != NULL;
        snprintf(options, sizeof options, "request = GET /\n%s\n", cases[i].option);
        snprintf(expected, sizeof expected, "f:%d: warning: call.r.one.%s\n",
                 has_two_lines ? 14 : 13, cases[i].complaint);
        check(options, "", expected);
    }
}

Test(check_call, what_is_needed_must_be_there)
{
    check("request = HEAD /\n", "header = X-A: {one.body/a|none}\n",
          "f:12: call.r.one.request asks with HEAD, which brings no body, but a later call needs "
          "one\n");
    check("request = HEAD /\n", "header = X-A: {one.header.a}\n", "");
    check("request = GET /\nfallback = call kept\n",
          "header = X-A: {one.body/a}\n[call r.kept]\nupstream = a\nrequest = HEAD /\n",
          "f:19: call.r.kept.request asks with HEAD, which brings no body, but a later call needs "
          "one\n");
    check("request = GET /\noptional = yes\nfallback = none\n", "header = X-A: {one.body/a}\n",
          "f:14: call.r.one.fallback is not JSON, which a later call needs\n");
    check(
        "request = GET /\nfallback = {}\n", "header = X-A: {one.body/a}\n",
        "f:13: call.r.one.fallback needs optional = yes: without it a failure ends the request\n");
    check("body = {{}}\n", "request = GET /\n",
          "f:12: call.r.one.body has no meaning without request: the client's own body passes "
          "through\n");
}

Test(check_call, one_mistake_is_one_complaint)
{
    check("request = GET /\nretries = 11\nretry-on = 503\nbackoff = 1ms\n", "",
          "f:13: call.r.one.retries must be a number from 0 to 10\n");
    check("request = GET /\noptional = maybe\nfallback = {}\n", "header = X-A: {one.body/a}\n",
          "f:13: call.r.one.optional must be yes or no\n");
    check("request = GET\nmax-body = 1KiB\n", "header = X-A: {one.bdy/a}\n",
          "f:12: call.r.one.request must be a method and a path, as in GET /stock?fast=1\n"
          "f:16: call.r.two.header names {one.bdy/a}: a call has status, header.NAME, body "
          "and body/POINTER\n");
}

Test(check_call, a_hedge_is_a_request_that_may_be_made_twice)
{
    static const char *const safe[] = {"GET", "HEAD", "OPTIONS", "PUT", "DELETE"};
    static const char *const others[] = {"POST", "PATCH"};
    char text[128];
    char expected[256];

    for (size_t i = 0; i < sizeof safe / sizeof safe[0]; i++) {
        snprintf(text, sizeof text, "request = %s /\nhedge = 80ms\n", safe[i]);
        check(text, "hedge = p95\n", "");
    }
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        snprintf(text, sizeof text, "request = %s /\nhedge = p95\n", others[i]);
        snprintf(expected, sizeof expected,
                 "f:13: call.r.one.hedge would make a %s twice: only GET, HEAD, OPTIONS, PUT and "
                 "DELETE are hedged\n",
                 others[i]);
        check(text, "", expected);
    }
    check("request = POST /\nhedge = off\n", "", "");
}

/* A passing call on a route with this match; line 12 is the first that tests add to it, and line 7
 * the one that they add to its upstream. */
static void check_passing(const char *match, const char *of_upstream, const char *of_call,
                          const char *expected)
{
    char text[1024];

    snprintf(text, sizeof text,
             HEAD "%s[route r]\nmatch = %s\nsteps = one\n[call r.one]\nupstream = a\n%s",
             of_upstream, match, of_call);
    check_complaints(text, expected);
}

Test(check_call, retries_of_what_is_never_tried_again_are_warned_of)
{
    static const char of_route[] =
        "f:12: warning: call.r.one.retries has no effect: without unsafe "
        "in retry-on no method of its route is tried again\n";

    check("request = POST /\nretries = 1\n", "",
          "f:13: warning: call.r.one.retries has no effect: without unsafe in retry-on no POST is "
          "tried again\n");
    check("request = POST /\nretries = 1\nretry-on = unsafe, connect\n", "", "");
    check("request = POST /\nretries = 0\n", "", "");
    check("request = PUT /\nretries = 1\n", "", "");
    check(
        "request = POST /\nretries = 1\nretry-on = conect\n", "",
        "f:14: call.r.one.retry-on has an unknown failure \"conect\" (there are connect, timeout, "
        "429 and 500 to 599, and unsafe): did you mean connect?\n");
    check_passing("POST,PATCH /", "", "retries = 1\n", of_route);
    check_passing("POST,PATCH /", "", "retries = 1\nretry-on = connect, unsafe\n", "");
    check_passing("POST,PUT /", "", "retries = 1\n", "");
    check_passing("/", "", "retries = 1\n", "");
    check_passing("POST, /", "", "retries = 1\n",
                  "f:8: route.r.match has an unknown method \"\"\n");
}

Test(check_call, hedges_of_what_is_never_hedged_are_warned_of)
{
    check_passing("POST,PATCH /", "", "hedge = p95\n",
                  "f:12: warning: call.r.one.hedge has no effect: only GET, HEAD, OPTIONS, PUT and "
                  "DELETE are hedged, and its route takes none of them\n");
    check_passing("POST,DELETE /", "", "hedge = p95\n", "");
    check_passing("/", "", "hedge = 80ms\n", "");
}

Test(check_call, an_upstream_that_allows_no_further_attempts_is_warned_of)
{
    check_passing("/", "retry-budget = 0%\n", "retries = 1\n",
                  "f:13: warning: call.r.one.retries has no effect: upstream.a.retry-budget is "
                  "0%\n");
    check_passing("/", "hedge-budget = 0%\n", "hedge = p95\n",
                  "f:13: warning: call.r.one.hedge has no effect: upstream.a.hedge-budget is 0%\n");
    check_passing("/", "retry-budget = 0%\n", "hedge = p95\n", "");
    check_passing("/", "hedge-budget = 0.1%\n", "hedge = p95\nretries = 1\n", "");
    check_passing("/", "retry-budget = none\n", "retries = 1\n",
                  "f:7: upstream.a.retry-budget is not a share such as 25%\n");
}

#define NO_HEDGE "f:15: call.r.one.hedge is 50ms, after which no attempt fits: "

Test(check_call, a_hedge_has_time_left_in_its_call)
{
    static const struct {
        const char *options;
        const char *complaints;
    } cases[] = {
        {"budget = 51ms\nmin = 1ms\nhedge = 50ms\n", ""},
        {"budget = 10%\nmin = 0ms\nhedge = 50ms\n", ""},
        {"budget = rest\nmin = 0ms\nhedge = 50ms\n", ""},
        {"budget = 10ms\nmin = 0ms\nhedge = p99\n", ""},
        {"budget = 60ms\nattempt = 51ms\nhedge = 50ms\n", ""},
        {"budget = 50ms\nmin = 0ms\nhedge = 50ms\n",
         NO_HEDGE "the budget of this call is 50ms, its min 0ms\n"},
        {"budget = 60ms\nmin = 11ms\nhedge = 50ms\n",
         NO_HEDGE "the budget of this call is 60ms, its min 11ms\n"},
        {"budget = 60ms\nattempt = 50ms\nhedge = 50ms\n",
         "f:15: warning: call.r.one.hedge is 50ms, after which there is no attempt to race: "
         "it may take 50ms\n"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char options[256];
        snprintf(options, sizeof options, "request = GET /\n%s", cases[i].options);
        check(options, "", cases[i].complaints);
    }
}

/* A call `kept` that stands in for the first. */
static void check_kept(const char *of_one, const char *of_kept, const char *expected)
{
    char one[256];
    char two[256];

    snprintf(one, sizeof one, "request = GET /\nfallback = call kept\n%s", of_one);
    snprintf(two, sizeof two,
             "header = X-A: {one.body/a}\n[call r.kept]\nupstream = a\nrequest = GET /\n%s",
             of_kept);
    check(one, two, expected);
}

Test(check_call, what_stands_in_is_as_optional_as_what_it_stands_in_for)
{
    check_kept("", "", "");
    check_kept("optional = yes\n", "fallback = {\"a\": 1}\n", "");
    check_kept(
        "", "fallback = {}\n",
        "f:20: call.r.kept.fallback needs optional = yes in call.r.one: without it a failure "
        "ends the request\n");
    check_kept("optional = maybe\n", "fallback = {}\n",
               "f:14: call.r.one.optional must be yes or no\n");
    check_kept("optional = yes\n", "fallback = none\n",
               "f:21: call.r.kept.fallback is not JSON, which a later call needs\n");
    check_kept(
        "", "optional = no\n",
        "f:20: call.r.kept.optional has no meaning: the call stands in for call.r.one, which "
        "says it\n");
    check_kept("", "optional = maybe\n", "f:20: call.r.kept.optional must be yes or no\n");
}
