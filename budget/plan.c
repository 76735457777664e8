#include "budget/plan.h"

#include <assert.h>
#include <string.h>

/* With scale = proportional fixed times shrink when the client brought less than the default. */
static struct span amount_of(const struct plan *plan, struct amount amount)
{
    const struct policy *policy = plan->policy;
    struct span span = amount_span(amount, plan->budget);
    bool shrinks = policy->proportional && amount.kind == AMOUNT_FIXED &&
                   !span_covers(plan->budget, policy->default_budget);

    return shrinks ? span_scale(span, plan->budget.ns, policy->default_budget.ns) : span;
}

/* Spends the whole budget from here on. */
static void set_bounds(struct plan *plan, struct span budget)
{
    const struct policy *policy = plan->policy;

    plan->budget = budget;
    plan->reply = amount_span(policy->reply, budget); /* never shrinks */
    plan->local = plan->is_observed ? plan->reply : amount_of(plan, policy->local);
    plan->hard = instant_after(plan->started, budget);
    plan->reply_by = instant_before(plan->hard, plan->reply);
    plan->calls_by = instant_before(plan->hard, span_max(plan->local, plan->reply));
}

void plan_open(struct plan *plan, const struct policy *policy, struct ledger_entry *ledger,
               const struct span *asked, struct instant started)
{
    assert(policy->calls_count <= PLAN_CALLS_MAX);
    memset(ledger, 0, policy->calls_count * sizeof *ledger);
    *plan = (struct plan){
        .policy = policy,
        .ledger = ledger,
        .asked = asked ? span_min(*asked, policy->max) : policy->default_budget,
        .started = started,
    };
    set_bounds(plan, plan->asked);
}

void plan_observe(struct plan *plan)
{
    assert(plan->steps_begun == 0);
    plan->is_observed = true;
    set_bounds(plan, plan->policy->max);
}

/* ---- a step ----------------------------------------------------------------------------------- */

static struct decision give_up(enum reason reason, int call)
{
    return (struct decision){.kind = DECIDE_GIVE_UP, .reason = reason, .call = call};
}

/* Nothing stands against the next step; after the last one, the answer. */
static struct decision go_on(void)
{
    return (struct decision){.kind = DECIDE_ANSWER, .call = NO_CALL};
}

struct span plan_least(const struct plan *plan)
{
    return span_add(span_max(plan->local, plan->reply), policy_minima(plan->policy, 0));
}

/* Is it worth beginning at all? */
static struct decision admit(const struct plan *plan, struct instant now)
{
    if (instant_reached(plan->hard, now))
        return give_up(REASON_ARRIVAL, NO_CALL);
    if (!span_covers(span_until(plan->hard, now), plan_least(plan)))
        return give_up(REASON_INFEASIBLE, NO_CALL);
    return go_on();
}

/* A call's own limit, or all there is; never less than what it needs to be started. */
static struct span grant_of(const struct plan *plan, size_t call, struct span available)
{
    struct span least = policy_call_least(plan->policy, call);

    if (plan->is_observed)
        return available;
    return span_min(span_max(amount_of(plan, plan->policy->calls[call].budget), least), available);
}

/* Grants a call its time and starts it, or skips it. */
static bool grant(struct plan *plan, size_t call, struct span available, struct instant now)
{
    if (!span_covers(available, policy_call_least(plan->policy, call))) {
        ledger_end(&plan->ledger[call], CALL_SKIPPED, now);
        return false;
    }
    ledger_start(&plan->ledger[call], grant_of(plan, call, available), now);
    return true;
}

/* The step's time: how long its required calls may take. Optional ones do not make it longer. */
static struct span step_time(const struct plan *plan, const struct step_policy *step,
                             struct span available)
{
    struct span longest = SPAN_NONE;
    bool any = false;

    for (size_t i = step->first; i < step->first + step->count; i++) {
        if (plan->policy->calls[i].optional)
            continue;
        any = true;
        longest = span_max(longest, grant_of(plan, i, available));
    }
    return any ? longest : available;
}

/* Starts or skips every call of the step. False: all were skipped. */
static bool grant_step(struct plan *plan, const struct step_policy *step, struct span available,
                       struct instant now)
{
    struct span longest = step_time(plan, step, available);
    bool any = false;

    plan->step_by = instant_after(now, longest);
    for (size_t i = step->first; i < step->first + step->count; i++) {
        bool is_optional = plan->policy->calls[i].optional;
        if (grant(plan, i, is_optional ? longest : available, now))
            any = true;
    }
    return any;
}

/* The first required call of the step that has less than its min to come. */
static int starved_call(const struct plan *plan, const struct step_policy *step,
                        struct span available)
{
    for (size_t i = step->first; i < step->first + step->count; i++) {
        if (!plan->policy->calls[i].optional &&
            !span_covers(available, policy_call_least(plan->policy, i)))
            return (int)i;
    }
    return NO_CALL;
}

/* What there is now for the calls of the step before this one. */
static struct span available_before(const struct plan *plan, size_t step, struct instant now)
{
    return span_less(span_until(plan->calls_by, now), policy_minima(plan->policy, step));
}

/* DECIDE_ANSWER stands for: nothing of this step could be started, go on to the next. */
static struct decision begin_step(struct plan *plan, struct instant now)
{
    const struct step_policy *step = &plan->policy->steps[plan->steps_begun];
    struct span available = available_before(plan, plan->steps_begun + 1, now);
    int starved = starved_call(plan, step, available);

    if (starved != NO_CALL)
        return give_up(REASON_INFEASIBLE, starved);
    plan->steps_begun++;
    if (!grant_step(plan, step, available, now))
        return go_on();
    return (struct decision){.kind = DECIDE_CALL, .step = *step, .call = NO_CALL};
}

/* ---- calls that stand in for others ----------------------------------------------------------- */

static bool was_started(const struct ledger_entry *entry)
{
    return entry->outcome != CALL_WAITING && entry->outcome != CALL_SKIPPED;
}

size_t plan_stand_in(const struct plan *plan, size_t call)
{
    size_t next = plan->policy->calls[call].fallback;

    while (next != 0 && was_started(&plan->ledger[next])) {
        call = next;
        next = plan->policy->calls[call].fallback;
    }
    return call;
}

/* Is a call that ended so stood in for? Not when the client or we ourselves ended it, nor when
 * there was no time for it. */
static bool is_stood_in_for(enum call_outcome outcome)
{
    return outcome > CALL_OK && outcome != CALL_SKIPPED && outcome != CALL_CANCELLED &&
           outcome != CALL_UPLOAD_OUT;
}

/* What a call that stands in for `head`, of the step under way, could be granted now. */
static struct span stand_in_room(const struct plan *plan, size_t head, struct instant now)
{
    if (plan->policy->calls[head].optional)
        return span_until(plan->step_by, now);
    return available_before(plan, plan->steps_begun, now);
}

/* The call that is next to stand in for one that ended so, or will; 0: none. */
static size_t next_stand_in(const struct plan *plan, size_t call)
{
    enum call_outcome outcome = plan->ledger[call].outcome;
    size_t next = plan->policy->calls[call].fallback;
    bool is_wanted = outcome == CALL_RUNNING || is_stood_in_for(outcome);

    return is_wanted && next != 0 && plan->ledger[next].outcome == CALL_WAITING ? next : 0;
}

bool plan_can_fall_back(const struct plan *plan, size_t call, struct instant now)
{
    size_t next = next_stand_in(plan, call);
    const struct step_policy *step;

    if (next == 0 || plan->steps_begun == 0)
        return false;
    step = &plan->policy->steps[plan->steps_begun - 1];
    for (size_t head = step->first; head < step->first + step->count; head++) {
        if (plan_stand_in(plan, head) == call)
            return span_covers(stand_in_room(plan, head, now),
                               policy_call_least(plan->policy, next));
    }
    return false;
}

/* Starts what stands in next for this call of the step under way. */
static struct decision stand_in(struct plan *plan, size_t head, struct instant now)
{
    size_t next = next_stand_in(plan, plan_stand_in(plan, head));
    struct span granted = grant_of(plan, next, stand_in_room(plan, head, now));

    ledger_start(&plan->ledger[next], granted, now);
    return (struct decision){
        .kind = DECIDE_CALL, .step = {.first = next, .count = 1}, .call = NO_CALL};
}

/* There was too little time for what should have stood in for this call. */
static void skip_stand_in(struct plan *plan, size_t call, struct instant now)
{
    size_t next = next_stand_in(plan, call);

    if (next != 0)
        ledger_end(&plan->ledger[next], CALL_SKIPPED, now);
}

/* ---- decisions -------------------------------------------------------------------------------- */

/* How the step under way stands: failed, a call has to stand in for another, still going on, or
 * over. A failure comes first: nothing is started for a step that is lost. */
static struct decision judge_step(struct plan *plan, struct instant now)
{
    const struct step_policy *step = &plan->policy->steps[plan->steps_begun - 1];
    bool is_running = false;
    int failed = NO_CALL; /* and will be stood in for */

    for (size_t i = step->first; i < step->first + step->count; i++) {
        size_t last = plan_stand_in(plan, i);
        enum call_outcome outcome = plan->ledger[last].outcome;
        if (outcome == CALL_RUNNING) {
            is_running = true;
        } else if (plan_can_fall_back(plan, last, now)) {
            failed = (int)i;
        } else {
            skip_stand_in(plan, last, now);
            if (outcome != CALL_OK && !plan->policy->calls[i].optional)
                return give_up(plan_reason(outcome), (int)last);
        }
    }
    if (failed != NO_CALL)
        return stand_in(plan, (size_t)failed, now);
    return is_running ? (struct decision){.kind = DECIDE_WAIT, .call = NO_CALL} : go_on();
}

struct decision plan_next(struct plan *plan, struct instant now)
{
    struct decision decision = plan->steps_begun == 0 ? admit(plan, now) : judge_step(plan, now);

    while (decision.kind == DECIDE_ANSWER && plan->steps_begun < plan->policy->steps_count)
        decision = begin_step(plan, now);
    if (decision.kind == DECIDE_ANSWER && instant_reached(plan->reply_by, now))
        return give_up(REASON_LOCAL, NO_CALL);
    return decision;
}

/* ---- times ------------------------------------------------------------------------------------ */

struct instant plan_alarm(const struct plan *plan)
{
    struct instant alarm = INSTANT_NEVER;

    for (size_t i = 0; i < plan->policy->calls_count; i++) {
        if (plan->ledger[i].outcome == CALL_RUNNING)
            alarm = instant_min(alarm, ledger_due(&plan->ledger[i]));
    }
    return alarm.ns == INSTANT_NEVER.ns ? plan->reply_by : alarm;
}

bool plan_may_put_off(const struct plan *plan, struct instant now)
{
    return !instant_reached(instant_before(plan->reply_by, plan->reply), now);
}

struct instant plan_body_by(const struct plan *plan)
{
    struct span later = policy_minima(plan->policy, 1);
    struct span first = span_less(policy_minima(plan->policy, 0), later);

    /* even without a min the first step needs something */
    return instant_before(plan->calls_by, span_add(span_max(first, (struct span){.ns = 1}), later));
}

struct instant plan_start_by(const struct plan *plan, size_t call)
{
    return instant_before(ledger_due(&plan->ledger[call]), plan->policy->calls[call].min);
}

struct span plan_local_used(const struct plan *plan, struct instant now)
{
    struct span busy = ledger_busy(plan->ledger, plan->policy->calls_count, now);

    return span_less(span_since(plan->started, now), busy);
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
    case CALL_QUEUE_FULL:
    case CALL_NO_MEMORY:
        return REASON_OVERLOAD;
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
        [REASON_OVERLOAD] = "overload",
    };

    return names[reason];
}
