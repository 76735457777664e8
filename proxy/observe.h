/* Requests that are observed, not held to their budget: what would have become of them. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "budget/plan.h"
#include "budget/span.h"

struct exchange;

enum would {
    WOULD_UNKNOWN, /* it was held to its budget, or refused for what it says */
    WOULD_GO_ON,
    WOULD_TIME_OUT,
    WOULD_BREAK_OFF, /* out of time when its answer had begun */
    WOULDS
};

/* What would have become of a request, had it been held to its budget. */
struct verdict {
    enum would would;
    enum reason reason; /* why it would have run out of time; REASON_NONE: it would not */
    int blamed;         /* the call to blame for that; NO_CALL: none */
    uint32_t cut;     /* calls that would have been cut: a bit for each, by its place in the plan */
    uint32_t skipped; /* for want of time: the same */
};

/* Is a call one of these? */
static inline bool verdict_has(uint32_t calls, size_t call)
{
    return calls >> call & 1;
}

/* Is this one observed? By its route's share, and by its id: so it is treated alike by every proxy
 * on its way that has the same share. */
bool observe_chooses(const struct exchange *exchange);

/* What would have become of it, when it is over. */
struct verdict observe_judge(const struct exchange *exchange, struct instant now);

/* Counts that. */
void observe_count(const struct exchange *exchange, const struct verdict *verdict);

/* Would its budget have ended it? */
bool observe_would_time_out(const struct verdict *verdict);

/* "go_on", "time_out", or "break_off"; "unknown" of what was not judged. */
const char *observe_word(enum would would);
