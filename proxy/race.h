/* A hedge: a second attempt that races a slow first one. The first good answer wins, the other is
 * cancelled. Asks budget/hedge. Part of the call: nobody else uses it. */
#pragma once

#include <stdbool.h>

#include "budget/checked.h"
#include "budget/ledger.h"
#include "budget/span.h"

struct call;
struct lane;

/* The call is about to start. */
void race_prepare(struct call *call);

/* The first attempt has started: sets when a second one would. */
void race_arm(struct call *call);

/* That moment has come. Starts the second attempt, if it may still be, and there is a place free:
 * a hedge waits for none. */
void race_begin(struct call *call, struct instant now);

/* The attempt in that lane has ended so, or its answer has begun. True: it was not good, and the
 * other one is still under way: it is dropped, and the call waits for the other. */
CHECKED bool race_goes_on(struct lane *lane, enum call_outcome outcome, struct instant now);

/* Its response is the one that counts: the other attempt, if there is one, is cancelled. */
void race_win(struct lane *lane, struct instant now);
