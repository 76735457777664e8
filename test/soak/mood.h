/* What the upstream of the soak makes of a request: the request names it, as "do=NAME". */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "test/soak/script.h"

struct mood {
    const char *name;
    const char *answer; /* a phrase */
    enum script_end end;
    bool is_early;  /* answers as soon as it has the head of the request */
    size_t piece;   /* so many bytes at a time, 2 ms apart; 0: as they go */
    bool is_honest; /* a request that is so answered should succeed, if there is time */
};

extern const struct mood moods[];
extern const size_t moods_count;

/* NULL: there is none of that name. */
const struct mood *mood_find(const char *name);
