#include "budget/hedge.h"

#include <criterion/criterion.h>

static struct hedge_policy policy;
static struct retry_policy retry_policy;
static struct lately lately;
static struct allowance allowance;

static struct instant at_ms(int64_t ms)
{
    return (struct instant){.ns = ms * NS_PER_MS};
}

/* A GET with a grant of a second from 0 on, min 20 ms. */
static struct retry usual_call(void)
{
    retry_policy = (struct retry_policy){.min = span_ms(20), .attempt = SPAN_FOREVER};
    return (struct retry){
        .policy = &retry_policy,
        .by = at_ms(1000),
        .safe = true,
        .replayable = true,
    };
}

static struct hedge usual(struct hedge_policy what)
{
    policy = what;
    lately_init(&lately);
    allowance_init(&allowance, ALLOWANCE_HEDGES);
    return (struct hedge){.policy = &policy, .lately = &lately, .allowance = &allowance};
}

static struct hedge after_50_ms(void)
{
    return usual((struct hedge_policy){.kind = HEDGE_FIXED, .delay = span_ms(50)});
}

static struct hedge after_p95(void)
{
    return usual((struct hedge_policy){.kind = HEDGE_LATELY, .percent = 95});
}

static void note_times(struct span took, int times)
{
    for (int i = 0; i < times; i++)
        lately_note(&lately, took);
}

static void empty_allowance(void)
{
    while (allowance_take(&allowance))
        ;
}

Test(hedge, off_is_never_due)
{
    struct retry call = usual_call();
    struct hedge hedge = usual((struct hedge_policy){.kind = HEDGE_OFF});

    cr_assert_eq(hedge_due(&hedge, &call, at_ms(100)).ns, INSTANT_NEVER.ns);
    cr_assert_not(hedge_begin(&hedge, &call, at_ms(100)));
}

Test(hedge, a_fixed_delay_counts_from_the_start_of_the_attempt)
{
    struct retry call = usual_call();
    struct hedge hedge = after_50_ms();

    cr_assert_eq(hedge_due(&hedge, &call, at_ms(100)).ns, at_ms(150).ns);
}

Test(hedge, it_waits_for_what_the_upstream_has_lately_taken)
{
    struct retry call = usual_call();
    struct hedge hedge = after_p95();
    struct span p95;

    note_times(span_ms(10), 90);
    note_times(span_ms(200), 10);
    cr_assert(lately_percentile(&lately, 95, &p95));
    cr_assert_eq(hedge_due(&hedge, &call, at_ms(100)).ns, at_ms(100).ns + p95.ns);
    cr_assert_gt(p95.ns, span_ms(200).ns);
}

Test(hedge, of_an_upstream_that_is_little_known_nothing_is_raced)
{
    struct retry call = usual_call();
    struct hedge hedge = after_p95();

    note_times(span_ms(10), LATELY_ENOUGH - 1);
    cr_assert_eq(hedge_due(&hedge, &call, at_ms(100)).ns, INSTANT_NEVER.ns);
    lately_note(&lately, span_ms(10));
    cr_assert_neq(hedge_due(&hedge, &call, at_ms(100)).ns, INSTANT_NEVER.ns);
}

Test(hedge, a_method_that_may_do_harm_is_never_raced)
{
    struct retry call = usual_call();
    struct hedge hedge = after_50_ms();

    call.safe = false;
    cr_assert(retry_on_add(&retry_policy.on, "unsafe"));
    cr_assert_eq(hedge_due(&hedge, &call, at_ms(100)).ns, INSTANT_NEVER.ns);
    cr_assert_not(hedge_begin(&hedge, &call, at_ms(150)));
}

Test(hedge, a_body_that_outgrew_its_buffer_meanwhile_is_not_raced)
{
    struct retry call = usual_call();
    struct hedge hedge = after_50_ms();

    cr_assert_eq(hedge_due(&hedge, &call, at_ms(100)).ns, at_ms(150).ns);
    call.replayable = false;
    cr_assert_not(hedge_begin(&hedge, &call, at_ms(150)));
    cr_assert_eq(hedge_due(&hedge, &call, at_ms(100)).ns, INSTANT_NEVER.ns);
}

Test(hedge, min_must_be_left_when_the_delay_is_over)
{
    struct retry call = usual_call();
    struct hedge hedge = after_50_ms();
    struct instant last = at_ms(1000 - 20 - 50);

    cr_assert_eq(hedge_due(&hedge, &call, last).ns, at_ms(980).ns);
    cr_assert_eq(hedge_due(&hedge, &call, (struct instant){.ns = last.ns + 1}).ns,
                 INSTANT_NEVER.ns);
    cr_assert_not(hedge_begin(&hedge, &call, (struct instant){.ns = at_ms(980).ns + 1}));
    cr_assert(hedge_begin(&hedge, &call, at_ms(980)));
}

Test(hedge, a_delay_longer_than_the_grant_never_comes)
{
    static const struct span delays[] = {{1001 * NS_PER_MS}, {60 * NS_PER_S}, {INT64_MAX}};

    for (size_t i = 0; i < sizeof delays / sizeof delays[0]; i++) {
        struct retry call = usual_call();
        struct hedge hedge = usual((struct hedge_policy){.kind = HEDGE_FIXED, .delay = delays[i]});

        cr_expect_eq(hedge_due(&hedge, &call, at_ms(0)).ns, INSTANT_NEVER.ns);
    }
}

Test(hedge, a_call_has_one_hedge)
{
    struct retry call = usual_call();
    struct hedge hedge = after_50_ms();

    cr_assert(hedge_begin(&hedge, &call, at_ms(150)));
    cr_assert_not(hedge_begin(&hedge, &call, at_ms(160)));
    cr_assert_eq(hedge_due(&hedge, &call, at_ms(300)).ns, INSTANT_NEVER.ns);
    cr_assert_eq(allowance.banked, (ALLOWANCE_FLOOR - 1) * SHARE_WHOLE);
}

Test(hedge, an_empty_allowance_begins_none_and_leaves_alone_what_runs)
{
    struct retry call = usual_call();
    struct hedge racing = after_50_ms(), next;
    struct instant due = retry_attempt_due(&call, at_ms(150));

    cr_assert(hedge_begin(&racing, &call, at_ms(150)));
    empty_allowance();
    next = (struct hedge){.policy = &policy, .lately = &lately, .allowance = &allowance};
    cr_assert_not(hedge_begin(&next, &call, at_ms(150)));
    cr_assert_not(next.begun);
    cr_assert(racing.begun);
    cr_assert_eq(retry_attempt_due(&call, at_ms(150)).ns, due.ns);
}

Test(hedge, one_that_was_not_allowed_may_be_when_calls_have_paid_in)
{
    struct retry call = usual_call();
    struct hedge hedge = after_50_ms();

    empty_allowance();
    for (int i = 0; i < 19; i++)
        allowance_earn(&allowance);
    cr_assert_not(hedge_begin(&hedge, &call, at_ms(150)));
    allowance_earn(&allowance);
    cr_assert(hedge_begin(&hedge, &call, at_ms(150)));
}
