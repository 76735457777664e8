/* A plan run in the mind: what becomes of a request whose calls take so long and end so. */
#pragma once

#include <stdbool.h>

#include "budget/plan.h"

/* How a call goes, if it is started. */
struct rehearsed_call {
    bool takes_all;         /* all of its grant, whatever that is, and ends well just then */
    struct span takes;      /* else so long: more than its grant, and it is cut */
    enum call_outcome ends; /* how, when it is not cut */
};

struct rehearsal {
    struct ledger_entry ledger[PLAN_CALLS_MAX];
    struct plan plan;
    struct decision end; /* DECIDE_ANSWER or DECIDE_GIVE_UP */
    struct instant over; /* when that was decided; the request began at 0 */
};

/* Runs a request that names the budget `asked` (NULL: none). calls: one for each of the policy's. */
void rehearse(struct rehearsal *rehearsal, const struct policy *policy, const struct span *asked,
              const struct rehearsed_call *calls);
