#include "proxy/histogram.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

static void check_scale(const struct scale *scale)
{
    cr_assert_lt(scale->count, HISTOGRAM_BUCKETS);
    for (size_t i = 0; i < scale->count; i++) {
        double bound = strtod(scale->names[i], NULL) * pow(10, scale->digits);
        cr_expect_eq(scale->bounds[i], (int64_t)llround(bound), "%s", scale->names[i]);
        cr_expect(i == 0 || scale->bounds[i] > scale->bounds[i - 1], "%s", scale->names[i]);
    }
}

Test(histogram, bounds_ascend_and_are_what_their_names_say)
{
    check_scale(&scale_of_durations);
    check_scale(&scale_of_ratios);
}

Test(histogram, durations_go_from_half_a_millisecond_to_a_minute)
{
    const struct scale *scale = &scale_of_durations;

    cr_expect_eq(scale->bounds[0], span_us(500).ns);
    cr_expect_eq(scale->bounds[scale->count - 1], span_s(60).ns);
}

Test(histogram, a_value_at_a_bound_lies_under_it)
{
    for (size_t i = 0; i < scale_of_durations.count; i++) {
        struct histogram histogram = {0};
        int64_t bound = scale_of_durations.bounds[i];
        histogram_note_span(&histogram, (struct span){.ns = bound});
        histogram_note_span(&histogram, (struct span){.ns = bound + 1});
        cr_expect_eq(histogram.buckets[i], 1);
        cr_expect_eq(histogram.buckets[i + 1], 1);
        cr_expect_eq(histogram.sum, (uint64_t)bound * 2 + 1);
    }
}

Test(histogram, nothing_lies_under_the_first_bound_and_too_much_behind_the_last)
{
    struct histogram histogram = {0};

    histogram_note_span(&histogram, SPAN_NONE);
    histogram_note(&histogram, &scale_of_ratios, 2000000);
    cr_expect_eq(histogram.buckets[0], 1);
    cr_expect_eq(histogram.buckets[scale_of_ratios.count], 1);
}
