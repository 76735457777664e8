/* After which failures a call is tried again: what `retry-on` says. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "budget/checked.h"
#include "budget/ledger.h"

struct retry_on {
    bool connect;         /* no connection, or one that broke */
    bool timeout;         /* the attempt's time ran out */
    bool unsafe;          /* methods that may do harm when done twice are tried again too */
    uint64_t statuses[2]; /* bit n: 500 + n; bit 100: 429 */
};

/* What holds when retry-on is left out: connect, timeout, 502, 503, 504. */
struct retry_on retry_on_default(void);

/* Adds a word of retry-on: "connect", "timeout", "unsafe", "429", or "500" to "599"; *on starts as
 * all zeros. False, and nothing is changed: no such word. */
CHECKED bool retry_on_add(struct retry_on *on, const char *word);

/* Is this end of an attempt among them? status counts when the outcome is an answer, CALL_OK or
 * CALL_STATUS. What would reach the client as a 502, a broken or invalid answer, is one; and to run
 * out of time on the way to a connection is either, connect or timeout. */
bool retry_on_covers(const struct retry_on *on, enum call_outcome outcome, int status);
