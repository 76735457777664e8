#include "budget/span.h"

#include <criterion/criterion.h>

#define FOREVER INT64_MAX

static struct span span(int64_t ns)
{
    return (struct span){.ns = ns};
}

static struct instant at(int64_t ns)
{
    return (struct instant){.ns = ns};
}

Test(span, units_are_multiples_of_a_nanosecond)
{
    cr_assert_eq(span_us(3).ns, 3000);
    cr_assert_eq(span_ms(3).ns, 3000000);
    cr_assert_eq(span_s(3).ns, 3000000000);
}

Test(span, a_count_that_does_not_fit_is_forever_and_a_negative_one_is_nothing)
{
    static const struct {
        int64_t count;
        int64_t unit_ns;
        int64_t expected;
    } rows[] = {
        {0, NS_PER_S, 0},
        {-1, NS_PER_S, 0},
        {INT64_MIN, NS_PER_S, 0},
        {9223372036, NS_PER_S, 9223372036 * NS_PER_S},
        {9223372037, NS_PER_S, FOREVER},
        {INT64_MAX, NS_PER_US, FOREVER},
        {INT64_MAX, 1, FOREVER},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        cr_expect_eq(span_of(rows[i].count, rows[i].unit_ns).ns, rows[i].expected, "row %zu", i);
}

Test(span, sums_saturate)
{
    cr_assert_eq(span_add(span(2), span(3)).ns, 5);
    cr_assert_eq(span_add(SPAN_FOREVER, span(1)).ns, FOREVER);
    cr_assert_eq(span_add(span(FOREVER - 1), span(FOREVER - 1)).ns, FOREVER);
}

Test(span, what_is_taken_away_never_leaves_less_than_nothing)
{
    cr_assert_eq(span_less(span(5), span(3)).ns, 2);
    cr_assert_eq(span_less(span(3), span(3)).ns, 0);
    cr_assert_eq(span_less(span(3), span(5)).ns, 0);
    cr_assert_eq(span_less(span(3), SPAN_FOREVER).ns, 0);
}

Test(span, forever_less_anything_is_forever)
{
    cr_assert_eq(span_less(SPAN_FOREVER, span_s(1)).ns, FOREVER);
    cr_assert_eq(span_less(SPAN_FOREVER, SPAN_FOREVER).ns, FOREVER);
}

Test(span, comparisons_know_equal_lengths)
{
    cr_assert_eq(span_min(span(2), span(3)).ns, 2);
    cr_assert_eq(span_max(span(2), span(3)).ns, 3);
    cr_assert(span_covers(span(3), span(3)));
    cr_assert(span_covers(SPAN_FOREVER, span(3)));
    cr_assert_not(span_covers(span(2), span(3)));
    cr_assert(span_is_none(SPAN_NONE));
    cr_assert_not(span_is_none(span(1)));
}

Test(span, a_share_is_rounded_down_and_does_not_overflow_on_the_way)
{
    static const struct {
        int64_t whole;
        int64_t part;
        int64_t of;
        int64_t expected;
    } rows[] = {
        {1200 * NS_PER_MS, 250000, 1000000, 300 * NS_PER_MS},
        {10, 1, 3, 3},
        {10, 0, 3, 0},
        {2, 1, 3, 0},
        {FOREVER - 1, 1000000, 1000000, FOREVER - 1},
        {FOREVER - 1, 2, 1, FOREVER},
        {FOREVER, 1, 2, FOREVER},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t ns = span_scale(span(rows[i].whole), rows[i].part, rows[i].of).ns;

        cr_expect_eq(ns, rows[i].expected, "row %zu: %lld", i, (long long)ns);
    }
}

Test(span, whole_milliseconds_are_rounded_down)
{
    cr_assert_eq(span_floor_ms(span(999999)), 0);
    cr_assert_eq(span_floor_ms(span(1000000)), 1);
    cr_assert_eq(span_floor_ms(span(1999999)), 1);
    cr_assert_float_eq(span_as_ms(span_us(1500)), 1.5, 1e-9);
}

Test(span, waiting_forever_ends_at_the_end_of_time)
{
    cr_assert_eq(instant_after(at(5), span(3)).ns, 8);
    cr_assert_eq(instant_after(at(5), SPAN_FOREVER).ns, FOREVER);
    cr_assert_eq(instant_after(at(-5), SPAN_FOREVER).ns, FOREVER);
    cr_assert_eq(instant_after(at(FOREVER - 1), span(2)).ns, FOREVER);
    cr_assert_eq(instant_after(INSTANT_NEVER, SPAN_NONE).ns, FOREVER);
}

Test(span, the_point_before_an_end_may_lie_before_time_began)
{
    cr_assert_eq(instant_before(at(5), span(3)).ns, 2);
    cr_assert_eq(instant_before(at(3), span(5)).ns, -2);
    cr_assert_eq(instant_before(at(INT64_MIN + 1), span(2)).ns, INT64_MIN);
    cr_assert_eq(instant_before(INSTANT_NEVER, span(2)).ns, FOREVER);
}

Test(span, nothing_is_left_once_the_point_has_come)
{
    cr_assert_eq(span_until(at(8), at(5)).ns, 3);
    cr_assert_eq(span_until(at(5), at(5)).ns, 0);
    cr_assert_eq(span_until(at(4), at(5)).ns, 0);
    cr_assert_eq(span_until(INSTANT_NEVER, at(5)).ns, FOREVER);
    cr_assert_eq(span_until(at(FOREVER - 1), at(INT64_MIN)).ns, FOREVER);
}

Test(span, time_since_a_point_that_has_not_come_is_nothing)
{
    cr_assert_eq(span_since(at(5), at(8)).ns, 3);
    cr_assert_eq(span_since(at(8), at(5)).ns, 0);
}

Test(span, a_point_is_reached_at_that_very_nanosecond)
{
    cr_assert_not(instant_reached(at(5), at(4)));
    cr_assert(instant_reached(at(5), at(5)));
    cr_assert(instant_reached(at(5), at(6)));
    cr_assert_eq(instant_min(at(5), at(6)).ns, 5);
    cr_assert_eq(instant_max(at(5), at(6)).ns, 6);
}
