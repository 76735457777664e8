#include "budget/plan.h"

#include <assert.h>
#include <string.h>

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

/* With scale = proportional fixed times shrink when the client brought less than the default. */
static struct span amount_of(const struct plan *plan, struct amount amount)
{
    const struct policy *policy = plan->policy;
    struct span span = amount_span(amount, plan->budget);
    bool shrinks = policy->proportional && amount.kind == AMOUNT_FIXED &&
                   !span_covers(plan->budget, policy->default_budget);

    return shrinks ? span_scale(span, plan->budget.ns, policy->default_budget.ns) : span;
}

void plan_open(struct plan *plan, const struct policy *policy, struct ledger_entry *ledger,
               const struct span *asked, struct instant started)
{
    assert(policy->calls_count <= PLAN_CALLS_MAX);
    memset(ledger, 0, policy->calls_count * sizeof *ledger);
    *plan = (struct plan){
        .policy = policy,
        .ledger = ledger,
        .budget = asked ? span_min(*asked, policy->max) : policy->default_budget,
        .started = started,
    };
    plan->local = amount_of(plan, policy->local);
    plan->reply = amount_span(policy->reply, plan->budget); /* never shrinks */
    plan->hard = instant_after(started, plan->budget);
    plan->reply_by = instant_before(plan->hard, plan->reply);
    plan->calls_by = instant_before(plan->hard, span_max(plan->local, plan->reply));
}

/* What a call must have to be started. What is kept back for it is its min alone: without one,
 * nothing is. */
static struct span start_of(const struct call_policy *call)
{
    return span_max(call->min, LEAST);
}

/* What is kept back for a step: the largest min of its required calls. */
static struct span step_min(const struct policy *policy, const struct step_policy *step)
{
    struct span least = SPAN_NONE;

    for (size_t i = step->first; i < step->first + step->count; i++) {
        if (!policy->calls[i].optional)
            least = span_max(least, policy->calls[i].min);
    }
    return least;
}

/* What steps from `first` on must have at the least. */
static struct span minima_from(const struct policy *policy, size_t first)
{
    struct span sum = SPAN_NONE;

    for (size_t i = first; i < policy->steps_count; i++)
        sum = span_add(sum, step_min(policy, &policy->steps[i]));
    return sum;
}

static struct decision give_up(enum reason reason, int call)
{
    return (struct decision){.kind = DECIDE_GIVE_UP, .reason = reason, .call = call};
}

/* Is it worth beginning at all? */
static struct decision admit(const struct plan *plan, struct instant now)
{
    struct span left = span_until(plan->hard, now);
    struct span reserve = span_max(plan->local, plan->reply);

    if (instant_reached(plan->hard, now))
        return give_up(REASON_ARRIVAL, NO_CALL);
    if (!span_covers(left, span_add(reserve, minima_from(plan->policy, 0))))
        return give_up(REASON_INFEASIBLE, NO_CALL);
    return (struct decision){.kind = DECIDE_CALL};
}

/* A call's own limit, or all there is; never less than what it needs to be started. */
static struct span grant_of(const struct plan *plan, const struct call_policy *call,
                            struct span available)
{
    struct span budget = amount_of(plan, call->budget);

    return span_min(span_max(budget, start_of(call)), available);
}

/* The step's time: how long its required calls may take. Optional ones do not make it longer. */
static struct span step_time(const struct plan *plan, const struct step_policy *step,
                             struct span available)
{
    struct span longest = SPAN_NONE;
    bool any = false;

    for (size_t i = step->first; i < step->first + step->count; i++) {
        const struct call_policy *call = &plan->policy->calls[i];
        if (call->optional)
            continue;
        any = true;
        longest = span_max(longest, grant_of(plan, call, available));
    }
    return any ? longest : available;
}

/* Grants every call of the step its time, or skips it. False: all were skipped. */
static bool grant_step(struct plan *plan, const struct step_policy *step, struct span available,
                       struct instant now)
{
    struct span longest = step_time(plan, step, available);
    bool any = false;

    for (size_t i = step->first; i < step->first + step->count; i++) {
        const struct call_policy *call = &plan->policy->calls[i];
        struct span ceiling = call->optional ? longest : available;
        if (!span_covers(ceiling, start_of(call))) {
            ledger_end(&plan->ledger[i], CALL_SKIPPED, now);
            continue;
        }
        ledger_start(&plan->ledger[i], grant_of(plan, call, ceiling), now);
        any = true;
    }
    return any;
}

/* The first required call of the step that has less than its min to come. */
static int starved_call(const struct plan *plan, const struct step_policy *step,
                        struct span available)
{
    for (size_t i = step->first; i < step->first + step->count; i++) {
        const struct call_policy *call = &plan->policy->calls[i];
        if (!call->optional && !span_covers(available, start_of(call)))
            return (int)i;
    }
    return NO_CALL;
}

/* DECIDE_WAIT stands for: nothing of this step could be started, go on to the next. */
static struct decision begin_step(struct plan *plan, struct instant now)
{
    const struct step_policy *step = &plan->policy->steps[plan->steps_begun];
    struct span tail = minima_from(plan->policy, plan->steps_begun + 1);
    struct span available = span_less(span_until(plan->calls_by, now), tail);
    int starved = starved_call(plan, step, available);

    if (starved != NO_CALL)
        return give_up(REASON_INFEASIBLE, starved);
    plan->steps_begun++;
    if (!grant_step(plan, step, available, now))
        return (struct decision){.kind = DECIDE_WAIT};
    return (struct decision){.kind = DECIDE_CALL, .step = *step, .call = NO_CALL};
}

/* How the step under way stands: failed, still going on, or over (DECIDE_CALL). */
static struct decision judge_step(const struct plan *plan)
{
    const struct step_policy *step = &plan->policy->steps[plan->steps_begun - 1];
    bool is_running = false;

    for (size_t i = step->first; i < step->first + step->count; i++) {
        enum call_outcome outcome = plan->ledger[i].outcome;
        if (outcome == CALL_RUNNING)
            is_running = true;
        else if (outcome != CALL_OK && !plan->policy->calls[i].optional)
            return give_up(plan_reason(outcome), (int)i);
    }
    return (struct decision){.kind = is_running ? DECIDE_WAIT : DECIDE_CALL};
}

struct decision plan_next(struct plan *plan, struct instant now)
{
    struct decision decision = plan->steps_begun == 0 ? admit(plan, now) : judge_step(plan);

    if (decision.kind != DECIDE_CALL)
        return decision;
    while (plan->steps_begun < plan->policy->steps_count) {
        decision = begin_step(plan, now);
        if (decision.kind != DECIDE_WAIT)
            return decision;
    }
    if (instant_reached(plan->reply_by, now))
        return give_up(REASON_LOCAL, NO_CALL);
    return (struct decision){.kind = DECIDE_ANSWER, .call = NO_CALL};
}

struct instant plan_alarm(const struct plan *plan)
{
    struct instant alarm = INSTANT_NEVER;

    for (size_t i = 0; i < plan->policy->calls_count; i++) {
        if (plan->ledger[i].outcome == CALL_RUNNING)
            alarm = instant_min(alarm, ledger_due(&plan->ledger[i]));
    }
    return alarm.ns == INSTANT_NEVER.ns ? plan->reply_by : alarm;
}

struct instant plan_start_by(const struct plan *plan, size_t call)
{
    return instant_before(ledger_due(&plan->ledger[call]), plan->policy->calls[call].min);
}

struct span plan_local_used(const struct plan *plan, struct instant now)
{
    struct span used = span_since(plan->started, now);

    for (size_t i = 0; i < plan->steps_begun; i++) {
        const struct step_policy *step = &plan->policy->steps[i];
        struct span longest = SPAN_NONE;
        for (size_t k = step->first; k < step->first + step->count; k++)
            longest = span_max(longest, ledger_used(&plan->ledger[k], now));
        used = span_less(used, longest);
    }
    return used;
}

struct instant plan_cut_at(const struct plan *plan, bool is_error, struct instant now)
{
    return is_error ? instant_max(plan->hard, instant_after(now, span_ms(20))) : plan->hard;
}

enum reason plan_reason(enum call_outcome outcome)
{
    switch (outcome) {
    case CALL_TIMEOUT:
    case CALL_DNS_TIMEOUT:
    case CALL_CONNECT_TIMEOUT:
        return REASON_CALL;
    case CALL_QUEUED_OUT:
        return REASON_QUEUE;
    case CALL_UNSENT:
        return REASON_INFEASIBLE;
    case CALL_UPLOAD_OUT:
        return REASON_UPLOAD;
    default:
        return REASON_FAILED;
    }
}

const char *reason_name(enum reason reason)
{
    static const char *const names[] = {
        [REASON_NONE] = "none",
        [REASON_ARRIVAL] = "arrival",
        [REASON_INFEASIBLE] = "infeasible",
        [REASON_CALL] = "call",
        [REASON_QUEUE] = "queue",
        [REASON_LOCAL] = "local",
        [REASON_UPLOAD] = "upload",
        [REASON_DRAIN] = "drain",
        [REASON_FAILED] = "failed",
    };

    return names[reason];
}
