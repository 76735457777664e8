/* A queue of bytes in pooled segments. Bytes are copied in; after that whole segments move from
 * queue to queue. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/uio.h>

#include "conf/text.h"
#include "proxy/pool.h"

struct segment; /* defined in chain.c */

struct chain {
    struct segment *first; /* owned */
    struct segment *last;
    size_t count; /* bytes in all */
};

#define CHAIN_EMPTY ((struct chain){.first = NULL, .last = NULL, .count = 0})

void chain_append(struct chain *chain, struct pool *pool, const char *bytes, size_t count);

/* Moves all of `from` to the end of `to`: whole segments, but for what fits into the last one that is
 * there. */
void chain_move(struct chain *to, struct chain *from, struct pool *pool);

/* The most that one segment holds: pieces of this size waste the least memory. */
size_t chain_segment_bytes(void);

/* Room at the end of the chain to write into directly: at least one byte, *room of them.
 * chain_wrote then says how many were used. */
char *chain_room(struct chain *chain, struct pool *pool, size_t *room);
void chain_wrote(struct chain *chain, size_t count);

/* Copies up to count bytes out of the front and drops them. Returns how many. */
size_t chain_take(struct chain *chain, struct pool *pool, char *to, size_t count);

/* The bytes at the front as pieces for writev; returns how many pieces were filled in. */
int chain_pieces(const struct chain *chain, struct iovec *pieces, int pieces_max);

/* Shows all bytes to `see`, piece by piece, until it says false. Returns what it said last. */
bool chain_walk(const struct chain *chain, bool (*see)(void *arg, const char *bytes, size_t count),
                void *arg);

/* Drops count bytes at the front, at most all. */
void chain_drop(struct chain *chain, struct pool *pool, size_t count);

/* Drops everything. */
void chain_clear(struct chain *chain, struct pool *pool);

/* Frames all that is in the chain as chunks (RFC 9112 section 7.1): one chunk for each segment,
 * written into room that segments keep for it. Only once for any byte. */
void chain_frame(struct chain *chain);
