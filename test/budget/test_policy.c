#include "budget/policy.h"

#include <criterion/criterion.h>

#include "test/support/trial.h"

static const struct call_policy calls[] = {
    {.min = MS(20)},
    {.min = MS(30)},
    {.min = MS(90), .optional = true},
    {.budget = FIXED(10)},
    {.min = MS(70), .fallback = 5},
    {.min = MS(900)},
};
static const struct step_policy steps[] = {{0, 3}, {3, 1}, {4, 1}};
static const struct policy policy = {
    .calls = calls, .calls_count = 6, .steps = steps, .steps_count = 3};

Test(policy, an_amount_is_fixed_or_a_share_of_the_whole_or_forever)
{
    expect_span(amount_span((struct amount)FIXED(300), span_ms(1)), 300);
    expect_span(amount_span((struct amount)PERCENT(25), span_ms(1000)), 250);
    cr_expect_eq(amount_span((struct amount)REST, span_ms(1000)).ns, SPAN_FOREVER.ns);
    expect_span(amount_span((struct amount)AUTO, span_ms(600)), 12);
}

Test(policy, a_call_needs_its_min_and_never_nothing)
{
    expect_span(policy_call_least(&policy, 0), 20);
    cr_expect_eq(policy_call_least(&policy, 3).ns, 1);
}

Test(policy, a_step_keeps_the_largest_min_of_its_required_calls_and_none_of_those_that_stand_in)
{
    expect_span(policy_minima(&policy, 0), 30 + 0 + 70);
    expect_span(policy_minima(&policy, 1), 70);
    expect_span(policy_minima(&policy, 2), 70);
    expect_span(policy_minima(&policy, 3), 0);
}
