/* All that `hourglass explain` says of a request, found out once, for those who print it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "budget/rehearsal.h"
#include "conf/conf.h"
#include "proxy/explain.h"

/* How the calls before one have gone. A stand-in's call has failed at once, or when it was cut. */
enum use {
    USE_NONE, /* were over at once */
    USE_ALL,  /* took all that they may */
    USES,
};

enum grant_kind {
    GRANT_UNREACHED, /* it never comes to this call */
    GRANT_SKIPPED,   /* there is too little time for it */
    GRANT_GIVEN,
};

/* Retries one after the other, each after the longest wait that its backoff allows. */
struct explained_retries {
    unsigned fit;
    enum retry_verdict end; /* why there is not one more */
};

struct explained_grant {
    enum grant_kind kind; /* the rest counts only when it is given */
    struct instant starts;
    struct span granted;
    struct instant cut; /* at the latest: the grant's end, or before it the end of the attempts */
    struct span told;   /* what an upstream is told is left, when the first attempt starts */
    struct explained_retries at_once; /* each attempt fails at once, with what retry-on names */
    struct explained_retries at_cut;  /* each attempt runs into `attempt`, or the grant's end */
    struct instant hedge;             /* that fires then; INSTANT_NEVER: none that is fixed */
};

struct explained_call {
    const struct conf_call *conf;
    const struct call_policy *policy;
    const struct conf_upstream *upstream;
    struct retry_policy retry; /* as it holds for the request */
    size_t step;         /* counted from 0; of a stand-in: that of the call it stands in for */
    const char *failing; /* of a stand-in: the call it stands in for; NULL: none */
    struct explained_grant grants[USES];
};

/* How the proxy answers what goes to no route. */
struct explained_refusal {
    int status;        /* 0: it is not refused */
    const char *why;   /* a sentence */
    const char *allow; /* with 405: which methods are allowed; may be empty */
};

struct explanation {
    const struct explain_question *question; /* borrowed */
    const struct conf *conf;                 /* borrowed */
    bool is_observed;
    struct explained_refusal refusal; /* with one, all below is empty */
    const struct conf_route *route;
    struct explained_call calls[PLAN_CALLS_MAX]; /* each followed by those that stand in for it */
    size_t calls_count;
    /* The most that each call of the policy takes, whatever it is granted, unless it waits for a
     * connection or as Retry-After asks. */
    struct span most[PLAN_CALLS_MAX];
    struct rehearsal rehearsals[USES];
    struct instant last_cut; /* of a call without which there is no answer; 0 when none is made */
    struct instant last_504; /* for such a call, or for a merge that takes too long */
};

/* Of a request that is held to its budget. */
void explanation_make(struct explanation *explanation, const struct conf *conf,
                      const struct explain_question *question);

/* Of the same request, when it is not refused, if it is only observed. */
void explanation_observe(struct explanation *observed, const struct explanation *enforced);

/* Its times are the same whatever the calls use. */
static inline const struct plan *explanation_plan(const struct explanation *explanation)
{
    return &explanation->rehearsals[USE_ALL].plan;
}

/* "price", "price?" of an optional call, "else price" of one that stands in. */
enum { LABEL_TEXT = 80 };
void explanation_label(const struct explained_call *call, char text[static LABEL_TEXT]);

/* The steps from left to right, calls side by side one under the other. */
void explanation_draw(const struct explanation *explanation, FILE *out);
