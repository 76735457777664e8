/* A hedge: a second attempt that races the first when that is slow. The first good answer wins. It
 * is an attempt of the same call, inside the same grant. */
#pragma once

#include <stdbool.h>

#include "budget/allowance.h"
#include "budget/checked.h"
#include "budget/lately.h"
#include "budget/retry.h"
#include "budget/span.h"

enum hedge_kind {
    HEDGE_OFF,
    HEDGE_FIXED,  /* 50ms */
    HEDGE_LATELY, /* p95: what the upstream has lately taken */
};

/* What the configuration says of one call. */
struct hedge_policy {
    enum hedge_kind kind;
    struct span delay; /* HEDGE_FIXED */
    unsigned percent;  /* HEDGE_LATELY: 1 to 100 */
};

/* The hedge of one call: one in all, however often the call is tried. Filled by its owner. */
struct hedge {
    const struct hedge_policy *policy; /* borrowed */
    const struct lately *lately;       /* borrowed: of the upstream; HEDGE_LATELY only */
    struct allowance *allowance;       /* borrowed: of the upstream, for all its calls' hedges */
    bool begun;                        /* starts as false */
};

/* When to race an attempt of this call that started then, if it still runs and no byte of its
 * answer has gone on to the client. INSTANT_NEVER: not at all, since it is off, was already begun,
 * the method may do harm when done twice (`unsafe` in retry-on does not change that), the body
 * cannot be sent again, too little is known of the upstream, or less than min would be left. */
struct instant hedge_due(const struct hedge *hedge, const struct retry *call,
                         struct instant started);

/* Begins the hedge now, when it is due. True: start the attempt; it is taken out of the allowance.
 * False: do not; the allowance is empty, or it has become too late. What is under way goes on in
 * any case, and is cut only when it is due itself. */
CHECKED bool hedge_begin(struct hedge *hedge, const struct retry *call, struct instant now);
