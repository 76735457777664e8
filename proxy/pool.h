/* Blocks of memory of a few sizes, kept for use again: what the hot path has instead of malloc.
 * One per worker, not shared. All that grows with what peers send comes from here, and is counted:
 * what all workers hold together has a limit. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum pool_size { POOL_1K, POOL_4K, POOL_16K, POOL_SIZES };

struct pool_block; /* a free block; defined in pool.c */

/* So much may be held by anybody, whatever all others hold: who is under way can come to an end. */
enum { POOL_SHARE = 16384 };

/* What several pools have handed out together. Each tells of its own in steps of some 64 KiB, so
 * that workers do not slow each other down by counting. */
struct pool_total {
    atomic_size_t bytes;
    size_t max; /* with more than this nothing new is begun */
};

struct pool {
    struct pool_block *free[POOL_SIZES];
    size_t kept[POOL_SIZES];
    uint64_t mallocs;         /* how often the system was asked: still when warm */
    size_t used;              /* bytes handed out */
    size_t told;              /* of them, to total */
    struct pool_total *total; /* borrowed; NULL: there is no limit */
};

void pool_init(struct pool *pool);

/* What it hands out counts for total, which is borrowed. Before anything is taken. */
void pool_join(struct pool *pool, struct pool_total *total);

/* Everything must have been given back. */
void pool_finish(struct pool *pool);

/* Never NULL: without memory the program ends. Not cleared. */
void *pool_take(struct pool *pool, enum pool_size size);

/* Takes block, which came from pool_take with the same size. NULL is fine. */
void pool_give(struct pool *pool, enum pool_size size, void *block);

/* In bytes. */
size_t pool_bytes(enum pool_size size);

/* Memory of any size, which goes back to the system, and is counted like the blocks. */
void *pool_take_large(struct pool *pool, size_t bytes);
void pool_give_large(struct pool *pool, void *at, size_t bytes);

/* Do all pools together hold as much as they may? Then nothing new is to be begun. */
bool pool_is_spent(const struct pool *pool);

/* May somebody come to hold so many bytes? */
bool pool_allows(const struct pool *pool, size_t held);
