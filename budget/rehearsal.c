#include "budget/rehearsal.h"

#include <assert.h>

/* How a request goes. */
struct course {
    struct rehearsed_call calls[PLAN_CALLS_MAX];
    struct span idle[PLAN_CALLS_MAX]; /* before each step: the proxy does something else */
};

/* ---- a run ------------------------------------------------------------------------------------ */

/* When a running call ends. */
static struct instant end_of(const struct ledger_entry *entry, const struct rehearsed_call *call)
{
    return instant_after(entry->started, span_min(call->takes, entry->granted));
}

/* How it ends then. */
static enum call_outcome outcome_of(const struct plan *plan, size_t index,
                                    const struct rehearsed_call *call)
{
    const struct ledger_entry *entry = &plan->ledger[index];

    if (!call->is_in_time && !span_covers(entry->granted, call->takes))
        return CALL_TIMEOUT;
    if (call->yields && plan_can_fall_back(plan, index, end_of(entry, call)))
        return CALL_BROKEN;
    return call->ends;
}

/* Lets the first of the running calls end, and returns when that is. */
static struct instant end_first(struct rehearsal *rehearsal, const struct course *course)
{
    size_t first = PLAN_CALLS_MAX;
    struct instant over = INSTANT_NEVER;

    for (size_t i = 0; i < rehearsal->plan.policy->calls_count; i++) {
        const struct ledger_entry *entry = &rehearsal->ledger[i];
        if (entry->outcome == CALL_RUNNING && end_of(entry, &course->calls[i]).ns < over.ns) {
            first = i;
            over = end_of(entry, &course->calls[i]);
        }
    }
    assert(first < PLAN_CALLS_MAX);
    ledger_end(&rehearsal->ledger[first],
               outcome_of(&rehearsal->plan, first, &course->calls[first]), over);
    return over;
}

/* Does the next step come now, or the answer? */
static bool is_between_steps(const struct plan *plan, struct instant now)
{
    const struct step_policy *step;

    if (plan->steps_begun == 0)
        return true;
    step = &plan->policy->steps[plan->steps_begun - 1];
    for (size_t i = step->first; i < step->first + step->count; i++) {
        size_t last = plan_stand_in(plan, i);
        enum call_outcome outcome = plan->ledger[last].outcome;
        if (outcome == CALL_RUNNING || plan_can_fall_back(plan, last, now) ||
            (outcome != CALL_OK && !plan->policy->calls[i].optional))
            return false;
    }
    return true;
}

/* What still runs when the end is decided is cancelled. */
static void run(struct rehearsal *rehearsal, const struct course *course)
{
    struct plan *plan = &rehearsal->plan;
    struct instant now = plan->started;

    for (;;) {
        if (plan->steps_begun < plan->policy->steps_count && is_between_steps(plan, now))
            now = instant_after(now, course->idle[plan->steps_begun]);
        rehearsal->end = plan_next(plan, now);
        if (rehearsal->end.kind == DECIDE_WAIT)
            now = end_first(rehearsal, course);
        else if (rehearsal->end.kind != DECIDE_CALL)
            break;
    }
    for (size_t i = 0; i < plan->policy->calls_count; i++) {
        if (rehearsal->ledger[i].outcome == CALL_RUNNING)
            ledger_end(&rehearsal->ledger[i], CALL_CANCELLED, now);
    }
    rehearsal->over = now;
    rehearsal->is_late = false;
}

/* Runs a plan that was opened just now; nothing happens between its steps. */
static void run_calls(struct rehearsal *rehearsal, const struct rehearsed_call *calls)
{
    struct course course = {0};

    for (size_t i = 0; i < rehearsal->plan.policy->calls_count; i++)
        course.calls[i] = calls[i];
    run(rehearsal, &course);
}

void rehearse(struct rehearsal *rehearsal, const struct policy *policy, const struct span *asked,
              const struct rehearsed_call *calls)
{
    plan_open(&rehearsal->plan, policy, rehearsal->ledger, asked, (struct instant){.ns = 0});
    run_calls(rehearsal, calls);
}

void rehearse_observed(struct rehearsal *rehearsal, const struct policy *policy,
                       const struct rehearsed_call *calls)
{
    plan_open(&rehearsal->plan, policy, rehearsal->ledger, NULL, (struct instant){.ns = 0});
    plan_observe(&rehearsal->plan);
    run_calls(rehearsal, calls);
}

/* ---- as late as can be ------------------------------------------------------------------------ */

static void open_like(struct rehearsal *rehearsal, const struct plan *plan)
{
    plan_open(&rehearsal->plan, plan->policy, rehearsal->ledger, &plan->asked, plan->started);
    if (plan->is_observed)
        plan_observe(&rehearsal->plan);
}

/* All calls end at once, and all that may stand in do: so each is granted the most that it can be,
 * or cannot be started at all. */
static void run_soonest(struct rehearsal *soonest, const struct plan *plan)
{
    struct rehearsed_call calls[PLAN_CALLS_MAX];

    for (size_t i = 0; i < plan->policy->calls_count; i++)
        calls[i] = (struct rehearsed_call){.takes = SPAN_NONE, .ends = CALL_OK, .yields = true};
    open_like(soonest, plan);
    run_calls(soonest, calls);
}

/* Lets calls begin with less than their min: that they do not begin so late is no reason for an
 * earlier end, since the calls before may have been over just in time for them. Not so the required
 * calls of steps, whose minima are kept back, nor what can never begin. */
static void relax(struct call_policy calls[static PLAN_CALLS_MAX], const struct rehearsal *soonest)
{
    const struct policy *policy = soonest->plan.policy;
    const struct step_policy *last = &policy->steps[policy->steps_count - 1];

    for (size_t i = 0; i < policy->calls_count; i++) {
        bool is_kept = !policy->calls[i].optional && i < last->first + last->count;
        calls[i] = policy->calls[i];
        calls[i].budget =
            (struct amount){.kind = AMOUNT_FIXED, .fixed = soonest->ledger[i].granted};
        if (!is_kept && !span_is_none(soonest->ledger[i].granted))
            calls[i].min = SPAN_NONE;
    }
}

/* Of the calls in steps that are required, and of what stands in for them. */
static struct instant last_required(const struct plan *plan)
{
    const struct policy *policy = plan->policy;
    struct instant last = plan->started;

    for (size_t step = 0; step < plan->steps_begun; step++) {
        size_t first = policy->steps[step].first;
        for (size_t i = first; i < first + policy->steps[step].count; i++) {
            if (!policy->calls[i].optional)
                last = instant_max(last, plan->ledger[plan_stand_in(plan, i)].ended);
        }
    }
    return last;
}

/* Was nothing left for a required call, since it has no min that is kept back? Then keeps the least
 * there is: the calls before it may be over just so much sooner, and what comes later ends later. */
static bool keep_least(struct call_policy *calls, const struct decision *end)
{
    if (end->kind != DECIDE_GIVE_UP || end->call == NO_CALL || !span_is_none(calls[end->call].min))
        return false;
    calls[end->call].min.ns = 1;
    return true;
}

struct instant rehearse_latest(const struct rehearsal *rehearsal, const struct span *takes)
{
    struct rehearsed_call calls[PLAN_CALLS_MAX];
    struct call_policy relaxed_calls[PLAN_CALLS_MAX];
    struct policy relaxed = *rehearsal->plan.policy;
    struct instant last = rehearsal->plan.started;
    struct rehearsal latest;

    run_soonest(&latest, &rehearsal->plan);
    relax(relaxed_calls, &latest);
    relaxed.calls = relaxed_calls;
    relaxed.proportional = false; /* what is granted has shrunk already */
    for (size_t i = 0; i < relaxed.calls_count; i++)
        calls[i] = (struct rehearsed_call){
            .takes = takes[i], .is_in_time = true, .ends = CALL_OK, .yields = true};
    do {
        open_like(&latest, &rehearsal->plan);
        latest.plan.policy = &relaxed;
        run_calls(&latest, calls);
        last = instant_max(last, last_required(&latest.plan));
        if (latest.end.kind == DECIDE_GIVE_UP)
            last = instant_max(last, latest.over);
    } while (keep_least(relaxed_calls, &latest.end));
    return last;
}

/* ---- once more -------------------------------------------------------------------------------- */

static struct rehearsed_call call_seen(const struct ledger_entry *entry, struct instant ended)
{
    struct rehearsed_call call = {.takes = ledger_used(entry, ended), .ends = entry->outcome};

    if (call.ends <= CALL_RUNNING || call.ends == CALL_SKIPPED || call.ends == CALL_CANCELLED)
        call.ends = CALL_OK;
    return call;
}

/* When the last of a step's calls was over, and of those that stood in for them. */
static struct instant step_over(const struct plan *plan, const struct step_policy *step,
                                struct instant ended)
{
    struct instant over = plan->started;

    for (size_t i = step->first; i < step->first + step->count; i++)
        over = instant_max(over, ledger_over(&plan->ledger[plan_stand_in(plan, i)], ended));
    return over;
}

/* Fills in the waits before the steps that began, and returns when the last of these was over. */
static struct instant see_steps(const struct plan *plan, struct instant ended, struct span *idle)
{
    struct instant over = plan->started;

    for (size_t i = 0; i < plan->steps_begun; i++) {
        const struct step_policy *step = &plan->policy->steps[i];
        idle[i] = span_until(plan->ledger[step->first].started, over);
        over = step_over(plan, step, ended);
    }
    return over;
}

void rehearse_again(struct rehearsal *rehearsal, const struct plan *observed, struct instant ended)
{
    struct course course = {0};
    struct instant over = see_steps(observed, ended, course.idle);
    struct span rest = span_until(ended, over);

    for (size_t i = 0; i < observed->policy->calls_count; i++)
        course.calls[i] = call_seen(&observed->ledger[i], ended);
    if (observed->steps_begun < observed->policy->steps_count) { /* it was too late for the next */
        course.idle[observed->steps_begun] = rest;
        rest = SPAN_NONE;
    }
    plan_open(&rehearsal->plan, observed->policy, rehearsal->ledger, &observed->asked,
              observed->started);
    run(rehearsal, &course);
    if (rehearsal->end.kind == DECIDE_ANSWER &&
        instant_reached(rehearsal->plan.hard, instant_after(rehearsal->over, rest))) {
        rehearsal->end.kind = DECIDE_GIVE_UP;
        rehearsal->end.reason = REASON_LOCAL;
        rehearsal->is_late = true;
    }
}
