/* The client's body, read whole before the first call: so it is when several calls get it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "budget/checked.h"
#include "proxy/chain.h"

struct exchange;

enum { GATHER_MAX = 1 << 20 };

struct gathered {
    struct chain pieces; /* owned: while it comes */
    char *bytes;         /* then, in the exchange's arena; NULL: the body is not read whole */
    size_t count;
};

/* Must the body of this request be read whole? */
bool gather_is_needed(const struct exchange *exchange);

/* Asks the client for it. NULL; or, when it says that it is longer than GATHER_MAX, a sentence that
 * refuses it, and exchange->status is set. */
CHECKED const char *gather_begin(struct exchange *exchange);

/* A piece of it. The same: it may be too much of one body, or of all that the proxy holds. */
CHECKED const char *gather_take(struct exchange *exchange, const char *bytes, size_t count);

/* It is complete: exchange->gathered.bytes is there. */
void gather_end(struct exchange *exchange);

/* Gives back what has come of a body that is not complete. */
void gather_drop(struct exchange *exchange);
