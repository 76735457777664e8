/* A plan run in the mind: what becomes of a request whose calls take so long and end so. */
#pragma once

#include <stdbool.h>

#include "budget/plan.h"

/* How a call goes, if it is started. */
struct rehearsed_call {
    struct span takes;      /* so long; if that is more than its grant, it is cut */
    enum call_outcome ends; /* how, when it is not cut */
    bool is_in_time;        /* is never cut: it ends at the end of its grant at the latest */
    bool yields;            /* it fails, if another can stand in for it just then */
};

struct rehearsal {
    struct ledger_entry ledger[PLAN_CALLS_MAX]; /* what is cut is CALL_TIMEOUT */
    struct plan plan;
    struct decision end; /* DECIDE_ANSWER or DECIDE_GIVE_UP */
    struct instant over; /* when that was decided */
    bool is_late;        /* rehearse_again: given up when the answer was on its way already */
};

/* Runs a request that begins at 0 and names the budget `asked` (NULL: none). calls: one for each of
 * the policy's. */
void rehearse(struct rehearsal *rehearsal, const struct policy *policy, const struct span *asked,
              const struct rehearsed_call *calls);

/* The same for a request that is only observed, whatever budget it names (plan_observe). */
void rehearse_observed(struct rehearsal *rehearsal, const struct policy *policy,
                       const struct rehearsed_call *calls);

/* When the request of this rehearsal is given up at the latest, if no call takes longer than this
 * (takes: one for each of the policy's) and nothing happens before and between the steps. However
 * its calls end well, fail and are stood in for, no required one lasts longer, nor is there too
 * little left for the next step only later. Its start, if no call is made that it requires. */
struct instant rehearse_latest(const struct rehearsal *rehearsal, const struct span *takes);

/* Runs a request that was only observed once more, as if its budget were enforced: its calls take
 * as long as they did and end as they did, the waits before and between its steps are as they were,
 * and `ended`, when all of the answer was out, is as long after its last call.
 * A call that lasted longer than it is granted is cut, also one that was cancelled meanwhile or that
 * waited for a client who reads slowly; nobody is blamed for what was not seen: a call that was
 * cancelled sooner ends well just then, and one that never started ends well at once.
 * An answer that would not be out by hard is given up: is_late and REASON_LOCAL, since all of its
 * calls were in time. All other reasons are those of plan_next; REASON_FAILED and REASON_OVERLOAD
 * alone are no matter of time. */
void rehearse_again(struct rehearsal *rehearsal, const struct plan *observed, struct instant ended);
