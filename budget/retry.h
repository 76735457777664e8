/* When a call is tried again. All of it, attempts and waits, happens inside the call's grant. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "budget/allowance.h"
#include "budget/checked.h"
#include "budget/ledger.h"
#include "budget/retry_on.h"
#include "budget/span.h"

/* What the configuration says of one call. */
struct retry_policy {
    unsigned retries; /* at most so many, beside the first attempt and a hedge */
    struct retry_on on;
    struct span min;     /* with less than this, or with nothing, no attempt is started */
    struct span attempt; /* at most, for one attempt; SPAN_FOREVER: all that is left */
    struct span backoff; /* before the first retry at most this, doubled for each one after it */
};

/* One call, as far as trying again is concerned. Filled by its owner. */
struct retry {
    const struct retry_policy *policy; /* borrowed */
    struct allowance *allowance;       /* borrowed: of the upstream, for all its calls' retries */
    struct instant by;                 /* the end of the grant */
    bool safe;                         /* GET, HEAD, OPTIONS, PUT or DELETE */
    bool replayable;                   /* the body can be sent once more; true without one */
    unsigned retries;                  /* decided so far; starts as 0 */
};

/* How an attempt ended. */
struct attempt_result {
    enum call_outcome outcome;
    int status;              /* of an answer */
    struct span retry_after; /* from now, as the answer asks; nothing when it does not */
    bool ran_out;            /* the answer says that its sender ran out of time */
    bool told_all;           /* and it had been told all that was left of the grant */
};

enum retry_verdict {
    RETRY_AFTER,          /* another attempt, when delay has passed */
    RETRY_NO_CONDITION,   /* no failure, or none that retry-on names */
    RETRY_NO_RAN_OUT,     /* whoever was asked has used up all that there was */
    RETRY_NO_METHOD,      /* may do harm when done twice */
    RETRY_NO_BODY,        /* cannot be sent again */
    RETRY_NO_ATTEMPTS,    /* all were made */
    RETRY_NO_TIME,        /* the grant has no room for backoff and min */
    RETRY_NO_RETRY_AFTER, /* nor for the wait that the upstream asks for */
    RETRY_NO_ALLOWANCE,   /* too many calls to this upstream were tried again lately */
};

struct retry_decision {
    enum retry_verdict verdict;
    struct span delay; /* RETRY_AFTER: how long to wait from now; nothing otherwise */
};

/* Whether to try again after an attempt; any RETRY_NO_...: what there is is the call's end, and a
 * failing answer is used as it is. To be asked when no attempt of the call is under way any more,
 * and never after a byte of its answer has gone on to the client. random is uniform over all 64
 * bits. RETRY_AFTER has counted the retry and taken it out of the allowance. The wait is uniform
 * below the backoff ("full jitter"), or what the answer's Retry-After asks for if that is more. */
CHECKED struct retry_decision retry_decide(struct retry *retry, const struct attempt_result *result,
                                           uint64_t random, struct instant now);

/* "condition", "method", ...: one word, a token, for logs and metrics. */
const char *retry_verdict_name(enum retry_verdict verdict);

/* May an attempt be started now? To be asked once more when a wait is over, since timers are late. */
bool retry_attempt_fits(const struct retry *retry, struct instant now);

/* When an attempt that starts now is cut. Whoever is asked has been told all that is left
 * (attempt_result.told_all) when this is retry->by. */
struct instant retry_attempt_due(const struct retry *retry, struct instant now);
