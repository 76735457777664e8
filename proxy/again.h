/* A call is tried again: asks budget/retry, and takes the call back to before its attempt. Part of
 * the call: nobody else uses it. */
#pragma once

#include <stdbool.h>

#include "budget/checked.h"
#include "budget/ledger.h"
#include "budget/span.h"

struct call;
struct lane;

/* The attempt in that lane, the only one under way, has ended so, or its answer has begun. True:
 * there will be another, and the call pauses until then, without a place: others may use it. */
CHECKED bool again_tries(struct lane *lane, enum call_outcome outcome, struct instant now);

/* The pause is over: is there still time for the attempt? */
CHECKED bool again_fits(const struct call *call, struct instant now);

/* There is none: the call ends as its last attempt did. */
void again_give_up(struct call *call, struct instant now);

/* Can the body be sent once more, as far as it has come? */
bool again_has_body(const struct call *call);
