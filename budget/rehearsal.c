#include "budget/rehearsal.h"

#include <assert.h>

/* How a request goes. */
struct course {
    struct rehearsed_call calls[PLAN_CALLS_MAX];
    struct span idle[PLAN_CALLS_MAX]; /* before each step: the proxy does something else */
};

/* ---- a run ------------------------------------------------------------------------------------ */

static bool is_cut(const struct ledger_entry *entry, const struct rehearsed_call *call)
{
    return !call->takes_all && !span_covers(entry->granted, call->takes);
}

/* When a running call ends. */
static struct instant end_of(const struct ledger_entry *entry, const struct rehearsed_call *call)
{
    struct span takes = call->takes_all ? entry->granted : call->takes;

    return instant_after(entry->started, span_min(takes, entry->granted));
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
    struct ledger_entry *entry = &rehearsal->ledger[first];
    const struct rehearsed_call *call = &course->calls[first];
    ledger_end(entry, is_cut(entry, call) ? CALL_TIMEOUT : call->ends, over);
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

void rehearse(struct rehearsal *rehearsal, const struct policy *policy, const struct span *asked,
              const struct rehearsed_call *calls)
{
    struct course course = {0};

    for (size_t i = 0; i < policy->calls_count; i++)
        course.calls[i] = calls[i];
    plan_open(&rehearsal->plan, policy, rehearsal->ledger, asked, (struct instant){.ns = 0});
    run(rehearsal, &course);
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
