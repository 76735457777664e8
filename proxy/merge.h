/* The reply that is merged from several calls: a JSON object with one member for each, named as the
 * call. A gap is null, or the call's fallback, and is listed in the member _partial. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "budget/span.h"

struct chain;
struct exchange;

/* Bytes of the whole object. */
int64_t merge_length(const struct exchange *exchange);

/* Appends the next piece of the object, about as much as one call has brought. False: that was the
 * last. exchange->merged counts the pieces. */
bool merge_next(struct exchange *exchange, struct chain *to);
