/* Replies: what a service asks of its client, as client.h has it. None of this calls the service;
 * where that is called for, the connection is woken and does it from a stack of its own. */
#include <assert.h>
#include <event2/event.h>
#include <stdint.h>

#include "proxy/http1_connection.h"

enum { PIECES_MAX = 16, TURN_MAX = 512 << 10 };

/* Writes once. False: no more can be written now. */
static bool write_some(struct http1_connection *connection, struct instant now)
{
    struct iovec pieces[PIECES_MAX];
    int count = chain_pieces(&connection->out, pieces, PIECES_MAX);
    size_t offered = 0;
    size_t sent;

    for (int i = 0; i < count; i++)
        offered += pieces[i].iov_len;
    if (transport_write(&connection->transport, pieces, count, &sent) == TRANSPORT_BROKEN) {
        connection->is_lost = true;
        return false;
    }
    chain_drop(&connection->out, connection_pool(connection), sent);
    connection->may_wait = false; /* what has begun to go out is not held up */
    if (sent > 0 || !connection->is_blocked)
        connection->since = now;
    connection->is_blocked = sent < offered;
    return !connection->is_blocked;
}

void connection_flush(struct http1_connection *connection, struct instant now)
{
    size_t before = connection->out.count;

    connection->is_due = false;
    while (connection->out.count > 0 && !connection->is_lost) {
        if (!write_some(connection, now))
            break;
        /* A client that reads as fast as we write would have the thread for itself. */
        if (connection->out.count > 0 && before - connection->out.count >= TURN_MAX) {
            connection->is_blocked = true;
            break;
        }
    }
    if (connection->is_lost) {
        chain_clear(&connection->out, connection_pool(connection));
        connection->is_blocked = false;
    }
}

static void forget_request(struct http1_connection *connection)
{
    struct pool *pool = connection_pool(connection);

    http1_input_drop_head(&connection->input, pool);
    http1_chunked_destroy(connection->chunked, pool);
    connection->chunked = NULL;
    pool_give(pool, connection->headers_size, connection->headers);
    connection->headers = NULL;
    connection->scan = (struct http1_scan){.at = 0};
    connection->empty_lines = 0;
    connection->has_reply = false;
    connection->is_overrun = false;
    connection->owes_writable = false;
    connection->outlives_half_close = false;
}

static bool has_input(const struct http1_connection *connection)
{
    return http1_input_text(&connection->input).count > 0;
}

/* Can no request follow, since all that the client sends has been read? */
static bool is_last(const struct http1_connection *connection)
{
    return connection->incoming == INCOMING_NONE && connection->body_has_ended &&
           !has_input(connection);
}

bool connection_end_request(struct http1_connection *connection, struct instant now)
{
    /* Whoever does not expect the end may send more: the next request, most of all. */
    bool may_send = !connection->body_has_ended || has_input(connection) ||
                    connection->dropped > 0 ||
                    (connection->set->course != SET_SERVES && connection->head.keeps_alive);

    connection->is_closing |= is_last(connection);
    forget_request(connection);
    /* A reply that did not say so, before the drain, is not the last: the next one is. */
    if (!connection->is_lost && !connection->is_closing && connection->set->course != SET_ENDS) {
        connection_become(connection, HTTP1_IDLE, now);
        return true;
    }
    if (connection->is_lost || !may_send || connection->incoming == INCOMING_NONE) {
        connection_close(connection);
        return false;
    }
    connection_linger(connection, now);
    return true;
}

static void codec_want(struct client *client, size_t count)
{
    struct http1_connection *connection = connection_of(client);

    connection->is_wanted = true;
    if (__builtin_add_overflow(connection->credit, count, &connection->credit))
        connection->credit = SIZE_MAX;
    if (connection->owes_continue && !connection->has_reply && !has_input(connection)) {
        struct text line = TEXT("HTTP/1.1 100 Continue\r\n\r\n");
        chain_append(&connection->out, connection_pool(connection), line.at, line.count);
        connection->is_due = true;
    }
    connection->owes_continue = false;
    if (connection->is_due || (!connection->body_has_ended && has_input(connection)))
        connection_wake(connection);
}

/* Will a body that is not read yet keep the connection from being used again? For an early reply
 * that is a success it is not known yet: the service may read on. */
static bool body_is_in_the_way(const struct http1_connection *connection, const struct reply *reply)
{
    size_t there = http1_input_text(&connection->input).count;

    if (connection->body_has_ended)
        return false;
    if (connection->owes_continue && there == 0)
        return true;
    return reply->status >= 400 &&
           (connection->chunked || (uint64_t)connection->body_left > (uint64_t)there);
}

static void codec_reply(struct client *client, const struct reply *reply, struct instant now)
{
    struct http1_connection *connection = connection_of(client);
    struct http1_set *set = connection->set;
    const struct http1_head *head = &connection->head;
    struct http1_terms terms;

    assert(connection->progress == HTTP1_SERVED && !connection->has_reply);
    connection->has_reply = true;
    connection->dropped = 0;
    connection->may_wait = reply->may_wait;
    connection->framing = http1_framing_of(&head->request, reply);
    connection->reply_left = reply->length > 0 ? reply->length : 0;
    connection->is_closing = !head->keeps_alive || reply->closes || set->course != SET_SERVES ||
                             connection->framing == FRAMING_CLOSE || is_last(connection) ||
                             body_is_in_the_way(connection, reply);
    if (connection->is_lost)
        return;
    terms = (struct http1_terms){
        .framing = connection->framing,
        .closes = connection->is_closing,
        .keeps_open = head->request.minor == 0,
        .date = http1_date_now(&set->date, now),
    };
    http1_reply_write(&connection->out, set->options.pool, reply, &terms);
}

/* Of a body that has a length, may these bytes go? Past its end nothing may: the client would take
 * it for the next reply. */
static bool is_allowed(struct http1_connection *connection, size_t count)
{
    if (connection->framing != FRAMING_LENGTH)
        return true;
    if (connection->is_overrun || (uint64_t)count > (uint64_t)connection->reply_left) {
        connection->is_overrun = true;
        return false;
    }
    connection->reply_left -= (int64_t)count;
    return true;
}

static bool codec_send(struct client *client, struct chain *body)
{
    struct http1_connection *connection = connection_of(client);

    assert(connection->progress == HTTP1_SERVED && connection->has_reply);
    if (connection->is_lost || connection->framing == FRAMING_NONE ||
        !is_allowed(connection, body->count)) {
        chain_clear(body, connection_pool(connection));
        return true;
    }
    if (connection->framing == FRAMING_CHUNKED)
        chain_frame(body);
    chain_move(&connection->out, body, connection_pool(connection));
    if (connection->out.count > connection_high_water(connection) && !connection->owes_writable) {
        connection->owes_writable = true;
        connection->is_due = true;
        connection_wake(connection);
    }
    return !connection->owes_writable;
}

static void codec_cut(struct client *client)
{
    struct http1_connection *connection = connection_of(client);

    assert(connection->progress == HTTP1_SERVED || connection->progress == HTTP1_FLUSHING);
    if (connection->has_reply && connection->framing == FRAMING_CLOSE) {
        connection_reset(connection);
        return;
    }
    /* Not the rest of a reply that is complete: it would arrive whole, and not be cut. */
    if (connection->has_reply && connection->progress == HTTP1_SERVED)
        connection_flush(connection, connection->since);
    connection_close(connection);
}

static bool falls_short(const struct http1_connection *connection)
{
    return connection->framing == FRAMING_LENGTH &&
           (connection->reply_left > 0 || connection->is_overrun);
}

/* What the client still sends while it reads the reply is dropped where no other request can follow
 * it: a client that does not read before it has sent all would wait for ever. */
static void begin_flushing(struct http1_connection *connection, struct instant now)
{
    if (!connection->is_lost)
        connection_drop_body(connection, now);
    if (connection->is_closing) {
        connection->dropped += http1_input_text(&connection->input).count;
        http1_input_use(&connection->input, http1_input_text(&connection->input).count);
    }
    connection_become(connection, HTTP1_FLUSHING, connection->since);
    if (connection->is_lost || connection->incoming != INCOMING_MORE)
        connection_wake(connection);
    connection_settle(connection, now);
}

/* While there is more to do, replies are sent together when it is done: who reads them is then woken
 * once for many, which costs the system less than once for each. */
static bool waits_for_others(const struct http1_connection *connection)
{
    struct event_base *base = connection->set->options.base;

    return connection->may_wait && connection->out.count > 0 && !connection->is_lost &&
           !connection->is_blocked && event_base_get_num_events(base, EVENT_BASE_COUNT_ACTIVE) > 0;
}

static bool codec_end(struct client *client, struct instant now)
{
    struct http1_connection *connection = connection_of(client);

    assert(connection->progress == HTTP1_SERVED && connection->has_reply);
    if (!connection->is_lost && falls_short(connection)) {
        codec_cut(client);
        return true;
    }
    if (connection->framing == FRAMING_CHUNKED)
        chain_append(&connection->out, connection_pool(connection), "0\r\n\r\n", 5);
    connection->is_due = waits_for_others(connection);
    if (connection->is_due)
        connection_wake(connection);
    else
        connection_flush(connection, now);
    if (connection->is_lost || connection->out.count > 0) {
        begin_flushing(connection, now);
        return false;
    }
    connection_drop_body(connection, now);
    if (connection_end_request(connection, now)) {
        if (has_input(connection))
            connection_wake(connection);
        connection_settle(connection, now);
    }
    return true;
}

static void codec_flush(struct client *client, struct instant now)
{
    struct http1_connection *connection = connection_of(client);

    connection_flush(connection, now);
    if (connection->is_lost || (connection->owes_writable &&
                                connection->out.count < connection_high_water(connection) / 2))
        connection_wake(connection);
    connection_settle(connection, now);
}

const struct codec http1_codec = {
    .want = codec_want,
    .reply = codec_reply,
    .send = codec_send,
    .end = codec_end,
    .cut = codec_cut,
    .flush = codec_flush,
};
