/* The requests of the soak: well-formed ones of all kinds, for all routes and moods of the upstream,
 * and malformed ones. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "test/soak/script.h"
#include "test/support/dice.h"

struct ask {
    uint32_t token;
    const char *route; /* for problems: which, and what its upstream does; or the malformed text */
    const char *mood;
    bool is_head;     /* its answer has no body */
    bool is_bad;      /* malformed: the answer is of the 4xx or 5xx, whoever gives it */
    bool may_succeed; /* is_bad, but only behind its head: it may have been answered before */
    bool must_succeed;
    int budget_ms; /* when the client's own timer fires */
};

/* Each adds a request to script. */
struct ask ask_any(struct script *script, struct dice *dice, uint32_t token);
struct ask ask_malformed(struct script *script, struct dice *dice, uint32_t token);

/* One that has to succeed when nothing else is going on, on the n-th route. */
struct ask ask_easy(struct script *script, unsigned n, uint32_t token);
