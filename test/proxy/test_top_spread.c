#include "proxy/top_spread.h"

#include <criterion/criterion.h>
#include <math.h>

TestSuite(top_spread, .timeout = 60);

static const double bounds[] = {20, 50, 100};
static double some[] = {1, 2, 1, 0};
static double more[] = {1, 6, 5, 2};
static const struct top_histogram before = {4, 150, bounds, 3, some};
static const struct top_histogram now = {14, 900, bounds, 3, more};

Test(top_spread, is_of_what_came_between_two_looks)
{
    struct top_spread spread = top_spread_of(&now, &before);

    cr_expect_eq(spread.count, 10);
    cr_expect_eq(spread.sum, 750);
    cr_expect_eq(spread.mean, 75);
    cr_expect_eq(spread.soon, 4);
    cr_expect_eq(spread.bound, 100);
    cr_expect_float_eq(spread.p50, 62.5, 1e-9);
    cr_expect(isinf(spread.p99));
}

Test(top_spread, of_nothing_has_neither_a_mean_nor_quantiles)
{
    struct top_spread spread = top_spread_of(&now, &now);

    cr_expect_eq(spread.count, 0);
    cr_expect_eq(spread.soon, 0);
    cr_expect(isnan(spread.mean));
    cr_expect(isnan(spread.p50));
}

Test(top_spread, is_not_above_what_was_given_where_that_was_kept)
{
    struct top_spread took = {.p50 = 62.5, .p99 = 99};
    struct top_spread given = {.highest = 60};
    struct top_spread kept =
        top_spread_within(took, given, (struct top_spread){.p50 = 0.4, .p99 = 1.1});

    cr_expect_eq(kept.p50, 60);
    cr_expect_eq(kept.p99, 99);
}
