/* The reply that is not a problem: an upstream's response, or merged from several. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "budget/span.h"

struct exchange;

/* Begins the reply with the response of exchange->answer. Queued, not sent. */
void answer_relay(struct exchange *exchange, struct instant now);

/* Begins the reply that is merged from all calls. */
void answer_merge(struct exchange *exchange, struct instant now);

/* Did this call leave a gap: was it optional, and has no good answer? */
bool answer_is_gap(const struct exchange *exchange, size_t call);
