#include "test/support/trial.h"

#include <string.h>

#include <criterion/criterion.h>

/* Not zero, so that a point that was never set does not pass for the start. */
#define STARTED_NS (77 * NS_PER_S)

struct instant at_ms(int64_t ms)
{
    return (struct instant){.ns = STARTED_NS + ms * NS_PER_MS};
}

void trial_open_asked(struct trial *trial, struct policy policy, int64_t asked_ms)
{
    struct span asked = span_ms(asked_ms);

    trial->policy = policy;
    memset(trial->ledger, 0x55, sizeof trial->ledger);
    plan_open(&trial->plan, &trial->policy, trial->ledger, asked_ms < 0 ? NULL : &asked, at_ms(0));
}

void trial_open(struct trial *trial, struct policy policy)
{
    trial_open_asked(trial, policy, -1);
}

struct decision trial_expect(struct trial *trial, int64_t now_ms, enum decision_kind kind)
{
    struct decision decision = plan_next(&trial->plan, at_ms(now_ms));

    cr_assert_eq(decision.kind, kind, "decision %d, reason %s", decision.kind,
                 reason_name(decision.reason));
    return decision;
}

void trial_expect_calls(struct trial *trial, int64_t now_ms)
{
    trial_expect(trial, now_ms, DECIDE_CALL);
}

struct decision trial_expect_end(struct trial *trial, int64_t now_ms, enum reason reason)
{
    struct decision decision = trial_expect(trial, now_ms, DECIDE_GIVE_UP);

    cr_expect_eq(decision.reason, reason, "%s", reason_name(decision.reason));
    return decision;
}

void trial_expect_granted(const struct trial *trial, size_t call, int64_t ms)
{
    cr_expect_eq(trial->ledger[call].outcome, CALL_RUNNING, "call %zu", call);
    expect_span(trial->ledger[call].granted, ms);
}

void trial_end(struct trial *trial, size_t call, enum call_outcome outcome, int64_t now_ms)
{
    ledger_end(&trial->ledger[call], outcome, at_ms(now_ms));
}

void expect_span(struct span span, int64_t ms)
{
    cr_expect_eq(span.ns, span_ms(ms).ns, "%lld ns, not %lld ms", (long long)span.ns,
                 (long long)ms);
}

void expect_point(struct instant point, int64_t ms)
{
    cr_expect_eq(point.ns, at_ms(ms).ns, "%lld ns, not %lld ms", (long long)(point.ns - STARTED_NS),
                 (long long)ms);
}
