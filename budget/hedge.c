#include "budget/hedge.h"

/* SPAN_FOREVER when there is no telling. */
static struct span delay_of(const struct hedge *hedge)
{
    struct span delay = SPAN_FOREVER;

    switch (hedge->policy->kind) {
    case HEDGE_OFF:
        break;
    case HEDGE_FIXED:
        return hedge->policy->delay;
    case HEDGE_LATELY:
        if (lately_percentile(hedge->lately, hedge->policy->percent, &delay))
            return delay;
        break;
    }
    return SPAN_FOREVER;
}

static bool may_begin(const struct hedge *hedge, const struct retry *call, struct instant when)
{
    return hedge->policy->kind != HEDGE_OFF && !hedge->begun && call->safe && call->replayable &&
           retry_attempt_fits(call, when);
}

struct instant hedge_due(const struct hedge *hedge, const struct retry *call,
                         struct instant started)
{
    struct instant due;

    /* Without a hedge, which is the rule, nobody walks over the histogram. */
    if (!may_begin(hedge, call, started))
        return INSTANT_NEVER;
    due = instant_after(started, delay_of(hedge));
    return may_begin(hedge, call, due) ? due : INSTANT_NEVER;
}

bool hedge_begin(struct hedge *hedge, const struct retry *call, struct instant now)
{
    if (!may_begin(hedge, call, now) || !allowance_take(hedge->allowance))
        return false;
    hedge->begun = true;
    return true;
}
