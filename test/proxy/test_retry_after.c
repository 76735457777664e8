/* The header Retry-After: seconds, the three forms of an HTTP date, and what is neither. */
#include <criterion/criterion.h>
#include <string.h>

#include "proxy/retry_after.h"

TestSuite(retry_after, .timeout = 300);

enum { DATE_S = 784111777 }; /* Sun, 06 Nov 1994 08:49:37 GMT */

/* At this many milliseconds before that date. */
static struct span read_before(const char *value, int64_t ms)
{
    struct text text = {.at = value, .count = strlen(value)};

    return retry_after_read(text, DATE_S * INT64_C(1000) - ms);
}

static void expect_ms(const char *value, int64_t before_ms, int64_t expected_ms)
{
    struct span span = read_before(value, before_ms);

    cr_expect_eq(span.ns, expected_ms * NS_PER_MS, "\"%s\" is %lld ns, not %lld ms", value,
                 (long long)span.ns, (long long)expected_ms);
}

Test(retry_after, is_a_number_of_seconds)
{
    static const struct {
        const char *value;
        int64_t seconds;
    } cases[] = {{"0", 0}, {"1", 1}, {"120", 120}, {"0005", 5}, {"3600", 3600}, {"86400", 86400}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        expect_ms(cases[i].value, 0, cases[i].seconds * 1000);
}

/* A wait that is too long to be counted must not come out as a short one. */
Test(retry_after, number_beyond_all_bounds_is_a_very_long_time)
{
    static const char *const values[] = {
        "4294967296",           "9223372036854775807",
        "9223372036854775808",  "18446744073709551616",
        "18446744073709551617", "99999999999999999999999999999999999999999999999999999"};

    for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++)
        cr_expect_geq(read_before(values[i], 0).ns, span_s(365 * 86400).ns, "%s", values[i]);
}

Test(retry_after, is_a_date_from_which_the_wall_clock_is_taken)
{
    const char *date = "Sun, 06 Nov 1994 08:49:37 GMT";

    expect_ms(date, 1000, 1000);
    expect_ms(date, 500, 500);
    expect_ms(date, 1, 1);
    expect_ms(date, 86400 * INT64_C(1000), 86400 * INT64_C(1000));
}

Test(retry_after, date_that_is_over_is_nothing)
{
    const char *date = "Sun, 06 Nov 1994 08:49:37 GMT";

    expect_ms(date, 0, 0);
    expect_ms(date, -1, 0);
    expect_ms(date, -86400 * INT64_C(1000), 0);
    expect_ms("Thu, 01 Jan 1970 00:00:00 GMT", 0, 0);
    expect_ms("Mon, 01 Jan 1900 00:00:00 GMT", 0, 0);
}

Test(retry_after, date_may_be_that_of_a_leap_day)
{
    struct text date = TEXT("Thu, 29 Feb 2024 00:00:00 GMT");

    cr_expect_eq(retry_after_read(date, INT64_C(1709164799000)).ns, span_s(1).ns);
}

Test(retry_after, date_in_a_far_year_is_a_very_long_time)
{
    cr_expect_geq(read_before("Fri, 31 Dec 2260 23:59:59 GMT", 0).ns, span_s(86400).ns);
    cr_expect_geq(read_before("Fri, 31 Dec 9999 23:59:59 GMT", 0).ns, span_s(86400).ns);
}

/* RFC 9110 section 5.6.7: a recipient must accept them. */
Test(retry_after, dates_of_the_obsolete_forms_are_read)
{
    expect_ms("Sunday, 06-Nov-94 08:49:37 GMT", 1000, 1000);
    expect_ms("Sun Nov  6 08:49:37 1994", 1000, 1000);
}

Test(retry_after, what_is_neither_is_nothing)
{
    static const char *const values[] = {
        "",
        " ",
        "-1",
        "+5",
        "1.5",
        "5s",
        "0x10",
        "1e3",
        "5, 6",
        "soon",
        "5\t",
        "Sun, 06 Nov 1994 08:49:37 GMTx",
        "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 08:49 GMT",
        "Sun, 06 Nov 1994 25:49:37 GMT",
        "Sun, 06 Nov 1994 08:61:37 GMT",
        "Sun, 32 Nov 1994 08:49:37 GMT",
        "Sun, 06 Foo 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 CET",
        "1994-11-06T08:49:37Z",
        "Sun, 06 Nov 1994 08:49:37 GMT Sun, 06 Nov 1994 08:49:37 GMT"};

    for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++)
        expect_ms(values[i], 60000, 0);
}

/* Values are parts of a larger text: nothing behind their end counts. */
Test(retry_after, nothing_behind_the_end_of_the_value_is_read)
{
    struct text number = {.at = "12345", .count = 1};
    struct text date = {.at = "Sun, 06 Nov 1994 08:49:37 GMT, and more", .count = 29};
    struct text none = {.at = "7", .count = 0};

    cr_expect_eq(retry_after_read(number, 0).ns, span_s(1).ns);
    cr_expect_eq(retry_after_read(date, (DATE_S - 1) * INT64_C(1000)).ns, span_s(1).ns);
    cr_expect_eq(retry_after_read(none, 0).ns, 0);
}
