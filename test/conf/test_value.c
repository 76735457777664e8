#include <stdint.h>

#include "test/conf/setter.h"

#define UNIT "needs a unit: us, ms, s or m"
#define UNKNOWN "has an unknown unit: use us, ms, s or m"
#define NO_DURATION "is not a duration such as 300ms or 1.5s"

Test(value, a_duration_is_exact_to_the_nanosecond)
{
    static const struct {
        const char *text;
        int64_t ns;
    } cases[] = {
        {"300ms", 300000000},
        {"1.5s", 1500000000},
        {"250us", 250000},
        {"2m", 120000000000},
        {"0ms", 0},
        {"0.001us", 1},
        {"0.000000001s", 1},
        {"1440m", 86400000000000},
        {"000000000000001s", 1000000000},
        {"0.1ms", 100000},
    };
    struct span span;

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const char *fault = set_span(&span, cases[i].text, NULL);
        cr_expect_null(fault, "%s: %s", cases[i].text, fault);
        cr_expect_eq(span.ns, cases[i].ns, "%s: %lld", cases[i].text, (long long)span.ns);
    }
}

Test(value, a_duration_needs_a_number_and_a_unit)
{
    static const struct setter_case cases[] = {
        {"300", UNIT},
        {"0", UNIT},
        {"1.5", UNIT},
        {"", NO_DURATION},
        {"ms", NO_DURATION},
        {"-5ms", NO_DURATION},
        {"+5ms", NO_DURATION},
        {" 5ms", NO_DURATION},
        {".5s", NO_DURATION},
        {"5 ms", "has a blank before its unit: leave it out"},
        {"5h", UNKNOWN},
        {"5MS", UNKNOWN},
        {"5ns", UNKNOWN},
        {"1e3ms", UNKNOWN},
        {"5ms ", UNKNOWN},
        {"5.ms", UNKNOWN},
        {"0x10ms", UNKNOWN},
        {"0.0001us", "is finer than a nanosecond"},
        {"1441m", "is too long: at most 1440m"},
        {"999999999999999m", "is too long: at most 1440m"},
        {"9999999999999999ms", NO_DURATION},
        {"0.0000000001s", NO_DURATION},
    };

    check_setter(set_span, sizeof(struct span), cases, COUNT_OF(cases));
}

Test(value, a_time_that_must_be_something_is_not_zero)
{
    static const struct setter_case cases[] = {
        {"1us", NULL},
        {"0s", "must be more than nothing"},
        {"5", UNIT},
    };

    check_setter(set_some_span, sizeof(struct span), cases, COUNT_OF(cases));
}

Test(value, a_share_is_in_millionths_and_not_over_all)
{
    static const struct setter_case cases[] = {
        {"0%", NULL},
        {"100%", NULL},
        {"12.5%", NULL},
        {"0.0001%", NULL},
        {"100.0001%", "is more than 100%"},
        {"101%", "is more than 100%"},
        {"0.00001%", "is too fine a share: at most four digits after the point"},
        {"25", "is not a share such as 25%"},
        {"%", "is not a share such as 25%"},
        {"25 %", "is not a share such as 25%"},
        {"-1%", "is not a share such as 25%"},
    };
    int32_t share;

    check_setter(set_share, sizeof share, cases, COUNT_OF(cases));
    cr_assert_null(set_share(&share, "12.5%", NULL));
    cr_assert_eq(share, 125000);
}

Test(value, an_amount_is_fixed_a_share_or_a_word)
{
    struct amount amount;

    cr_assert_null(set_local(&amount, "5%", NULL));
    cr_assert_eq(amount.kind, AMOUNT_SHARE);
    cr_assert_eq(amount.share, 50000);
    cr_assert_null(set_reply(&amount, "auto", NULL));
    cr_assert_eq(amount.kind, AMOUNT_AUTO);
    cr_assert_null(set_call_budget(&amount, "rest", NULL));
    cr_assert_eq(amount.kind, AMOUNT_REST);
    cr_assert_null(set_call_budget(&amount, "300ms", NULL));
    cr_assert_eq(amount.kind, AMOUNT_FIXED);
    cr_assert_eq(amount.fixed.ns, span_ms(300).ns);
}

Test(value, words_are_taken_only_where_they_mean_something)
{
    static const struct setter_case local[] = {{"auto", NO_DURATION}, {"rest", NO_DURATION}};
    static const struct setter_case call[] = {
        {"auto", NO_DURATION},
        {"0ms", "must be more than nothing"},
        {"0%", "must be more than nothing"},
    };

    check_setter(set_local, sizeof(struct amount), local, COUNT_OF(local));
    check_setter(set_call_budget, sizeof(struct amount), call, COUNT_OF(call));
}

Test(value, a_latency_has_three_forms)
{
    struct store store = {0};
    struct latency latency = {0};

    cr_assert_null(set_latency(&latency, "80ms", &store));
    cr_assert(latency.kind == LATENCY_FIXED && latency.low.ns == span_ms(80).ns);
    cr_assert_null(set_latency(&latency, "20ms..200ms", &store));
    cr_assert(latency.kind == LATENCY_UNIFORM && latency.high.ns == span_ms(200).ns);
    cr_assert_null(set_latency(&latency, "lognormal(80ms, 400ms)", &store));
    cr_assert(latency.kind == LATENCY_LOGNORMAL);
    cr_assert(latency.low.ns == span_ms(80).ns && latency.high.ns == span_ms(400).ns);
    store_finish(&store);
}

Test(value, a_latency_that_makes_no_sense_is_refused)
{
    static const char form[] =
        "must be written as lognormal(80ms, 400ms): the median, the 99th percentile";
    static const struct setter_case cases[] = {
        {"lognormal(80ms,80ms)", NULL},
        {"1ms..1ms", NULL},
        {"lognormal(80ms)", form},
        {"lognormal(80ms, 400ms", form},
        {"lognormal(", form},
        {"lognormal()", form},
        {"200ms..20ms", "must have the lesser time first"},
        {"20..200ms", UNIT},
        {"lognormal(0ms, 5ms)", "must have a median of more than nothing"},
        {"lognormal(400ms, 80ms)", "must have the median first, then the larger 99th percentile"},
        {"normal(1ms, 2ms)", NO_DURATION},
        {"..", NO_DURATION},
        {"1ms..2ms..3ms", UNKNOWN},
    };

    check_setter(set_latency, sizeof(struct latency), cases, COUNT_OF(cases));
}
