#include "proxy/arena.h"

#include <assert.h>
#include <stdalign.h>
#include <stdio.h>

/* Most requests need one block. What is too big for a block of the pool is a block of its own. */
struct arena_block {
    alignas(max_align_t) struct arena_block *next;
    size_t large; /* its bytes; 0: it is a block of the pool */
};

enum { ALIGNMENT = alignof(max_align_t), PRINT_MAX = 4000 };

static const enum pool_size BLOCK_SIZE = POOL_4K;

void arena_init(struct arena *arena, struct pool *pool)
{
    *arena = (struct arena){.pool = pool};
}

void arena_finish(struct arena *arena)
{
    while (arena->blocks) {
        struct arena_block *block = arena->blocks;
        arena->blocks = block->next;
        if (block->large > 0)
            pool_give_large(arena->pool, block, block->large);
        else
            pool_give(arena->pool, BLOCK_SIZE, block);
    }
    arena->used = 0;
}

/* Put behind the newest block, so that the room that is left in that one is still used. */
static void *take_big(struct arena *arena, size_t bytes)
{
    struct arena_block *block = pool_take_large(arena->pool, sizeof(*block) + bytes);

    block->large = sizeof(*block) + bytes;
    if (arena->blocks) {
        block->next = arena->blocks->next;
        arena->blocks->next = block;
    } else {
        block->next = NULL;
        arena->blocks = block;
        arena->used = pool_bytes(BLOCK_SIZE);
    }
    return block + 1;
}

static void add_block(struct arena *arena)
{
    struct arena_block *block = pool_take(arena->pool, BLOCK_SIZE);

    block->next = arena->blocks;
    block->large = 0;
    arena->blocks = block;
    arena->used = sizeof(*block);
}

static size_t bytes_left(const struct arena *arena)
{
    return arena->blocks ? pool_bytes(BLOCK_SIZE) - arena->used : 0;
}

void *arena_take(struct arena *arena, size_t bytes)
{
    size_t rounded = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    char *taken;

    assert(rounded >= bytes);
    if (rounded > pool_bytes(BLOCK_SIZE) - sizeof(struct arena_block))
        return take_big(arena, rounded);
    if (!arena->blocks || rounded > bytes_left(arena))
        add_block(arena);
    taken = (char *)arena->blocks + arena->used;
    arena->used += rounded;
    return taken;
}

char *arena_copy(struct arena *arena, struct text text)
{
    char *copy = arena_take(arena, text.count + 1);

    if (text.count > 0)
        memcpy(copy, text.at, text.count);
    copy[text.count] = '\0';
    return copy;
}

struct text arena_print(struct arena *arena, const char *format, ...)
{
    char printed[PRINT_MAX + 1];
    va_list arguments;
    int length;
    size_t count;

    va_start(arguments, format);
    length = vsnprintf(printed, sizeof(printed), format, arguments);
    va_end(arguments);
    assert(length >= 0);
    count = length > PRINT_MAX ? PRINT_MAX : (size_t)length;
    return (struct text){.at = arena_copy(arena, (struct text){printed, count}), .count = count};
}
