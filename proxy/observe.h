/* Requests that are observed, not held to their budget: what would have become of them. */
#pragma once

#include <stdbool.h>

#include "budget/rehearsal.h"

struct exchange;

/* Is this one observed? By its route's share, and by its id: so it is treated alike by every proxy
 * on its way that has the same share. */
bool observe_chooses(const struct exchange *exchange);

/* What would have become of it, when it is over. */
void observe_judge(const struct exchange *exchange, struct instant now, struct rehearsal *verdict);

/* Counts that. */
void observe_count(const struct exchange *exchange, const struct rehearsal *verdict);

/* Would its budget have ended it? */
bool observe_would_time_out(const struct rehearsal *verdict);

/* "go_on", "time_out", or "break_off" if its answer had begun by then. */
const char *observe_word(const struct rehearsal *verdict);
