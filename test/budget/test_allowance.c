#include "budget/allowance.h"

#include <signal.h>

#include <criterion/criterion.h>

#include "test/support/dice.h"

enum { PER_CENT = SHARE_WHOLE / 100 };

static struct allowance of_percent(int32_t percent)
{
    struct allowance allowance;

    allowance_init(&allowance, percent * PER_CENT);
    return allowance;
}

static int take_all(struct allowance *allowance)
{
    int taken = 0;

    while (allowance_take(allowance))
        taken++;
    return taken;
}

static void earn_times(struct allowance *allowance, int times)
{
    for (int i = 0; i < times; i++)
        allowance_earn(allowance);
}

Test(allowance, an_upstream_without_calls_may_be_tried_again_a_few_times)
{
    struct allowance allowance = of_percent(20);

    cr_assert_eq(take_all(&allowance), ALLOWANCE_FLOOR);
}

Test(allowance, each_call_pays_for_its_share_of_an_attempt)
{
    static const struct {
        int32_t percent;
        int calls;
        int attempts;
    } rows[] = {
        {20, 4, 0}, {20, 5, 1}, {20, 14, 2}, {5, 19, 0},  {5, 20, 1},
        {5, 99, 4}, {1, 99, 0}, {1, 100, 1}, {100, 7, 7},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct allowance allowance = of_percent(rows[i].percent);

        cr_assert_eq(take_all(&allowance), ALLOWANCE_FLOOR);
        earn_times(&allowance, rows[i].calls);
        cr_expect_eq(take_all(&allowance), rows[i].attempts, "%d calls at %d %%", rows[i].calls,
                     rows[i].percent);
    }
}

Test(allowance, the_smallest_share_adds_up_without_loss)
{
    struct allowance allowance;

    allowance_init(&allowance, 1);
    cr_assert_eq(take_all(&allowance), ALLOWANCE_FLOOR);
    earn_times(&allowance, SHARE_WHOLE - 1);
    cr_assert_not(allowance_take(&allowance));
    allowance_earn(&allowance);
    cr_assert(allowance_take(&allowance));
}

Test(allowance, a_quiet_hour_does_not_save_up_a_storm)
{
    struct allowance allowance = of_percent(100);

    earn_times(&allowance, 100000);
    cr_assert_eq(take_all(&allowance), ALLOWANCE_CAP);
}

Test(allowance, a_share_of_nothing_allows_nothing)
{
    struct allowance allowance = of_percent(0);

    earn_times(&allowance, 1000);
    cr_assert_not(allowance_take(&allowance));
}

Test(allowance, the_standard_shares_are_a_fifth_and_a_twentieth)
{
    cr_assert_eq(ALLOWANCE_RETRIES, 20 * PER_CENT);
    cr_assert_eq(ALLOWANCE_HEDGES, 5 * PER_CENT);
}

Test(allowance, more_than_the_whole_is_a_mistake, .signal = SIGABRT)
{
    struct allowance allowance;

    allowance_init(&allowance, SHARE_WHOLE + 1);
}

/* What is counted from any moment on, not from the start only. */
struct window {
    int64_t calls;
    int64_t taken;
};

Test(allowance, takes_stay_under_the_share_in_any_run_of_calls)
{
    struct dice dice = {.state = 20};

    for (int run = 0; run < 200; run++) {
        struct allowance allowance;
        struct window from[100] = {{0}};
        int64_t calls = 0, taken = 0;

        allowance_init(&allowance, (int32_t)dice_to(&dice, SHARE_WHOLE));
        for (int i = 0; i < 100; i++) {
            int busy = (int)dice_to(&dice, 300), greed = (int)dice_to(&dice, 100);

            from[i] = (struct window){calls, taken};
            for (int call = 0; call < busy; call++) {
                allowance_earn(&allowance);
                calls++;
                for (int again = 0; again < 3; again++)
                    taken += dice_chance(&dice, greed) && allowance_take(&allowance);
            }
            cr_assert_leq((taken - ALLOWANCE_FLOOR) * SHARE_WHOLE, calls * allowance.share);
            for (int j = 0; j <= i; j++)
                cr_assert_leq((taken - from[j].taken - ALLOWANCE_CAP) * SHARE_WHOLE,
                              (calls - from[j].calls) * allowance.share);
        }
    }
}
