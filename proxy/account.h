/* The ledger of a request as text: for the client's tools, and for the log. */
#pragma once

#include "budget/span.h"
#include "conf/text.h"
#include "proxy/writer.h"

struct exchange;
struct peer;

/* "budget;dur=1200, stock;dur=300.0;desc=\"timeout\", local;dur=0.1" (Server-Timing), in the
 * exchange's arena. */
struct text account_timing(struct exchange *exchange, struct instant now);

/* Logs what was no valid request, and so has no exchange: on_refused of struct service, with a
 * struct worker as its service_arg. */
void account_on_refused(void *service_arg, const struct peer *peer, int status, const char *why);

/* Counts and logs a request that is over. */
void account_close(const struct exchange *exchange, struct instant now);
