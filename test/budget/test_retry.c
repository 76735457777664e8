#include "budget/retry.h"

#include <ctype.h>

#include <criterion/criterion.h>

/* A random number that makes the backoff as long as it can be, to the nanosecond below. */
#define LONGEST UINT64_MAX
#define HALF (UINT64_C(1) << 63)

static struct retry_policy policy;
static struct allowance allowance;

static struct instant at_ms(int64_t ms)
{
    return (struct instant){.ns = ms * NS_PER_MS};
}

/* A GET with a grant of a second from 0 on, two retries, min 20 ms, backoff 10 ms. */
static struct retry usual(void)
{
    policy = (struct retry_policy){
        .retries = 2,
        .on = retry_on_default(),
        .min = span_ms(20),
        .attempt = SPAN_FOREVER,
        .backoff = span_ms(10),
    };
    allowance_init(&allowance, ALLOWANCE_RETRIES);
    return (struct retry){
        .policy = &policy,
        .allowance = &allowance,
        .by = at_ms(1000),
        .safe = true,
        .replayable = true,
    };
}

static struct attempt_result status_of(int status)
{
    return (struct attempt_result){.outcome = CALL_STATUS, .status = status};
}

static struct retry_decision decide(struct retry *retry, struct attempt_result result,
                                    struct instant now)
{
    return retry_decide(retry, &result, HALF, now);
}

static void empty_allowance(void)
{
    while (allowance_take(&allowance))
        ;
}

#define assert_verdict(decision, expected) \
    cr_assert_eq((decision).verdict, expected, "%s", retry_verdict_name((decision).verdict))

Test(retry, a_failing_answer_is_followed_by_another_attempt_after_the_backoff)
{
    struct retry retry = usual();
    struct retry_decision decision = decide(&retry, status_of(503), at_ms(100));

    assert_verdict(decision, RETRY_AFTER);
    cr_assert_eq(decision.delay.ns, span_ms(5).ns);
    cr_assert_eq(retry.retries, 1);
    cr_assert_eq(allowance.banked, (ALLOWANCE_FLOOR - 1) * SHARE_WHOLE);
}

Test(retry, a_good_answer_is_the_end)
{
    struct retry retry = usual();
    struct attempt_result result = {.outcome = CALL_OK, .status = 200};

    assert_verdict(decide(&retry, result, at_ms(100)), RETRY_NO_CONDITION);
    cr_assert_eq(retry.retries, 0);
}

Test(retry, an_answer_that_the_client_is_to_get_as_it_is_counts_by_its_status_too)
{
    struct retry retry = usual();
    struct attempt_result result = {.outcome = CALL_OK, .status = 502};

    assert_verdict(decide(&retry, result, at_ms(100)), RETRY_AFTER);
}

Test(retry, only_what_retry_on_names_is_retried)
{
    struct retry retry = usual();

    assert_verdict(decide(&retry, status_of(500), at_ms(100)), RETRY_NO_CONDITION);
    assert_verdict(decide(&retry, status_of(404), at_ms(100)), RETRY_NO_CONDITION);
    assert_verdict(decide(&retry, status_of(429), at_ms(100)), RETRY_NO_CONDITION);
    cr_assert(retry_on_add(&policy.on, "500"));
    assert_verdict(decide(&retry, status_of(500), at_ms(100)), RETRY_AFTER);
}

Test(retry, a_method_that_may_do_harm_is_retried_only_when_that_was_asked_for)
{
    struct retry retry = usual();

    retry.safe = false;
    assert_verdict(decide(&retry, status_of(503), at_ms(100)), RETRY_NO_METHOD);
    cr_assert(retry_on_add(&policy.on, "unsafe"));
    assert_verdict(decide(&retry, status_of(503), at_ms(100)), RETRY_AFTER);
}

Test(retry, a_body_that_is_gone_cannot_be_sent_again)
{
    struct retry retry = usual();

    retry.replayable = false;
    assert_verdict(decide(&retry, status_of(503), at_ms(100)), RETRY_NO_BODY);
}

Test(retry, there_are_no_more_retries_than_asked_for)
{
    struct retry retry = usual();

    assert_verdict(decide(&retry, status_of(503), at_ms(100)), RETRY_AFTER);
    assert_verdict(decide(&retry, status_of(503), at_ms(200)), RETRY_AFTER);
    assert_verdict(decide(&retry, status_of(503), at_ms(300)), RETRY_NO_ATTEMPTS);
    cr_assert_eq(retry.retries, 2);
}

Test(retry, without_retries_nothing_is_retried)
{
    struct retry retry = usual();

    policy.retries = 0;
    assert_verdict(decide(&retry, status_of(503), at_ms(100)), RETRY_NO_ATTEMPTS);
}

Test(retry, the_grant_must_have_room_for_backoff_and_min)
{
    struct retry retry = usual();
    struct instant last = instant_before(at_ms(1000), span_ms(5 + 20));
    struct instant late = {.ns = last.ns + 1};

    assert_verdict(decide(&retry, status_of(503), late), RETRY_NO_TIME);
    assert_verdict(decide(&retry, status_of(503), at_ms(1000)), RETRY_NO_TIME);
    assert_verdict(decide(&retry, status_of(503), at_ms(1500)), RETRY_NO_TIME);
    cr_assert_eq(allowance.banked, ALLOWANCE_FLOOR * SHARE_WHOLE, "what is not done costs nothing");
    assert_verdict(decide(&retry, status_of(503), last), RETRY_AFTER);
}

Test(retry, without_min_and_backoff_something_must_be_left_all_the_same)
{
    struct retry retry = usual();

    policy.min = SPAN_NONE;
    policy.backoff = SPAN_NONE;
    assert_verdict(decide(&retry, status_of(503), at_ms(1000)), RETRY_NO_TIME);
    assert_verdict(decide(&retry, status_of(503), (struct instant){.ns = at_ms(1000).ns - 1}),
                   RETRY_AFTER);
}

Test(retry, the_backoff_is_uniform_below_a_bound_that_doubles)
{
    static const struct {
        uint64_t random;
        int64_t ms[4]; /* before the first retry, the second, ... */
    } rows[] = {
        {0, {0, 0, 0, 0}},          {HALF / 2, {2, 5, 10, 20}},
        {HALF, {5, 10, 20, 40}},    {HALF + HALF / 2, {7, 15, 30, 60}},
        {LONGEST, {9, 19, 39, 79}},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct retry retry = usual();

        policy.retries = 4;
        for (int n = 0; n < 4; n++) {
            struct attempt_result result = status_of(503);
            struct retry_decision decision =
                retry_decide(&retry, &result, rows[i].random, at_ms(100));

            assert_verdict(decision, RETRY_AFTER);
            cr_expect_eq(span_floor_ms(decision.delay), rows[i].ms[n], "retry %d", n + 1);
        }
    }
}

Test(retry, the_longest_backoff_stays_below_the_bound)
{
    struct retry retry = usual();
    struct attempt_result result = status_of(503);

    cr_assert_eq(retry_decide(&retry, &result, LONGEST, at_ms(0)).delay.ns, span_ms(10).ns - 1);
}

Test(retry, a_backoff_that_was_doubled_out_of_all_bounds_finds_no_room)
{
    for (unsigned made = 20; made < 1000000; made += made / 7) {
        struct retry retry = usual();

        policy.retries = UINT32_MAX;
        retry.retries = made;
        assert_verdict(decide(&retry, status_of(503), at_ms(100)), RETRY_NO_TIME);
    }
}

Test(retry, no_backoff_stays_none_however_often_it_is_doubled)
{
    struct retry retry = usual();

    policy.retries = UINT32_MAX;
    policy.backoff = SPAN_NONE;
    retry.retries = 1000;
    cr_assert_eq(decide(&retry, status_of(503), at_ms(100)).delay.ns, 0);
}

Test(retry, a_retry_after_within_the_grant_replaces_a_smaller_backoff)
{
    static const struct {
        int64_t asked_ms, delay_ms;
    } rows[] = {{0, 5}, {4, 5}, {5, 5}, {6, 6}, {300, 300}, {880, 880}};

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct retry retry = usual();
        struct attempt_result result = status_of(503);
        struct retry_decision decision;

        result.retry_after = span_ms(rows[i].asked_ms);
        decision = decide(&retry, result, at_ms(100));
        assert_verdict(decision, RETRY_AFTER);
        cr_expect_eq(decision.delay.ns, span_ms(rows[i].delay_ms).ns);
    }
}

Test(retry, a_retry_after_that_leaves_less_than_min_is_not_waited_for)
{
    static const struct span asked[] = {
        {881 * NS_PER_MS}, {900 * NS_PER_MS}, {901 * NS_PER_MS}, {60 * NS_PER_S}, {INT64_MAX},
    };

    for (size_t i = 0; i < sizeof asked / sizeof asked[0]; i++) {
        struct retry retry = usual();
        struct attempt_result result = status_of(503);
        struct retry_decision decision;

        result.retry_after = asked[i];
        decision = decide(&retry, result, at_ms(100));
        assert_verdict(decision, RETRY_NO_RETRY_AFTER);
        cr_assert_eq(decision.delay.ns, 0);
        cr_assert_eq(retry.retries, 0);
    }
}

Test(retry, too_many_retries_lately_end_in_the_answer_that_there_is)
{
    struct retry retry = usual();

    empty_allowance();
    assert_verdict(decide(&retry, status_of(503), at_ms(100)), RETRY_NO_ALLOWANCE);
    cr_assert_eq(retry.retries, 0);
}

Test(retry, a_child_that_ran_out_of_all_that_was_left_is_not_asked_again)
{
    struct retry retry = usual();
    struct attempt_result result = status_of(504);

    result.ran_out = true;
    result.told_all = true;
    assert_verdict(decide(&retry, result, at_ms(100)), RETRY_NO_RAN_OUT);
    result.ran_out = false;
    assert_verdict(decide(&retry, result, at_ms(100)), RETRY_AFTER);
}

Test(retry, a_child_that_ran_out_of_less_timed_out_like_any_other)
{
    struct retry retry = usual();
    struct attempt_result result = {.outcome = CALL_STATUS, .status = 500, .ran_out = true};

    assert_verdict(decide(&retry, result, at_ms(100)), RETRY_AFTER);
    policy.on.timeout = false;
    assert_verdict(decide(&retry, result, at_ms(100)), RETRY_NO_CONDITION);
}

Test(retry, what_is_named_first_is_what_matters_most)
{
    struct retry retry = usual();
    struct attempt_result result = {.outcome = CALL_OK, .status = 200};
    struct instant now = at_ms(2000);

    policy.retries = 0;
    retry.safe = false;
    retry.replayable = false;
    empty_allowance();
    assert_verdict(decide(&retry, result, now), RETRY_NO_CONDITION);
    result = status_of(503);
    assert_verdict(decide(&retry, result, now), RETRY_NO_METHOD);
    retry.safe = true;
    assert_verdict(decide(&retry, result, now), RETRY_NO_BODY);
    retry.replayable = true;
    assert_verdict(decide(&retry, result, now), RETRY_NO_ATTEMPTS);
    policy.retries = 1;
    assert_verdict(decide(&retry, result, now), RETRY_NO_TIME);
    result.retry_after = span_s(10);
    assert_verdict(decide(&retry, result, at_ms(100)), RETRY_NO_RETRY_AFTER);
    result.retry_after = SPAN_NONE;
    assert_verdict(decide(&retry, result, at_ms(100)), RETRY_NO_ALLOWANCE);
}

Test(retry, an_attempt_ends_with_its_cap_or_with_the_grant)
{
    struct retry retry = usual();

    cr_assert_eq(retry_attempt_due(&retry, at_ms(100)).ns, at_ms(1000).ns);
    policy.attempt = span_ms(120);
    cr_assert_eq(retry_attempt_due(&retry, at_ms(100)).ns, at_ms(220).ns);
    cr_assert_eq(retry_attempt_due(&retry, at_ms(880)).ns, at_ms(1000).ns);
    cr_assert_eq(retry_attempt_due(&retry, at_ms(950)).ns, at_ms(1000).ns);
}

Test(retry, a_wait_that_ended_late_may_have_left_too_little)
{
    struct retry retry = usual();

    cr_assert(retry_attempt_fits(&retry, at_ms(980)));
    cr_assert_not(retry_attempt_fits(&retry, (struct instant){.ns = at_ms(980).ns + 1}));
    policy.min = SPAN_NONE;
    cr_assert(retry_attempt_fits(&retry, (struct instant){.ns = at_ms(1000).ns - 1}));
    cr_assert_not(retry_attempt_fits(&retry, at_ms(1000)));
}

Test(retry, each_verdict_has_a_name_of_its_own_that_is_a_token)
{
    for (int i = RETRY_AFTER; i <= RETRY_NO_ALLOWANCE; i++) {
        const char *name = retry_verdict_name((enum retry_verdict)i);

        cr_assert_neq(name[0], '\0');
        for (const char *c = name; *c != '\0'; c++)
            cr_expect(islower((unsigned char)*c) || *c == '_', "%s", name);
        for (int j = RETRY_AFTER; j < i; j++)
            cr_expect_str_neq(name, retry_verdict_name((enum retry_verdict)j));
    }
}
