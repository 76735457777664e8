#include "budget/retry.h"

const char *retry_verdict_name(enum retry_verdict verdict)
{
    static const char *const names[] = {
        [RETRY_AFTER] = "retry",
        [RETRY_NO_CONDITION] = "condition",
        [RETRY_NO_RAN_OUT] = "ran_out",
        [RETRY_NO_METHOD] = "method",
        [RETRY_NO_BODY] = "body",
        [RETRY_NO_ATTEMPTS] = "attempts",
        [RETRY_NO_TIME] = "time",
        [RETRY_NO_RETRY_AFTER] = "retry_after",
        [RETRY_NO_ALLOWANCE] = "allowance",
    };

    return names[verdict];
}

bool retry_attempt_fits(const struct retry *retry, struct instant now)
{
    struct span left = span_until(retry->by, now);

    return !span_is_none(left) && span_covers(left, retry->policy->min);
}

struct instant retry_attempt_due(const struct retry *retry, struct instant now)
{
    return instant_min(retry->by, instant_after(now, retry->policy->attempt));
}

/* One that was given less than there is, and ran out of it, timed out like any other. */
static bool is_retried_after(const struct retry_on *on, const struct attempt_result *result)
{
    return retry_on_covers(on, result->outcome, result->status) || (result->ran_out && on->timeout);
}

/* What stands against a retry, whatever the time is. RETRY_AFTER: nothing. */
static enum retry_verdict judge(const struct retry *retry, const struct attempt_result *result)
{
    const struct retry_policy *policy = retry->policy;

    if (!is_retried_after(&policy->on, result))
        return RETRY_NO_CONDITION;
    if (result->ran_out && result->told_all)
        return RETRY_NO_RAN_OUT;
    if (!retry->safe && !policy->on.unsafe)
        return RETRY_NO_METHOD;
    if (!retry->replayable)
        return RETRY_NO_BODY;
    if (retry->retries >= policy->retries)
        return RETRY_NO_ATTEMPTS;
    return RETRY_AFTER;
}

/* Uniform from nothing to backoff * 2^retries, without that itself. */
static struct span draw_backoff(const struct retry *retry, uint64_t random)
{
    int64_t doubled = retry->retries < 63 ? INT64_C(1) << retry->retries : INT64_MAX;
    struct span most = span_of(retry->policy->backoff.ns, doubled);

    return (struct span){.ns = (int64_t)((unsigned __int128)random * (uint64_t)most.ns >> 64)};
}

static bool fits_after(const struct retry *retry, struct span delay, struct instant now)
{
    return retry_attempt_fits(retry, instant_after(now, delay));
}

/* The allowance comes last: it is taken only for what nothing else stands against. */
struct retry_decision retry_decide(struct retry *retry, const struct attempt_result *result,
                                   uint64_t random, struct instant now)
{
    struct retry_decision decision = {.verdict = judge(retry, result)};
    struct span backoff, delay;

    if (decision.verdict != RETRY_AFTER)
        return decision;
    backoff = draw_backoff(retry, random);
    delay = span_max(backoff, result->retry_after);
    if (!fits_after(retry, backoff, now))
        decision.verdict = RETRY_NO_TIME;
    else if (!fits_after(retry, delay, now))
        decision.verdict = RETRY_NO_RETRY_AFTER;
    else if (!allowance_take(retry->allowance))
        decision.verdict = RETRY_NO_ALLOWANCE;
    if (decision.verdict != RETRY_AFTER)
        return decision;
    retry->retries++;
    decision.delay = delay;
    return decision;
}
