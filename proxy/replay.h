/* A copy of a request's body as it goes up, so that it can be sent once more. Bounded: what is
 * longer cannot. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "proxy/chain.h"

enum { REPLAY_MAX = 65536 };

struct replay {
    struct chain copy; /* owned */
    bool is_kept;      /* somebody may want it */
    bool is_too_long;
};

void replay_init(struct replay *replay, bool is_kept);
void replay_finish(struct replay *replay, struct pool *pool);

/* These bytes have come, behind those before. */
void replay_note(struct replay *replay, struct pool *pool, const char *bytes, size_t count);

/* Can all that has come be sent again? */
bool replay_is_possible(const struct replay *replay);

/* Appends all that has come to `to`; the copy stays. */
void replay_copy(const struct replay *replay, struct pool *pool, struct chain *to);
