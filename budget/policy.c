#include "budget/policy.h"

static const struct span LEAST = {.ns = 1}; /* with nothing left, nothing is started */

static struct span reply_auto(struct span budget)
{
    struct span two_percent = span_scale(budget, 2, 100);

    return span_max(span_ms(1), span_min(two_percent, span_ms(20)));
}

struct span amount_span(struct amount amount, struct span whole)
{
    switch (amount.kind) {
    case AMOUNT_FIXED:
        return amount.fixed;
    case AMOUNT_SHARE:
        return span_scale(whole, amount.share, SHARE_WHOLE);
    case AMOUNT_AUTO:
        return reply_auto(whole);
    case AMOUNT_REST:
        break;
    }
    return SPAN_FOREVER;
}

struct span policy_call_least(const struct policy *policy, size_t call)
{
    return span_max(policy->calls[call].min, LEAST);
}

static struct span step_min(const struct policy *policy, const struct step_policy *step)
{
    struct span least = SPAN_NONE;

    for (size_t i = step->first; i < step->first + step->count; i++) {
        if (!policy->calls[i].optional)
            least = span_max(least, policy->calls[i].min);
    }
    return least;
}

struct span policy_minima(const struct policy *policy, size_t first)
{
    struct span sum = SPAN_NONE;

    for (size_t i = first; i < policy->steps_count; i++)
        sum = span_add(sum, step_min(policy, &policy->steps[i]));
    return sum;
}
