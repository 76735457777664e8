/* Blocks of memory of a few sizes, kept for use again: what the hot path has instead of malloc.
 * One per worker, not shared. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum pool_size { POOL_1K, POOL_4K, POOL_16K, POOL_SIZES };

struct pool_block; /* a free block; defined in pool.c */

struct pool {
    struct pool_block *free[POOL_SIZES];
    size_t kept[POOL_SIZES];
    uint64_t mallocs; /* how often the system was asked: still when warm */
};

void pool_init(struct pool *pool);
void pool_finish(struct pool *pool);

/* Never NULL: without memory the program ends. Not cleared. */
void *pool_take(struct pool *pool, enum pool_size size);

/* Takes block, which came from pool_take with the same size. NULL is fine. */
void pool_give(struct pool *pool, enum pool_size size, void *block);

/* In bytes. */
size_t pool_bytes(enum pool_size size);
