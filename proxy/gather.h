/* The client's body, read whole before the first call: so it is when several calls get it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "budget/checked.h"

struct exchange;

enum { GATHER_MAX = 1 << 20 };

#define GATHER_TOO_LARGE "the body is longer than 1 MiB, and several calls get it"

struct gathered {
    char *bytes; /* in the exchange's arena; NULL: the body is not read whole */
    size_t count;
    size_t room;
};

/* Must the body of this request be read whole? */
bool gather_is_needed(const struct exchange *exchange);

/* Asks the client for it. False: it says that it is longer than GATHER_MAX. */
CHECKED bool gather_begin(struct exchange *exchange);

/* A piece of it, which goes to exchange->gathered. False: it is longer than GATHER_MAX. */
CHECKED bool gather_take(struct exchange *exchange, const char *bytes, size_t count);
