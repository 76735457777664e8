#include "proxy/pool.h"

#include <assert.h>
#include <stdlib.h>

#include "proxy/memory.h"

/* Under the address sanitizer a free block is poisoned, so that a use after pool_give is found as
 * one after free() would be. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define POOL_POISONS
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(POOL_POISONS)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(address, size) ((void)(address), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(address, size) ((void)(address), (void)(size))
#endif

struct pool_block {
    struct pool_block *next;
};

/* Beyond this a free block of a size goes back to the system, so that one busy minute does not
 * set what the process holds for ever after. */
#define KEPT_BYTES_MAX ((size_t)8 << 20)

enum { TELL_BYTES = 65536 };

static const size_t BYTES[POOL_SIZES] = {
    [POOL_1K] = 1024,
    [POOL_4K] = 4096,
    [POOL_16K] = 16384,
};

void pool_init(struct pool *pool)
{
    *pool = (struct pool){.mallocs = 0};
}

void pool_join(struct pool *pool, struct pool_total *total)
{
    assert(pool->used == 0);
    pool->total = total;
}

/* ---- what is handed out ----------------------------------------------------------------------- */

static void tell(struct pool *pool)
{
    if (pool->total)
        atomic_fetch_add_explicit(&pool->total->bytes, pool->used - pool->told,
                                  memory_order_relaxed);
    pool->told = pool->used;
}

static inline void count_taken(struct pool *pool, size_t bytes)
{
    pool->used += bytes;
    if (pool->used >= pool->told + TELL_BYTES)
        tell(pool);
}

static inline void count_given(struct pool *pool, size_t bytes)
{
    assert(pool->used >= bytes);
    pool->used -= bytes;
    if (pool->used + TELL_BYTES <= pool->told)
        tell(pool);
}

bool pool_is_spent(const struct pool *pool)
{
    return pool->total &&
           atomic_load_explicit(&pool->total->bytes, memory_order_relaxed) >= pool->total->max;
}

bool pool_allows(const struct pool *pool, size_t held)
{
    return held <= POOL_SHARE || !pool_is_spent(pool);
}

/* ---- blocks ----------------------------------------------------------------------------------- */

void pool_finish(struct pool *pool)
{
    assert(pool->used == 0);
    tell(pool);
    for (int size = 0; size < POOL_SIZES; size++) {
        while (pool->free[size]) {
            struct pool_block *block = pool->free[size];
            ASAN_UNPOISON_MEMORY_REGION(block, BYTES[size]);
            pool->free[size] = block->next;
            free(block);
        }
        pool->kept[size] = 0;
    }
}

static void *take_new(struct pool *pool, enum pool_size size)
{
    void *block = memory_take(BYTES[size]);

    pool->mallocs++;
    return block;
}

void *pool_take(struct pool *pool, enum pool_size size)
{
    struct pool_block *block = pool->free[size];

    count_taken(pool, BYTES[size]);
    if (!block)
        return take_new(pool, size);
    ASAN_UNPOISON_MEMORY_REGION(block, BYTES[size]);
    pool->free[size] = block->next;
    pool->kept[size]--;
    return block;
}

void pool_give(struct pool *pool, enum pool_size size, void *block)
{
    struct pool_block *free_block = block;

    if (!block)
        return;
    assert(size < POOL_SIZES);
    count_given(pool, BYTES[size]);
    if ((pool->kept[size] + 1) * BYTES[size] > KEPT_BYTES_MAX) {
        free(block);
        return;
    }
    free_block->next = pool->free[size];
    pool->free[size] = free_block;
    pool->kept[size]++;
    ASAN_POISON_MEMORY_REGION(block, BYTES[size]);
}

size_t pool_bytes(enum pool_size size)
{
    return BYTES[size];
}

void *pool_take_large(struct pool *pool, size_t bytes)
{
    count_taken(pool, bytes);
    return memory_take(bytes);
}

void pool_give_large(struct pool *pool, void *at, size_t bytes)
{
    count_given(pool, bytes);
    free(at);
}
