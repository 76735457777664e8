#include "proxy/http1_chunked.h"

#include <assert.h>
#include <stdbool.h>

#include "proxy/http1_chunk_line.h"

/* No parser but our own: llhttp takes much for framing that the grammar does not have, and refuses
 * a second extension behind one with a value, which it has. */
struct http1_chunked {
    size_t framing_max;
    size_t framing; /* bytes of it, less what the body has earned */
    struct chunk_line line;
};

struct http1_chunked *http1_chunked_create(struct pool *pool, size_t framing_max)
{
    struct http1_chunked *chunked = pool_take(pool, POOL_1K);

    static_assert(sizeof(*chunked) <= 1024, "it must fit into its block");
    *chunked = (struct http1_chunked){.framing_max = framing_max};
    return chunked;
}

void http1_chunked_destroy(struct http1_chunked *chunked, struct pool *pool)
{
    pool_give(pool, POOL_1K, chunked);
}

static void move_on(struct text *bytes, size_t count)
{
    *bytes = (struct text){.at = bytes->at + count, .count = bytes->count - count};
}

static bool is_framing(const struct http1_chunked *chunked)
{
    return chunked->line.at != CHUNK_LINE_DATA && chunked->line.at != CHUNK_LINE_DONE;
}

/* Reads framing, up to where data begins or the body ends. False: that is not what it is. */
static bool take_framing(struct http1_chunked *chunked, struct text *bytes)
{
    size_t count = 0;

    while (count < bytes->count && is_framing(chunked)) {
        if (!chunk_line_take(&chunked->line, bytes->at[count++]))
            return false;
    }
    move_on(bytes, count);
    chunked->framing += count;
    return chunked->framing <= chunked->framing_max;
}

/* What carries a body is worth its framing: its bytes, and the ends of its chunks. Else a body of few
 * bytes could bring any number of them in extensions (CVE-2023-39326 of Go was that). */
static void earn(struct http1_chunked *chunked, size_t count)
{
    size_t earned = 2 * count + (chunked->line.size == 0 ? 16 : 0);

    chunked->framing -= earned < chunked->framing ? earned : chunked->framing;
}

static enum chunked_result next_piece(struct http1_chunked *chunked, struct text *bytes,
                                      size_t wanted, struct text *piece)
{
    size_t count = bytes->count < wanted ? bytes->count : wanted;

    if (count > chunked->line.size)
        count = (size_t)chunked->line.size;
    if (count == 0)
        return CHUNKED_MORE;
    *piece = (struct text){.at = bytes->at, .count = count};
    move_on(bytes, count);
    chunked->line.size -= count;
    earn(chunked, count);
    if (chunked->line.size == 0)
        chunked->line.at = CHUNK_LINE_BEHIND_DATA;
    return CHUNKED_PIECE;
}

enum chunked_result http1_chunked_next(struct http1_chunked *chunked, struct text *bytes,
                                       size_t wanted, struct text *piece)
{
    if (!take_framing(chunked, bytes))
        return CHUNKED_INVALID;
    if (chunked->line.at == CHUNK_LINE_DONE)
        return CHUNKED_END;
    if (chunked->line.at == CHUNK_LINE_DATA)
        return next_piece(chunked, bytes, wanted, piece);
    return CHUNKED_MORE;
}
