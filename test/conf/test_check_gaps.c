#include "test/conf/reading.h"

/* Two calls, one after the other, of which the first is optional; line 14 is the first that tests
 * add to it. */
static void check(const char *of_one, const char *of_two, const char *expected)
{
    char text[1024];

    snprintf(text, sizeof text,
             HEAD "[route r]\nmatch = /{id}\nsteps = one, two\n"
                  "[call r.one]\nupstream = a\nrequest = GET /\noptional = yes\n%s"
                  "[call r.two]\nupstream = a\n%s",
             of_one, of_two);
    check_complaints(text, expected);
}

#define FAILS \
    "} without a default: when call.r.one, which is optional, leaves a gap, this call fails\n"

Test(check_gaps, a_required_call_that_needs_an_optional_one_is_warned_of)
{
    check("", "header = X-A: {one.body/a}\n",
          "f:16: warning: call.r.two.header names {one.body/a" FAILS);
    check("", "header = X-A: {id}\nheader = X-B: {one.body}\n",
          "f:17: warning: call.r.two.header names {one.body" FAILS);
    check("", "request = GET /{one.header.x-a}\n",
          "f:16: warning: call.r.two.request names {one.header.x-a" FAILS);
    check("", "request = POST /\nbody = {{\"of\": {one.status}}}\n",
          "f:17: warning: call.r.two.body names {one.status" FAILS);
    check("", "header = X-A: {one.body/a|none}{one.status|}\n", "");
    check("", "header = X-A: {id}{query.one}{header.one}\n", "");
}

Test(check_gaps, each_template_is_warned_of_once)
{
    check("", "request = GET /{one.status}/{one.status}\nheader = X-A: {one.status}\n",
          "f:16: warning: call.r.two.request names {one.status" FAILS
          "f:17: warning: call.r.two.header names {one.status" FAILS);
}

Test(check_gaps, a_gap_that_another_may_fill_is_none)
{
    static const char kept[] = "[call r.kept]\nupstream = a\nrequest = GET /kept\n";
    char two[256];

    check("fallback = {\"a\": 1}\n", "header = X-A: {one.body/a}\n", "");
    check("fallback = {\"a\": 1}\n", "header = X-A: {one.status}{one.body/a}\n",
          "f:17: warning: call.r.two.header names {one.status" FAILS);
    snprintf(two, sizeof two, "header = X-A: {one.body/a}{one.header.b}{one.status}\n%s", kept);
    check("fallback = call kept\n", two, "");
    snprintf(two, sizeof two, "header = X-A: {one.body/a}\nfallback = call kept\n%s", kept);
    check("", two, "");
}

Test(check_gaps, what_stands_in_for_a_required_call_is_required_too)
{
    check("",
          "fallback = call kept\n[call r.kept]\nupstream = a\n"
          "request = GET /{one.body/a}\n",
          "f:19: warning: call.r.kept.request names {one.body/a" FAILS);
}

Test(check_gaps, an_optional_call_may_need_an_optional_one)
{
    check_complaints(HEAD
                     "[route r]\nmatch = /\nsteps = one, two, three\n"
                     "[call r.one]\nupstream = a\nrequest = GET /\noptional = yes\n"
                     "[call r.two]\nupstream = a\nrequest = GET /{one.body/a}\noptional = yes\n"
                     "[call r.three]\nupstream = a\n",
                     "");
}

#define NOTHING "call.r.one.fallback has nothing at "

Test(check_gaps, a_fallback_has_what_later_templates_name)
{
    check("fallback = {\"a\": {\"b\": [1]}}\n", "header = X-A: {one.body/a/b/0}{one.body}\n", "");
    check("fallback = {\"a\": {\"b\": [1]}}\n", "header = X-A: {one.body/a/c|none}\n", "");
    check("fallback = {\"a\": {\"b\": [1]}}\n", "header = X-A: {one.body/a/c}\n",
          "f:14: warning: " NOTHING "/a/c, which call.r.two.header names without a default\n");
    check("fallback = null\n", "request = GET /{one.body/a}\nheader = X-A: {one.body/b}\n",
          "f:14: warning: " NOTHING "/a, which call.r.two.request names without a default\n"
          "f:14: warning: " NOTHING "/b, which call.r.two.header names without a default\n");
    check("fallback = call kept\n",
          "header = X-A: {one.body/a}\n[call r.kept]\nupstream = a\nrequest = GET /\n"
          "fallback = {\"b\": 1}\n",
          "f:21: warning: call.r.kept.fallback has nothing at /a, which call.r.two.header names "
          "without a default\n");
}

Test(check_gaps, one_mistake_is_one_complaint)
{
    check("fallback = none\n", "header = X-A: {one.body/a}\n",
          "f:14: call.r.one.fallback is not JSON, which a later call needs\n");
    check("fallback = call k.o\n", "header = X-A: {one.body/a}\n",
          "f:14: call.r.one.fallback must be call NAME, as in call cached, or JSON\n");
    check("", "request = GET /{one.body/a}\noptional = maybe\n",
          "f:17: call.r.two.optional must be yes or no\n");
}
