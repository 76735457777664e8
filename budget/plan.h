/* The plan: who may spend how much of a request's time, and when to give up. It decides and never
 * does: no clock, no memory, no socket. The budget is spent step by step; what a call
 * leaves over stays for those after it; later minima and the proxy's own reserve are kept back. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "budget/checked.h"
#include "budget/ledger.h"
#include "budget/span.h"

enum { PLAN_CALLS_MAX = 32 };   /* calls of one route */
enum { SHARE_WHOLE = 1000000 }; /* shares are in millionths */

/* A time as the configuration says it. */
enum amount_kind {
    AMOUNT_FIXED, /* 300ms */
    AMOUNT_SHARE, /* 25% of the whole budget */
    AMOUNT_REST,  /* rest, of a call: all that is not kept back */
    AMOUNT_AUTO,  /* auto, of reply: max(1 ms, min(2 %, 20 ms)) */
};

struct amount {
    enum amount_kind kind;
    struct span fixed; /* AMOUNT_FIXED */
    int32_t share;     /* AMOUNT_SHARE, in millionths */
};

/* What it comes to under a whole budget; forever for the rest. */
struct span amount_span(struct amount amount, struct span whole);

struct call_policy {
    struct amount budget; /* fixed, share or rest */
    struct span min;      /* with less than this, or with nothing, it is not started */
    bool optional;
    size_t fallback; /* index of the call that stands in when this one fails; 0: none */
};

/* Calls that run side by side: calls[first] to calls[first + count - 1]. */
struct step_policy {
    size_t first;
    size_t count;
};

/* What the configuration says of one route. Filled by conf/, borrowed by every plan. */
struct policy {
    struct span default_budget;
    struct span max;
    struct amount local;             /* fixed or share */
    struct amount reply;             /* fixed, share or auto */
    bool proportional;               /* scale = proportional */
    const struct call_policy *calls; /* in the order of the steps, then those that stand in */
    size_t calls_count;
    const struct step_policy *steps;
    size_t steps_count;
};

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
};

const char *reason_name(enum reason reason);

enum decision_kind {
    DECIDE_WAIT,    /* calls of the present step are still under way */
    DECIDE_CALL,    /* start the calls of the step that are CALL_RUNNING in the ledger */
    DECIDE_ANSWER,  /* all steps are over: answer */
    DECIDE_GIVE_UP, /* answer with an error: reason, and the call to blame if there is one */
};

enum { NO_CALL = -1 };

struct decision {
    enum decision_kind kind;
    struct step_policy step; /* DECIDE_CALL */
    enum reason reason;      /* DECIDE_GIVE_UP */
    int call;                /* DECIDE_GIVE_UP: whose fault; NO_CALL when nobody's */
};

/* One request's plan. Plain data: look, do not write. */
struct plan {
    const struct policy *policy;
    struct ledger_entry *ledger; /* borrowed: policy->calls_count entries */
    struct span budget;          /* the whole of it */
    struct span local;           /* kept back for the proxy's own work */
    struct span reply;           /* kept back so that an answer arrives in time */
    struct instant started;      /* first byte of the request */
    struct instant calls_by;     /* calls must be over: hard - max(local, reply) */
    struct instant reply_by;     /* an answer must be on its way: hard - reply */
    struct instant hard;         /* started + budget */
    size_t steps_begun;
};

/* Opens a plan. asked is NULL when the client named no budget. ledger must hold
 * policy->calls_count entries and live as long as the plan; it is cleared here. */
void plan_open(struct plan *plan, const struct policy *policy, struct ledger_entry *ledger,
               const struct span *asked, struct instant started);

/* What to do now. To be asked at the start, and again whenever a call has ended in the ledger.
 * DECIDE_CALL has granted and started its calls in the ledger, or skipped them. */
CHECKED struct decision plan_next(struct plan *plan, struct instant now);

/* When the next decision is due if nothing happens before: the end of the earliest grant under
 * way, or reply_by when no call is. */
struct instant plan_alarm(const struct plan *plan);

/* Until when a call that was granted its time may still be started: while its min is left. */
struct instant plan_start_by(const struct plan *plan, size_t call);

/* How long the proxy itself has worked on the request: all the time in which no call ran. */
struct span plan_local_used(const struct plan *plan, struct instant now);

/* When an answer that the client does not read is broken off: at hard; an error of the proxy's own
 * is given a moment more, since it may be that hard has passed. */
struct instant plan_cut_at(const struct plan *plan, bool is_error, struct instant now);

/* Why a request ends when a call that it requires has ended so. */
enum reason plan_reason(enum call_outcome outcome);
