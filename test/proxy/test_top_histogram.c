#include "proxy/top_histogram.h"

#include <criterion/criterion.h>
#include <math.h>

static const double BOUNDS[] = {10, 20, 40};

#define HISTOGRAM(number, ...)                                                         \
    {                                                                                  \
        .count = (number), .sum = 100 * (number), .bounds = BOUNDS, .bounds_count = 3, \
        .buckets = (double[])                                                          \
        {                                                                              \
            __VA_ARGS__                                                                \
        }                                                                              \
    }

Test(top_histogram, quantiles_lie_evenly_in_their_bucket)
{
    struct top_histogram histogram = HISTOGRAM(100, 50, 40, 10, 0);

    cr_expect_float_eq(top_histogram_quantile(&histogram, 0.5), 10, 1e-9);
    cr_expect_float_eq(top_histogram_quantile(&histogram, 0.25), 5, 1e-9);
    cr_expect_float_eq(top_histogram_quantile(&histogram, 0.7), 15, 1e-9);
    cr_expect_float_eq(top_histogram_quantile(&histogram, 0.99), 38, 1e-9);
    cr_expect_float_eq(top_histogram_quantile(&histogram, 1), 40, 1e-9);
}

Test(top_histogram, empty_buckets_are_passed_over)
{
    struct top_histogram histogram = HISTOGRAM(2, 0, 0, 2, 0);

    cr_expect_float_eq(top_histogram_quantile(&histogram, 0), 20, 1e-9);
    cr_expect_float_eq(top_histogram_quantile(&histogram, 0.5), 30, 1e-9);
}

Test(top_histogram, what_lies_beyond_the_last_bound_is_only_known_to_be_more)
{
    struct top_histogram histogram = HISTOGRAM(10, 5, 0, 0, 5);

    cr_expect_float_eq(top_histogram_quantile(&histogram, 0.5), 10, 1e-9);
    cr_expect(isinf(top_histogram_quantile(&histogram, 0.51)));
}

Test(top_histogram, highest_is_the_mean_of_the_highest_bucket_where_that_has_most)
{
    struct top_histogram same = HISTOGRAM(4, 0, 0, 4, 0);
    struct top_histogram most = HISTOGRAM(10, 2, 0, 8, 0);
    struct top_histogram few = HISTOGRAM(10, 8, 0, 2, 0);
    struct top_histogram beyond = HISTOGRAM(10, 2, 0, 0, 8);
    struct top_histogram rarely_beyond = HISTOGRAM(10, 8, 0, 0, 2);

    same.sum = 4 * 33;
    cr_expect_float_eq(top_histogram_highest(&same), 33, 1e-9);
    most.sum = 2 * 5 + 8 * 25;
    cr_expect_float_eq(top_histogram_highest(&most), 25, 1e-9);
    most.sum = 0;
    cr_expect_float_eq(top_histogram_highest(&most), 20, 1e-9, "not below its bucket");
    most.sum = 1000;
    cr_expect_float_eq(top_histogram_highest(&most), 40, 1e-9, "not above it");
    cr_expect_float_eq(top_histogram_highest(&few), 40, 1e-9);
    beyond.sum = 2 * 5 + 8 * 70;
    cr_expect_float_eq(top_histogram_highest(&beyond), 70, 1e-9);
    cr_expect(isinf(top_histogram_highest(&rarely_beyond)));
}

Test(top_histogram, only_those_in_buckets_that_end_there_are_surely_not_above_a_limit)
{
    struct top_histogram histogram = HISTOGRAM(100, 50, 40, 10, 5);

    cr_expect_eq(top_histogram_up_to(&histogram, histogram.bounds[0]), 50);
    cr_expect_eq(top_histogram_up_to(&histogram, histogram.bounds[1] - 1), 50);
    cr_expect_eq(top_histogram_up_to(&histogram, histogram.bounds[1]), 90);
    cr_expect_eq(top_histogram_up_to(&histogram, 1e9), 100, "5 are above all bounds");
}

Test(top_histogram, none_have_no_quantile)
{
    struct top_histogram histogram = HISTOGRAM(0, 0, 0, 0, 0);
    struct top_histogram unbounded = {.count = 3, .buckets = (double[]){3}};

    cr_expect(isnan(top_histogram_quantile(&histogram, 0.5)));
    cr_expect(isinf(top_histogram_quantile(&unbounded, 0.5)));
    cr_expect_float_eq(top_histogram_highest(&histogram), 10, 1e-9, "nothing exceeds that");
}

Test(top_histogram, the_difference_of_two_looks_is_what_came_between)
{
    struct top_histogram before = HISTOGRAM(60, 50, 10, 0, 0);
    struct top_histogram now = HISTOGRAM(100, 50, 40, 10, 0);
    double room[4];
    struct top_histogram added = {.buckets = room};

    top_histogram_since(&now, &before, &added);
    cr_expect_eq(added.count, 40);
    cr_expect_eq(added.sum, 4000);
    cr_expect_eq(added.buckets[0], 0);
    cr_expect_eq(added.buckets[1], 30);
    cr_expect_float_eq(top_histogram_quantile(&added, 0.5), 10 + 10 * 20 / 30.0, 1e-9);
}

Test(top_histogram, counters_that_have_begun_anew_or_have_other_buckets_are_no_difference)
{
    static const double others[] = {10, 20, 50};
    struct top_histogram before = HISTOGRAM(60, 50, 10, 0, 0);
    struct top_histogram now = HISTOGRAM(3, 1, 1, 1, 0);
    double room[4];
    struct top_histogram added = {.buckets = room};

    top_histogram_since(&now, &before, &added);
    cr_expect_eq(added.count, 1);
    cr_expect_eq(added.sum, 0);
    now.bounds = others;
    top_histogram_since(&now, &before, &added);
    cr_expect_eq(added.count, 0);
    now.bounds_count = 2;
    top_histogram_since(&now, &before, &added);
    cr_expect_eq(added.count, 0);
}
