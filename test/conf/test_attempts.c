#include "conf/option.h"
#include "test/conf/setter.h"

Test(attempts, failures_are_words_and_statuses)
{
    static const char empty[] = "has an empty place: write connect, timeout, 503";
    static const struct setter_case cases[] = {
        {"connect", NULL},
        {"connect, timeout,503", NULL},
        {"unsafe, 500, 599, 429", NULL},
        {"", empty},
        {"connect,", empty},
        {"connect,, 503", empty},
        {"503, 503", "has 503 twice"},
        {"unsafe", "names methods, but no failure: write unsafe, connect, for example"},
        {"5xx", "has \"5xx\": list each status, as in 502, 503, 504"},
        {"connect, 500-504", "has \"500-504\": list each status, as in 502, 503, 504"},
        {"502 503", "has \"502 503\": list each status, as in 502, 503, 504"},
        {"404", "has an unknown failure \"404\" (there are connect, timeout, 429 and 500 to 599, "
                "and unsafe)"},
        {"tiemout", "has an unknown failure \"tiemout\" (there are connect, timeout, 429 and 500 "
                    "to 599, and unsafe): did you mean timeout?"},
        {"connect 503", "has an unknown failure \"connect 503\" (there are connect, timeout, 429 "
                        "and 500 to 599, and unsafe): did you mean connect?"},
    };

    check_setter(set_retry_on, sizeof(struct retry_on), cases, COUNT_OF(cases));
}

Test(attempts, what_is_not_named_is_not_tried_again)
{
    struct store store = {0};
    struct retry_on on = retry_on_default();

    cr_assert_null(set_retry_on(&on, "timeout, 500", &store));
    cr_expect(retry_on_covers(&on, CALL_TIMEOUT, 0));
    cr_expect(retry_on_covers(&on, CALL_STATUS, 500));
    cr_expect_not(retry_on_covers(&on, CALL_STATUS, 503));
    cr_expect_not(retry_on_covers(&on, CALL_REFUSED, 0));
    cr_expect_not(on.unsafe);
    store_finish(&store);
}

Test(attempts, the_default_as_text_is_the_default)
{
    struct store store = {0};
    const struct retry_on expected = retry_on_default();
    struct retry_on on = {0};

    cr_assert_null(set_retry_on(&on, option_find(SECTION_CALL, "retry-on")->standard, &store));
    cr_expect_eq(on.connect, expected.connect);
    cr_expect_eq(on.timeout, expected.timeout);
    cr_expect_eq(on.unsafe, expected.unsafe);
    cr_expect_eq(on.statuses[0], expected.statuses[0]);
    cr_expect_eq(on.statuses[1], expected.statuses[1]);
    store_finish(&store);
}

Test(attempts, an_attempt_may_take_the_rest_or_a_time)
{
    static const struct setter_case cases[] = {
        {"rest", NULL},
        {"120ms", NULL},
        {"0ms", "must be more than nothing"},
        {"120", "needs a unit: us, ms, s or m"},
        {"all", "is not a duration such as 300ms or 1.5s"},
    };
    struct span attempt;

    check_setter(set_attempt, sizeof attempt, cases, COUNT_OF(cases));
    cr_assert_null(set_attempt(&attempt, "rest", NULL));
    cr_assert_eq(attempt.ns, SPAN_FOREVER.ns);
}

Test(attempts, a_hedge_waits_for_a_time_or_for_what_is_usual)
{
    static const char fault[] = "must be off, a delay such as 80ms, or from p50 to p99";
    static const struct setter_case cases[] = {
        {"off", NULL},
        {"80ms", NULL},
        {"p50", NULL},
        {"p99", NULL},
        {"80", "needs a unit: us, ms, s or m"},
        {"0ms", "must be more than nothing"},
        {"25%", "has an unknown unit: use us, ms, s or m"},
        {"p49", fault},
        {"p100", fault},
        {"p9", fault},
        {"p", fault},
        {"p9x", fault},
        {"p99.9", fault},
        {"P95", fault},
        {"on", fault},
        {"-5ms", fault},
    };

    check_setter(set_hedge, sizeof(struct hedge_policy), cases, COUNT_OF(cases));
}

Test(attempts, a_hedge_is_kept_as_what_it_is)
{
    struct hedge_policy hedge = {.kind = HEDGE_FIXED, .percent = 7};

    cr_assert_null(set_hedge(&hedge, "off", NULL));
    cr_expect_eq(hedge.kind, HEDGE_OFF);
    cr_assert_null(set_hedge(&hedge, "1.5ms", NULL));
    cr_expect_eq(hedge.kind, HEDGE_FIXED);
    cr_expect_eq(hedge.delay.ns, 1500000);
    cr_assert_null(set_hedge(&hedge, "p95", NULL));
    cr_expect_eq(hedge.kind, HEDGE_LATELY);
    cr_expect_eq(hedge.percent, 95);
}
