/* The reply that is a problem of our own: problem+json (RFC 9457) and Proxy-Status (RFC 9209). */
#pragma once

#include "budget/span.h"

struct exchange;

/* The status, and what the request ends as, of one that ends with exchange->reason and blamed. */
void problem_choose(struct exchange *exchange);

/* Queues a whole reply for exchange->status, reason and blamed. allow: for 405, else NULL. detail:
 * a sentence, or NULL: as the reason says. A client that is not trusted learns nothing of calls. */
void problem_reply(struct exchange *exchange, const char *allow, const char *detail,
                   struct instant now);
