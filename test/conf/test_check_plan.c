#include "conf/check.h"

#include "test/conf/reading.h"

/* A route with these steps, as line 9, and options of its calls: each of a and b has a section. */
static void check(const char *steps, const char *of_one, const char *of_two, const char *expected)
{
    char text[1024];

    snprintf(text, sizeof text,
             HEAD "[route r]\nmatch = /{id}\nsteps = %s\n"
                  "[call r.one]\nupstream = a\nrequest = GET /\n%s"
                  "[call r.two]\nupstream = a\nrequest = GET /\n%s",
             steps, of_one, of_two);
    check_complaints(text, expected);
}

#define AT_MOST "but under the default budget this call can get "

Test(check_plan, a_budget_that_later_minima_never_leave_is_warned_of)
{
    check("one, two", "budget = 1100ms\n", "min = 50ms\n", "");
    check("one, two", "budget = 1100ms\n", "min = 60ms\n",
          "f:13: warning: call.r.one.budget is 1100ms, " AT_MOST "1090ms at most\n");
    check("one, two", "budget = 75%\n", "min = 500ms\n",
          "f:13: warning: call.r.one.budget is 75%, " AT_MOST "650ms at most\n");
}

Test(check_plan, an_optional_call_that_is_longer_than_those_beside_it_is_warned_of)
{
    check("one + two", "budget = 300ms\noptional = yes\n", "budget = 300ms\n", "");
    check("one + two", "budget = 300ms\noptional = yes\n", "", "");
    check("one + two", "budget = 301ms\noptional = yes\n", "budget = 300ms\n",
          "f:13: warning: call.r.one.budget is 301ms, " AT_MOST "300ms at most\n");
}

Test(check_plan, a_budget_that_does_not_fit_the_route_is_warned_of_once)
{
    check("one, two", "budget = 1151ms\n", "",
          "f:7: warning: route.r cannot grant all budgets in full: its default budget is 1200ms, "
          "but 50ms is kept back and the budgets of its steps come to 1151ms\n");
}

Test(check_plan, a_call_that_only_an_earlier_one_can_starve_is_fine)
{
    check("one, two", "budget = 1000ms\n", "budget = 150ms\n", "");
    check("one, two", "", "", "");
}

#define NO_RETRY "after which no retry fits: under the default budget this call can get "

Test(check_plan, a_retry_that_never_fits_is_warned_of)
{
    check("one, two", "retries = 1\nattempt = 640ms\nmin = 10ms\n", "min = 500ms\n", "");
    check("one, two", "retries = 1\nattempt = 641ms\nmin = 10ms\n", "min = 500ms\n",
          "f:14: warning: call.r.one.attempt is 641ms, " NO_RETRY "650ms at most, its min is "
          "10ms\n");
    check("one, two", "retries = 1\nattempt = 300ms\nbudget = 25%\n", "",
          "f:14: warning: call.r.one.attempt is 300ms, " NO_RETRY "300ms at most, its min is "
          "0ms\n");
    check("one, two", "retries = 0\nattempt = 700ms\n", "min = 500ms\n", "");
    check("one, two", "retries = 3\nattempt = rest\n", "min = 500ms\n", "");
}

Test(check_plan, a_retry_that_does_not_fit_its_own_budget_is_warned_of_once)
{
    check("one, two", "retries = 1\nattempt = 100ms\nbudget = 100ms\n", "",
          "f:14: warning: call.r.one.attempt is 100ms, after which no retry fits: the budget of "
          "this call is 100ms, its min 0ms\n");
}

Test(check_plan, an_optional_call_that_is_always_skipped_is_warned_of)
{
    check("one + two", "optional = yes\nmin = 200ms\n", "budget = 200ms\n", "");
    check("one + two", "optional = yes\nmin = 201ms\n", "budget = 200ms\n",
          "f:14: warning: call.r.one is always skipped under the default budget: it can get 200ms "
          "at most, its min is 201ms\n");
    check("one, two", "optional = yes\nmin = 651ms\n", "min = 500ms\n",
          "f:14: warning: call.r.one is always skipped under the default budget: it can get 650ms "
          "at most, its min is 651ms\n");
}

Test(check_plan, a_required_call_that_later_minima_leave_nothing_is_warned_of)
{
    check("one, two", "", "min = 1150ms\n",
          "f:7: warning: route.r never gets to call.r.one: under its default budget, what is kept "
          "back for later calls leaves that one nothing\n");
}

Test(check_plan, a_mistake_in_what_it_needs_is_one_complaint)
{
    check("one, two", "budget = 1100\n", "min = 60ms\n",
          "f:13: call.r.one.budget needs a unit: us, ms, s or m\n");
    check("one, two", "budget = 1100ms\n", "min = 1160ms\n",
          "f:7: route.r cannot work: its default budget is 1200ms, but 50ms is kept back and the "
          "minima of its calls come to 1160ms\n");
}

/* The plan of one call, made by hand, with options that are taken for known. */
static char *complaints_of(struct amount budget, struct span attempt, struct hedge_policy hedge)
{
    struct store store = {.last = NULL};
    struct complaints complaints = {.name = "f", .store = &store};
    struct draft draft = {.store = &store, .complaints = &complaints};
    struct call_policy policy = {.budget = budget, .min = span_ms(10)};
    struct conf_call call = {.hedge = hedge, .retry = {.attempt = attempt}};
    struct step_policy step = {.count = 1};
    struct conf_route route = {.calls = &call, .calls_count = 1, .steps_calls_count = 1};
    struct conf conf = {.routes = &route, .routes_count = 1};
    struct builder builder = {.draft = &draft, .conf = &conf};
    struct section *of_route = section_create(&store, SECTION_ROUTE, "r");
    struct section *of_call = section_create(&store, SECTION_CALL, "r.one");
    static const char *const keys[] = {"budget", "min", "optional", "retries", "attempt", "hedge"};
    static const char *const times[] = {"default", "local", "reply"};
    char *text;
    size_t count;

    route.policy = (struct policy){
        span_ms(600), span_s(30), {.fixed = span_ms(100)}, {0}, false, &policy, 1, &step, 1};
    of_call->line = 7;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        section_setting(of_call, keys[i])->text = "as it is";
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++)
        section_setting(of_route, times[i])->text = "as it is";
    check_plan(&builder, of_route, &of_call);
    FILE *out = open_memstream(&text, &count);
    complaints_print(&complaints, out);
    fclose(out);
    store_finish(&store);
    return text;
}

#define NEVER "f:7: warning: call.r.one.hedge is "

Test(check_plan, a_hedge_that_is_never_reached_is_warned_of)
{
    static const struct {
        int budget_ms;  /* 0: rest */
        int attempt_ms; /* 0: rest */
        enum hedge_kind kind;
        int delay_ms;
        const char *complaint;
    } cases[] = {
        {0, 0, HEDGE_OFF, 0, ""},
        {0, 0, HEDGE_LATELY, 0, ""},
        {0, 0, HEDGE_FIXED, 489, ""},
        {0, 0, HEDGE_FIXED, 490, ""},
        {0, 0, HEDGE_FIXED, 491,
         NEVER "491ms, which is never reached: under the default budget this call can get 500ms at "
               "most, its min is 10ms\n"},
        {0, 50, HEDGE_FIXED, 49, ""},
        {0, 50, HEDGE_FIXED, 50, ""},   /* of which check_call warns */
        {400, 0, HEDGE_FIXED, 400, ""}, /* whose own budget is too small for it */
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct amount budget = {.kind = cases[i].budget_ms ? AMOUNT_FIXED : AMOUNT_REST,
                                .fixed = span_ms(cases[i].budget_ms)};
        struct span attempt = cases[i].attempt_ms ? span_ms(cases[i].attempt_ms) : SPAN_FOREVER;
        struct hedge_policy hedge = {
            .kind = cases[i].kind, .delay = span_ms(cases[i].delay_ms), .percent = 95};
        char *text = complaints_of(budget, attempt, hedge);
        cr_expect_str_eq(text, cases[i].complaint, "%zu: %s", i, text);
        free(text);
    }
}

Test(check_plan, the_shipped_configuration_gives_no_cause)
{
    FILE *file = fopen(HOURGLASS_SOURCE "/proxy.ini", "r");
    char *text;
    size_t count;
    FILE *complaints = open_memstream(&text, &count);

    cr_assert_not_null(file);
    struct conf *conf = conf_read(file, "proxy.ini", complaints);
    fclose(complaints);
    fclose(file);
    cr_expect_not_null(conf);
    cr_expect_str_eq(text, "", "%s", text);
    conf_destroy(conf);
    free(text);
}
