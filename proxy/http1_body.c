/* Bodies of requests: handed to the service as far as it wants them, or dropped. */
#include <stdint.h>

#include "proxy/http1_connection.h"

/* A body that nobody wants is read this far, if it is there already, so that the connection can be
 * kept. */
enum { DROP_MAX = 64 << 10 };

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static bool hand_end(struct http1_connection *connection, struct instant now)
{
    connection->body_has_ended = true;
    connection->set->options.service->on_body_end(connection->owner, now);
    return true;
}

static bool hand_piece(struct http1_connection *connection, struct text piece, struct instant now)
{
    connection->owes_continue = false;
    connection->credit -= piece.count;
    connection->set->options.service->on_body(connection->owner, piece.at, piece.count, now);
    return true;
}

static struct text take_known(struct http1_connection *connection, size_t wanted)
{
    struct text there = http1_input_text(&connection->input);
    size_t count = least(there.count, wanted);

    if ((uint64_t)count > (uint64_t)connection->body_left)
        count = (size_t)connection->body_left;
    http1_input_use(&connection->input, count);
    connection->body_left -= (int64_t)count;
    return (struct text){.at = there.at, .count = count};
}

static enum chunked_result take_chunked(struct http1_connection *connection, size_t wanted,
                                        struct text *piece)
{
    struct text there = http1_input_text(&connection->input);
    struct text rest = there;
    enum chunked_result result = http1_chunked_next(connection->chunked, &rest, wanted, piece);

    http1_input_use(&connection->input, there.count - rest.count);
    return result;
}

static bool refuse_body(struct http1_connection *connection, struct instant now)
{
    static const struct http1_refusal INVALID = {400, "The body of the request is not valid HTTP."};
    const struct service *service = connection->set->options.service;
    void *owner = connection->owner;

    if (!connection->has_reply)
        connection_refuse(connection, INVALID, now);
    else
        connection_reset(connection);
    service->on_gone(owner, CLIENT_INVALID, now);
    return true;
}

static bool hand_chunked(struct http1_connection *connection, struct instant now)
{
    struct text piece;

    switch (take_chunked(connection, connection->credit, &piece)) {
    case CHUNKED_PIECE:
        return hand_piece(connection, piece, now);
    case CHUNKED_END:
        return hand_end(connection, now);
    case CHUNKED_INVALID:
        return refuse_body(connection, now);
    case CHUNKED_MORE:
        break;
    }
    return false;
}

bool connection_hand_body(struct http1_connection *connection, struct instant now)
{
    struct text piece;

    if (connection->body_has_ended || !connection->is_wanted)
        return false;
    if (connection->chunked)
        return hand_chunked(connection, now);
    if (connection->body_left == 0)
        return hand_end(connection, now);
    piece = take_known(connection, connection->credit);
    return piece.count > 0 && hand_piece(connection, piece, now);
}

/* Drops what is in the input. Returns how much that was. */
static size_t drop_there(struct http1_connection *connection)
{
    size_t before = http1_input_text(&connection->input).count;
    enum chunked_result result = CHUNKED_PIECE;
    struct text piece;

    if (connection->chunked) {
        while (result == CHUNKED_PIECE)
            result = take_chunked(connection, SIZE_MAX, &piece);
        connection->body_has_ended = result == CHUNKED_END;
        connection->is_closing |= result == CHUNKED_INVALID;
    } else {
        (void)take_known(connection, SIZE_MAX);
        connection->body_has_ended = connection->body_left == 0;
    }
    return before - http1_input_text(&connection->input).count;
}

void connection_drop_body(struct http1_connection *connection, struct instant now)
{
    enum transport_result result = TRANSPORT_OK;
    size_t dropped = 0;

    while (!connection->body_has_ended && !connection->is_closing) {
        dropped += drop_there(connection);
        if (connection->body_has_ended)
            break;
        if (result != TRANSPORT_OK || dropped > DROP_MAX || connection->body_left > DROP_MAX) {
            connection->is_closing = true;
            break;
        }
        result = connection_fill(connection, now);
    }
}
