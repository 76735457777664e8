/* What the client is answered: an upstream's response, or a problem of our own. Both only begin or
 * queue; whoever asks flushes. */
#pragma once

#include "budget/span.h"
#include "conf/text.h"

struct call;
struct exchange;

/* The head of the reply from the response of exchange->answer. */
void answer_relay(struct exchange *exchange, struct instant now);

/* A whole reply for exchange->status, reason and blamed: problem+json (RFC 9457) and Proxy-Status
 * (RFC 9209). allow: for 405, else NULL. detail: NULL: as the reason says. */
void answer_problem(struct exchange *exchange, const char *allow, const char *detail,
                    struct instant now);
