#include "proxy/log_ring.h"

#include <string.h>

static void put(struct log_ring *ring, size_t at, const char *bytes, size_t count)
{
    size_t place = at % LOG_RING_BYTES;
    size_t before_wrap = LOG_RING_BYTES - place < count ? LOG_RING_BYTES - place : count;

    memcpy(ring->bytes + place, bytes, before_wrap);
    memcpy(ring->bytes, bytes + before_wrap, count - before_wrap);
}

size_t log_ring_put(struct log_ring *ring, const char *line, size_t count)
{
    size_t filled = atomic_load_explicit(&ring->filled, memory_order_relaxed);
    size_t used = filled - atomic_load_explicit(&ring->emptied, memory_order_acquire);

    if (count >= LOG_RING_BYTES - used)
        return 0;
    put(ring, filled, line, count);
    put(ring, filled + count, "\n", 1);
    atomic_store_explicit(&ring->filled, filled + count + 1, memory_order_release);
    return used + count + 1;
}

size_t log_ring_count(const struct log_ring *ring)
{
    return atomic_load_explicit(&ring->filled, memory_order_acquire) -
           atomic_load_explicit(&ring->emptied, memory_order_relaxed);
}

int log_ring_pieces(struct log_ring *ring, size_t count, struct iovec pieces[2])
{
    size_t place = atomic_load_explicit(&ring->emptied, memory_order_relaxed) % LOG_RING_BYTES;
    size_t before_wrap = LOG_RING_BYTES - place < count ? LOG_RING_BYTES - place : count;

    pieces[0] = (struct iovec){.iov_base = ring->bytes + place, .iov_len = before_wrap};
    pieces[1] = (struct iovec){.iov_base = ring->bytes, .iov_len = count - before_wrap};
    return before_wrap < count ? 2 : 1;
}

char log_ring_take(struct log_ring *ring, size_t count)
{
    size_t emptied = atomic_load_explicit(&ring->emptied, memory_order_relaxed) + count;
    char last = ring->bytes[(emptied - 1) % LOG_RING_BYTES];

    atomic_store_explicit(&ring->emptied, emptied, memory_order_release);
    return last;
}

uint64_t log_ring_drop(struct log_ring *ring, size_t count)
{
    size_t emptied = atomic_load_explicit(&ring->emptied, memory_order_relaxed);
    uint64_t lines = 0;

    for (size_t i = 0; i < count; i++)
        lines += ring->bytes[(emptied + i) % LOG_RING_BYTES] == '\n';
    (void)log_ring_take(ring, count);
    return lines;
}
