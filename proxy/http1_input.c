#include "proxy/http1_input.h"

#include <assert.h>

/* With less room than this behind a head, what follows it gets a block of its own. */
enum { ROOM_MIN = 4096 };

/* What is read into has at least so many bytes. */
static const enum pool_size READ_SIZE = POOL_16K;

static struct http1_block block_take(struct pool *pool, size_t bytes)
{
    for (enum pool_size size = POOL_1K; size < POOL_SIZES; size++) {
        if (bytes <= pool_bytes(size))
            return (struct http1_block){pool_take(pool, size), pool_bytes(size)};
    }
    return (struct http1_block){pool_take_large(pool, bytes), bytes};
}

static struct http1_block block_take_to_read(struct pool *pool, size_t bytes)
{
    return block_take(pool, bytes > pool_bytes(READ_SIZE) ? bytes : pool_bytes(READ_SIZE));
}

static void block_give(struct http1_block *block, struct pool *pool)
{
    enum pool_size size = POOL_1K;

    while (size < POOL_SIZES && block->capacity > pool_bytes(size))
        size++;
    if (size < POOL_SIZES)
        pool_give(pool, size, block->bytes);
    else
        pool_give_large(pool, block->bytes, block->capacity);
    *block = (struct http1_block){.bytes = NULL};
}

void http1_input_finish(struct http1_input *input, struct pool *pool)
{
    block_give(&input->block, pool);
    block_give(&input->head, pool);
    *input = (struct http1_input){.floor = 0};
}

/* Moves what is there down to the floor. */
static void compact(struct http1_input *input)
{
    size_t gone = input->begin - input->floor;

    if (gone == 0)
        return;
    memmove(input->block.bytes + input->floor, input->block.bytes + input->begin,
            input->end - input->begin);
    input->begin -= gone;
    input->end -= gone;
    input->last = input->last > gone + input->floor ? input->last - gone : input->floor;
}

enum transport_result http1_input_read(struct http1_input *input, struct pool *pool,
                                       struct transport *transport, struct instant now)
{
    enum transport_result result;
    size_t count;

    if (!input->block.bytes)
        input->block = block_take_to_read(pool, 0);
    if (input->begin == input->end || input->end == input->block.capacity)
        compact(input);
    if (input->end == input->block.capacity)
        return TRANSPORT_AGAIN;
    result = transport_read(transport, input->block.bytes + input->end,
                            input->block.capacity - input->end, &count);
    if (result != TRANSPORT_OK)
        return result;
    input->first_read = input->begin == input->end ? now : input->first_read;
    input->last = input->end;
    input->last_read = now;
    input->end += count;
    return TRANSPORT_OK;
}

bool http1_input_has_room(const struct http1_input *input)
{
    return !input->block.bytes || input->end < input->block.capacity || input->begin > input->floor;
}

struct text http1_input_text(const struct http1_input *input)
{
    if (input->begin == input->end)
        return TEXT_NONE;
    return (struct text){
        .at = input->block.bytes + input->begin,
        .count = input->end - input->begin,
    };
}

void http1_input_use(struct http1_input *input, size_t count)
{
    assert(count <= input->end - input->begin);
    input->begin += count;
}

void http1_input_grow(struct http1_input *input, struct pool *pool, size_t bytes)
{
    struct http1_block old = input->block;

    assert(input->floor == 0);
    compact(input);
    if (input->end < old.capacity || bytes <= old.capacity)
        return;
    input->block = block_take_to_read(pool, bytes);
    memcpy(input->block.bytes, old.bytes, input->end);
    block_give(&old, pool);
}

struct instant http1_input_started(const struct http1_input *input)
{
    return input->begin >= input->last ? input->last_read : input->first_read;
}

/* What follows the head gets another block. */
static void leave_block(struct http1_input *input, struct pool *pool)
{
    struct text rest = http1_input_text(input);

    input->head = input->block;
    input->block = block_take_to_read(pool, rest.count);
    if (rest.count > 0)
        memcpy(input->block.bytes, rest.at, rest.count);
    input->last = input->last > input->begin ? input->last - input->begin : 0;
    input->floor = 0;
    input->begin = 0;
    input->end = rest.count;
}

/* The head gets another block. */
static struct text move_out(struct http1_input *input, struct pool *pool, struct text head)
{
    struct http1_block block = block_take(pool, head.count);

    memcpy(block.bytes, head.at, head.count);
    http1_input_finish(input, pool);
    input->head = block;
    return (struct text){.at = block.bytes, .count = head.count};
}

struct text http1_input_keep_head(struct http1_input *input, struct pool *pool, size_t count)
{
    struct text head = {.at = http1_input_text(input).at, .count = count};

    http1_input_use(input, count);
    if (input->begin == input->end && count <= pool_bytes(POOL_4K))
        return move_out(input, pool, head);
    input->floor = input->begin;
    if (input->block.capacity - input->floor < ROOM_MIN)
        leave_block(input, pool);
    return head;
}

void http1_input_drop_head(struct http1_input *input, struct pool *pool)
{
    block_give(&input->head, pool);
    input->floor = 0;
    if (input->begin == input->end)
        http1_input_finish(input, pool);
}
