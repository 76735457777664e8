#include "test/conf/reading.h"

/* Line 7 is the first of [budget] that a test adds; a route follows. */
static void check_budget_keys(const char *of_budget, const char *of_route, const char *expected)
{
    char text[1024];

    snprintf(text, sizeof text,
             "[upstream a]\nurl = http://a\n[proxy]\nlisten = 127.0.0.1:0\n"
             "[budget]\ndefault = 1s\n%s[route r]\nmatch = /\nupstream = a\n%s",
             of_budget, of_route);
    check_complaints(text, expected);
}

Test(check_effect, a_share_to_enforce_needs_somebody_who_observes)
{
    check_budget_keys("mode = observe\nenforce-share = 5%\n", "", "");
    check_budget_keys("enforce-share = 5%\n", "mode = observe\n", "");
    check_budget_keys("", "mode = observe\nenforce-share = 5%\n", "");
    check_budget_keys("mode = observe\n", "enforce-share = 5%\n", "");
    check_budget_keys("enforce-share = 5%\n", "",
                      "f:7: warning: budget.enforce-share has no effect without mode = observe\n");
    check_budget_keys("enforce-share = 5%\n", "mode = observe\nenforce-share = 1%\n",
                      "f:7: warning: budget.enforce-share has no effect without mode = observe\n");
    check_budget_keys(
        "", "enforce-share = 5%\n",
        "f:10: warning: route.r.enforce-share has no effect without mode = observe\n");
    check_budget_keys(
        "mode = observe\n", "mode = enforce\nenforce-share = 5%\n",
        "f:12: warning: route.r.enforce-share has no effect without mode = observe\n");
}

Test(check_effect, a_merge_holds_nothing_back_that_began)
{
    static const char merge[] = HEAD "[route r]\nmatch = /\nsteps = one\nanswer = %s\n%s"
                                     "[call r.one]\nupstream = a\n";
    char text[512];

    snprintf(text, sizeof text, merge, "merge", "buffer-first = 1KiB\n");
    check_complaints(text, "f:11: warning: route.r.buffer-first has no effect: a merge begins when "
                           "its calls are over\n");
    snprintf(text, sizeof text, merge, "merge", "buffer-first = 0\n");
    check_complaints(text, "");
    snprintf(text, sizeof text, merge, "one", "buffer-first = 1KiB\n");
    check_complaints(text, "");
}

/* Two upstreams; line 7 is the first that a test adds to a. */
static void check_upstream(const char *of_a, const char *of_call, const char *expected)
{
    char text[1024];

    snprintf(text, sizeof text,
             HEAD "%s[upstream b]\nurl = http://b\n[route r]\nmatch = /\nsteps = one, two\n"
                  "[call r.one]\nupstream = a\n%s[call r.two]\nupstream = b\n",
             of_a, of_call);
    check_complaints(text, expected);
}

Test(check_effect, an_upstream_that_is_cancelled_is_not_drained)
{
    check_upstream("on-expiry = drain\ndrain-time = 2s\ndrain-size = 1KiB\n", "", "");
    check_upstream("on-expiry = drain\n", "", "");
    check_upstream("on-expiry = cancel\ndrain-time = 2s\n", "",
                   "f:8: warning: upstream.a.drain-time has no effect without on-expiry = drain\n");
    check_upstream("drain-size = 1KiB\n", "",
                   "f:7: warning: upstream.a.drain-size has no effect without on-expiry = drain\n");
}

Test(check_effect, a_share_of_hedges_needs_a_call_that_is_hedged)
{
    check_upstream("hedge-budget = 1%\n", "hedge = 80ms\n", "");
    check_upstream("hedge-budget = 1%\n", "hedge = p95\n", "");
    check_upstream(
        "hedge-budget = 1%\n", "hedge = off\n",
        "f:7: warning: upstream.a.hedge-budget has no effect: no call to it has a hedge\n");
}
