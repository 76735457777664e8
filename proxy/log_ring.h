/* One worker's lines on their way to the log: a ring of bytes that it alone fills and the writing
 * thread alone empties. So neither ever waits for the other, and lines stay whole: a line is
 * published only when it is complete. */
#pragma once

#include <stdalign.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "budget/checked.h"

enum { LOG_RING_BYTES = 128 * 1024 }; /* a power of two */

/* Zeroed, it is empty. The two counts never go back; they lie on cache lines of their own since each
 * has one writer. */
struct log_ring {
    alignas(64) atomic_size_t filled;  /* bytes ever put in, by the worker */
    alignas(64) atomic_size_t emptied; /* bytes ever taken out, by the writing thread */
    char bytes[LOG_RING_BYTES];
};

/* For the worker. Adds a line and its newline. Returns how many bytes wait with it; 0: there is no
 * room for it. */
CHECKED size_t log_ring_put(struct log_ring *ring, const char *line, size_t count);

/* For the writing thread. How many bytes wait: whole lines, but for what was taken of the oldest. */
size_t log_ring_count(const struct log_ring *ring);

/* So many of the oldest bytes, at least one, as pieces; returns how many pieces there are: 1 or 2. */
int log_ring_pieces(struct log_ring *ring, size_t count, struct iovec pieces[2]);

/* Takes the oldest bytes out. Returns the last of them. */
char log_ring_take(struct log_ring *ring, size_t count);

/* The same. Returns how many lines end in them. */
uint64_t log_ring_drop(struct log_ring *ring, size_t count);
