#include "proxy/http1_chunked.h"

#include <assert.h>
#include <llhttp.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "proxy/http1_chunk_line.h"

struct http1_chunked {
    llhttp_t parser;
    size_t framing_max;
    size_t framing;      /* bytes of it since the last piece */
    uint64_t chunk_left; /* bytes of the chunk that are still to come; 0: within framing */
    struct text piece;
    struct chunk_line line; /* of framing, as far as it has come */
    bool is_complete;
};

static int on_chunk(llhttp_t *parser)
{
    struct http1_chunked *chunked = parser->data;

    chunked->chunk_left = parser->content_length;
    return chunked->chunk_left > 0 ? HPE_PAUSED : 0;
}

static int on_piece(llhttp_t *parser, const char *at, size_t count)
{
    struct http1_chunked *chunked = parser->data;

    assert(chunked->piece.count == 0);
    chunked->piece = (struct text){.at = at, .count = count};
    return 0;
}

static int on_complete(llhttp_t *parser)
{
    struct http1_chunked *chunked = parser->data;

    chunked->is_complete = true;
    return HPE_PAUSED;
}

static const llhttp_settings_t SETTINGS = {
    .on_chunk_header = on_chunk,
    .on_body = on_piece,
    .on_message_complete = on_complete,
};

/* The parser is started with a head of our own, so that nothing in the client's can change how it
 * reads the body. */
struct http1_chunked *http1_chunked_create(struct pool *pool, size_t framing_max)
{
    static const struct text HEAD = {"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 47};
    struct http1_chunked *chunked = pool_take(pool, POOL_1K);
    enum llhttp_errno error;

    static_assert(sizeof(*chunked) <= 1024, "it must fit into its block");
    memset(chunked, 0, sizeof(*chunked));
    chunked->framing_max = framing_max;
    llhttp_init(&chunked->parser, HTTP_REQUEST, &SETTINGS);
    chunked->parser.data = chunked;
    error = llhttp_execute(&chunked->parser, HEAD.at, HEAD.count);
    assert(error == HPE_OK);
    return chunked;
}

void http1_chunked_destroy(struct http1_chunked *chunked, struct pool *pool)
{
    pool_give(pool, POOL_1K, chunked);
}

/* Are the next count bytes, which are framing, as the grammar has them? No version of llhttp looks
 * at all of it. */
static bool framing_is_clean(struct http1_chunked *chunked, const char *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!chunk_line_take(&chunked->line, bytes[i]))
            return false;
    }
    chunked->framing += count;
    return chunked->framing <= chunked->framing_max;
}

/* Feeds count bytes; *used says how far the parser got before it paused. */
static bool feed(struct http1_chunked *chunked, const char *bytes, size_t count, size_t *used)
{
    llhttp_t *parser = &chunked->parser;
    enum llhttp_errno error = llhttp_execute(parser, bytes, count);

    *used = count;
    if (error == HPE_OK)
        return true;
    if (error != HPE_PAUSED)
        return false;
    *used = (size_t)(llhttp_get_error_pos(parser) - bytes);
    llhttp_resume(parser);
    return *used <= count;
}

static void move_on(struct text *bytes, size_t count)
{
    *bytes = (struct text){.at = bytes->at + count, .count = bytes->count - count};
}

static enum chunked_result next_piece(struct http1_chunked *chunked, struct text *bytes,
                                      size_t wanted, struct text *piece)
{
    size_t count = bytes->count < wanted ? bytes->count : wanted;
    size_t used;

    if (count > chunked->chunk_left)
        count = (size_t)chunked->chunk_left;
    if (count == 0)
        return CHUNKED_MORE;
    chunked->piece = TEXT_NONE;
    if (!feed(chunked, bytes->at, count, &used) || chunked->piece.count != count)
        return CHUNKED_INVALID;
    move_on(bytes, count);
    chunked->chunk_left -= count;
    chunked->framing = 0;
    chunked->line.at = CHUNK_LINE_BEHIND_DATA;
    *piece = chunked->piece;
    return CHUNKED_PIECE;
}

enum chunked_result http1_chunked_next(struct http1_chunked *chunked, struct text *bytes,
                                       size_t wanted, struct text *piece)
{
    while (bytes->count > 0 && chunked->chunk_left == 0 && !chunked->is_complete) {
        size_t used;
        const char *at = bytes->at;

        if (!feed(chunked, at, bytes->count, &used) || !framing_is_clean(chunked, at, used))
            return CHUNKED_INVALID;
        move_on(bytes, used);
    }
    if (chunked->is_complete)
        return CHUNKED_END;
    return next_piece(chunked, bytes, wanted, piece);
}
