/* The plan: who may spend how much of a request's time, and when to give up. It decides and never
 * does: no clock, no memory, no socket. The budget is spent step by step; what a call
 * leaves over stays for those after it; later minima and the proxy's own reserve are kept back.
 * When a call of the step under way fails, another may stand in for it, in the time that is left to
 * the step. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "budget/checked.h"
#include "budget/ledger.h"
#include "budget/policy.h"
#include "budget/span.h"

/* Why a request ended without an answer. */
enum reason {
    REASON_NONE,
    REASON_ARRIVAL,    /* had expired when it came */
    REASON_INFEASIBLE, /* cannot hold the minima */
    REASON_CALL,       /* a call took all of its grant */
    REASON_QUEUE,      /* no connection came free in time */
    REASON_LOCAL,      /* the proxy's own work took too long */
    REASON_UPLOAD,     /* the client was still sending */
    REASON_DRAIN,      /* the proxy is stopping */
    REASON_FAILED,     /* not time: a required call failed */
    REASON_OVERLOAD,   /* not time: there is more to do than can be done */
};

const char *reason_name(enum reason reason);

enum decision_kind {
    DECIDE_WAIT,    /* calls of the present step are still under way */
    DECIDE_CALL,    /* start those of these calls that are CALL_RUNNING in the ledger */
    DECIDE_ANSWER,  /* all steps are over: answer */
    DECIDE_GIVE_UP, /* answer with an error: reason, and the call to blame if there is one */
};

enum { NO_CALL = -1 };

struct decision {
    enum decision_kind kind;
    struct step_policy step; /* DECIDE_CALL: a step, or one call that stands in for another */
    enum reason reason;      /* DECIDE_GIVE_UP */
    int call; /* DECIDE_GIVE_UP: whose fault, of a chain the last that ran; NO_CALL: nobody's */
};

/* One request's plan. Plain data: look, do not write. */
struct plan {
    const struct policy *policy;
    struct ledger_entry *ledger; /* borrowed: policy->calls_count entries */
    struct span asked;           /* what the client asked for, at most max; or the default */
    struct span budget;          /* the whole that is spent: asked, or max when observed */
    struct span local;           /* kept back for the proxy's own work */
    struct span reply;           /* kept back so that an answer arrives in time */
    struct instant started;      /* first byte of the request */
    struct instant calls_by;     /* calls must be over: hard - max(local, reply) */
    struct instant reply_by;     /* an answer must be on its way: hard - reply */
    struct instant hard;         /* started + budget */
    struct instant step_by;      /* optional calls of the step under way must be over */
    size_t steps_begun;
    bool is_observed;
};

/* Opens a plan. asked is NULL when the client named no budget. ledger must hold
 * policy->calls_count entries and live as long as the plan; it is cleared here. */
void plan_open(struct plan *plan, const struct policy *policy, struct ledger_entry *ledger,
               const struct span *asked, struct instant started);

/* Right after plan_open: nothing is cut before max, not even what had expired when it came. Calls
 * are granted all that there is (minima are still kept for later ones), and no more than reply is
 * kept back, which then is `local` too. The limits of single attempts are not the plan's: whoever
 * makes the attempts of an observed call does not cut them at retry_policy.attempt either. What
 * would have become of the request: rehearse_again. */
void plan_observe(struct plan *plan);

/* What to do now. To be asked at the start, whenever a call has ended in the ledger, and once more
 * after each DECIDE_CALL, since more may have to be started. DECIDE_CALL has granted and started
 * its calls in the ledger, or skipped them. */
CHECKED struct decision plan_next(struct plan *plan, struct instant now);

/* The call that counts for this one of a step: itself, or of those that stand in for it, one after
 * another, the last that was started. That is the one that is CALL_OK, if one is. */
size_t plan_stand_in(const struct plan *plan, size_t call);

/* Would a call be started to stand in for this one, of the step under way, if it failed now, or has
 * failed just now? */
bool plan_can_fall_back(const struct plan *plan, size_t call, struct instant now);

/* What a budget must hold for the request to be begun: what is kept back, and all minima. */
struct span plan_least(const struct plan *plan);

/* Until when it makes sense to wait for the client's body before the first step begins: later, what
 * the calls need at the least would not be left. It may lie before `started`; then plan_next knows
 * why. */
struct instant plan_body_by(const struct plan *plan);

/* When the next decision is due if nothing happens before: the end of the earliest grant under
 * way, or reply_by when no call is. */
struct instant plan_alarm(const struct plan *plan);

/* Until when a call that was granted its time may still be started: while its min is left. */
struct instant plan_start_by(const struct plan *plan, size_t call);

/* May an answer be put off a little, to be sent together with others? It has to be on its way by
 * reply_by: not where less is left until then than its way to the client may take. */
bool plan_may_put_off(const struct plan *plan, struct instant now);

/* How long the proxy itself has worked on the request: all the time in which no call ran. */
struct span plan_local_used(const struct plan *plan, struct instant now);

/* When an answer that the client does not read is broken off: at hard; an error of the proxy's own
 * is given a moment more, since it may be that hard has passed. */
struct instant plan_cut_at(const struct plan *plan, bool is_error, struct instant now);

/* Why a request ends when a call that it requires has ended so. */
enum reason plan_reason(enum call_outcome outcome);
