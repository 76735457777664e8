#include "proxy/chain.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

/* The bytes of a segment are bytes[begin..end). In front of them there is room for the line that
 * begins a chunk ("3fe0\r\n" is the longest), behind them for the line end that closes it. */
struct segment {
    struct segment *next;
    enum pool_size size;
    uint32_t begin;
    uint32_t end;
    char bytes[];
};

enum { ROOM_FRONT = 8, ROOM_BEHIND = 2, ROOM_WORTH_IT = 512 };

static size_t capacity(enum pool_size size)
{
    return pool_bytes(size) - sizeof(struct segment);
}

size_t chain_segment_bytes(void)
{
    return capacity(POOL_16K) - ROOM_FRONT - ROOM_BEHIND;
}

static size_t room_left(const struct segment *segment)
{
    size_t end = capacity(segment->size) - ROOM_BEHIND;

    return segment->end < end ? end - segment->end : 0;
}

static struct segment *add_segment(struct chain *chain, struct pool *pool, enum pool_size size)
{
    struct segment *segment = pool_take(pool, size);

    segment->next = NULL;
    segment->size = size;
    segment->begin = ROOM_FRONT;
    segment->end = ROOM_FRONT;
    if (chain->last)
        chain->last->next = segment;
    else
        chain->first = segment;
    chain->last = segment;
    return segment;
}

/* A long chain gets big segments, however small the pieces that it grows by. */
static enum pool_size size_for(const struct chain *chain, size_t count)
{
    size_t small = capacity(POOL_4K) - ROOM_FRONT - ROOM_BEHIND;

    return count <= small && chain->count <= small ? POOL_4K : POOL_16K;
}

void chain_append(struct chain *chain, struct pool *pool, const char *bytes, size_t count)
{
    while (count > 0) {
        struct segment *segment = chain->last;
        size_t step;

        if (!segment || room_left(segment) == 0)
            segment = add_segment(chain, pool, size_for(chain, count));
        step = room_left(segment) < count ? room_left(segment) : count;
        memcpy(segment->bytes + segment->end, bytes, step);
        segment->end += (uint32_t)step;
        chain->count += step;
        bytes += step;
        count -= step;
    }
}

static void drop_first(struct chain *chain, struct pool *pool)
{
    struct segment *segment = chain->first;

    chain->first = segment->next;
    if (!chain->first)
        chain->last = NULL;
    pool_give(pool, segment->size, segment);
}

/* Copies segments from the front of one chain as long as they fit behind the last of the other: who
 * sends a byte at a time would else have a block for each. So a chain takes little more than twice
 * the memory of its bytes. */
static void fill_last(struct chain *to, struct chain *from, struct pool *pool)
{
    while (to->last && from->first) {
        const struct segment *segment = from->first;
        size_t count = segment->end - segment->begin;

        if (count > room_left(to->last))
            return;
        memcpy(to->last->bytes + to->last->end, segment->bytes + segment->begin, count);
        to->last->end += (uint32_t)count;
        to->count += count;
        from->count -= count;
        drop_first(from, pool);
    }
}

void chain_move(struct chain *to, struct chain *from, struct pool *pool)
{
    fill_last(to, from, pool);
    if (!from->first)
        return;
    if (to->last)
        to->last->next = from->first;
    else
        to->first = from->first;
    to->last = from->last;
    to->count += from->count;
    *from = CHAIN_EMPTY;
}

char *chain_room(struct chain *chain, struct pool *pool, size_t *room)
{
    struct segment *segment = chain->last;

    if (!segment || room_left(segment) < ROOM_WORTH_IT)
        segment = add_segment(chain, pool, POOL_16K);
    *room = room_left(segment);
    return segment->bytes + segment->end;
}

void chain_wrote(struct chain *chain, size_t count)
{
    assert(count == 0 || (chain->last && count <= room_left(chain->last)));
    if (count == 0)
        return;
    chain->last->end += (uint32_t)count;
    chain->count += count;
}

size_t chain_take(struct chain *chain, struct pool *pool, char *to, size_t count)
{
    size_t taken = 0;

    while (taken < count && chain->first) {
        const struct segment *segment = chain->first;
        size_t step = segment->end - segment->begin;

        if (step > count - taken)
            step = count - taken;
        memcpy(to + taken, segment->bytes + segment->begin, step);
        taken += step;
        chain_drop(chain, pool, step);
    }
    return taken;
}

int chain_pieces(const struct chain *chain, struct iovec *pieces, int pieces_max)
{
    int count = 0;

    for (struct segment *segment = chain->first; segment; segment = segment->next) {
        if (count == pieces_max)
            break;
        if (segment->begin == segment->end)
            continue;
        pieces[count].iov_base = segment->bytes + segment->begin;
        pieces[count].iov_len = segment->end - segment->begin;
        count++;
    }
    return count;
}

bool chain_walk(const struct chain *chain, bool (*see)(void *arg, const char *bytes, size_t count),
                void *arg)
{
    bool goes_on = true;

    for (struct segment *segment = chain->first; segment && goes_on; segment = segment->next)
        goes_on = see(arg, segment->bytes + segment->begin, segment->end - segment->begin);
    return goes_on;
}

/* Segments that are empty go too, even when count is 0. */
void chain_drop(struct chain *chain, struct pool *pool, size_t count)
{
    while (chain->first) {
        struct segment *segment = chain->first;
        size_t held = segment->end - segment->begin;

        if (count < held) {
            segment->begin += (uint32_t)count;
            chain->count -= count;
            return;
        }
        count -= held;
        chain->count -= held;
        drop_first(chain, pool);
    }
}

void chain_clear(struct chain *chain, struct pool *pool)
{
    while (chain->first)
        drop_first(chain, pool);
    chain->count = 0;
}

static void frame_segment(struct segment *segment)
{
    static const char DIGITS[] = "0123456789abcdef";
    uint32_t rest = segment->end - segment->begin;
    char *front = segment->bytes;

    front[--segment->begin] = '\n';
    front[--segment->begin] = '\r';
    for (; rest > 0; rest >>= 4) {
        assert(segment->begin > 0);
        front[--segment->begin] = DIGITS[rest & 15];
    }
    segment->bytes[segment->end++] = '\r';
    segment->bytes[segment->end++] = '\n';
}

void chain_frame(struct chain *chain)
{
    for (struct segment *segment = chain->first; segment; segment = segment->next) {
        uint32_t before = segment->end - segment->begin;

        if (before == 0) /* a chunk of no bytes would end the body */
            continue;
        frame_segment(segment);
        chain->count += segment->end - segment->begin - before;
    }
}
