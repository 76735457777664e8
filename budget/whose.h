/* Whose limit it was that a request ran into: what an operator has to change, or to leave alone. The
 * reason says what the time went into; that may be the same for a call whose own budget is too small,
 * for a client that waits for too short a time, and for a proxy that was kept from running. */
#pragma once

#include <stdbool.h>

#include "budget/checked.h"
#include "budget/plan.h"

enum whose {
    WHOSE_NOBODY, /* it did not run out of time */
    WHOSE_CALL, /* the call's own: it was granted all of its `budget`, or another limit of it ended it */
    WHOSE_CLIENT,  /* the client's: the budget that it sent, or it was still sending */
    WHOSE_DEFAULT, /* the route's `default`, since the client sent none */
    WHOSE_MAX, /* the route's `max`: the client would have waited longer, or it was only observed */
    WHOSE_PROXY, /* the proxy's own: it found an answer far too late, which may have been in time */
    WHOSE_DRAIN, /* it was stopping */
};

/* Timers are a little late on any busy machine: what is less late is not the proxy's own. */
enum { WHOSE_LATE_MS = 20 };

/* How a request has ended that was answered 504, or whose answer was broken off. */
struct whose_end {
    enum reason reason; /* none, and no call: its client read too slowly */
    int call;           /* to blame; NO_CALL: none */
    bool has_asked;     /* the client sent a budget */
};

/* The calls of the plan have ended. */
CHECKED enum whose whose_limit(const struct plan *plan, const struct whose_end *end);

/* "call", "client", ...: one word, a token, for logs and metrics. */
const char *whose_name(enum whose whose);
