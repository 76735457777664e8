/* The memory of one request: taken piece by piece, given back at once. */
#pragma once

#include <stdarg.h>
#include <stddef.h>

#include "conf/text.h"
#include "proxy/pool.h"

struct arena_block; /* defined in arena.c */

struct arena {
    struct pool *pool;
    struct arena_block *blocks; /* owned; the newest first */
    size_t used;                /* of the newest */
};

void arena_init(struct arena *arena, struct pool *pool);
void arena_finish(struct arena *arena);

/* Never NULL; aligned for anything; not cleared. Good until arena_finish. */
void *arena_take(struct arena *arena, size_t bytes);

/* A terminated copy. */
char *arena_copy(struct arena *arena, struct text text);

/* Terminated; at most 4000 bytes long. */
struct text arena_print(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
