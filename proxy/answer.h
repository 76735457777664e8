/* The reply that is an upstream's response. */
#pragma once

#include "budget/span.h"

struct exchange;

/* Begins the reply with the response of exchange->answer. Queued, not sent. */
void answer_relay(struct exchange *exchange, struct instant now);
