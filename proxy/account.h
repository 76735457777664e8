/* The account of a request: what its client is told of how its budget was spent, and what is counted
 * and logged when it is over. */
#pragma once

#include <stdbool.h>

#include "budget/span.h"
#include "conf/conf.h"
#include "conf/text.h"

struct exchange;
struct peer;

/* May its client be told so much? Only if it is trusted, and its route exposes it. */
bool account_exposes(const struct exchange *exchange, enum expose what);

/* "budget;dur=1200, stock;dur=300.0;desc=\"timeout\", local;dur=0.1" (Server-Timing), in the
 * exchange's arena. Of calls, those that have begun or were skipped; desc: how one has ended that
 * is not ok. Names of calls are tokens, durations are in ms. */
struct text account_timing(struct exchange *exchange, struct instant now);

/* Logs what was no valid request, and so has no exchange: on_refused of struct service, with a
 * struct worker as its service_arg. */
void account_on_refused(void *service_arg, const struct peer *peer, int status, const char *why);

/* Counts, keeps and logs a request that is over. */
void account_close(const struct exchange *exchange, struct instant now);
