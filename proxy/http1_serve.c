/* Requests, one after another:
 *
 *   connection_serve
 *     gather_head        bytes -> a whole head            <--+
 *       begin_request    on_request                          |
 *     serve_request      the body, on_writable, on_gone      |
 *     finish_reply       on_sent                          ---+
 *
 * The service may do anything with its request in any of its callbacks, even end it: after each
 * one, the state is looked at anew. */
#include <assert.h>

#include "proxy/http1_connection.h"

enum { EMPTY_LINES_MAX = 4 };

static void tell_refusal(struct http1_connection *connection, struct http1_refusal refusal)
{
    const struct http1_options *options = &connection->set->options;

    if (options->metrics)
        counter_add(&options->metrics->bad_requests, 1);
    if (options->service->on_refused)
        options->service->on_refused(options->service_arg, &connection->peer, refusal.status,
                                     refusal.detail);
}

void connection_refuse(struct http1_connection *connection, struct http1_refusal refusal,
                       struct instant now)
{
    struct http1_set *set = connection->set;

    /* One that is served the service knows by on_gone; and where there is too much to do, there is
     * no time for a line of log for each. */
    if (connection->progress != HTTP1_SERVED && refusal.status != 503)
        tell_refusal(connection, refusal);
    connection->is_closing = true;
    http1_refusal_write(&connection->out, set->options.pool, refusal,
                        http1_date_now(&set->date, now));
    connection_become(connection, HTTP1_CLOSING, now);
    connection_flush(connection, now);
}

void connection_lose(struct http1_connection *connection, enum client_loss loss, struct instant now)
{
    bool is_served = connection->progress == HTTP1_SERVED || connection->progress == HTTP1_FLUSHING;
    void *owner = connection->owner;

    connection_reset(connection);
    if (is_served)
        connection->set->options.service->on_gone(owner, loss, now);
}

/* --- reading */

enum transport_result connection_fill(struct http1_connection *connection, struct instant now)
{
    enum transport_result result = http1_input_read(&connection->input, connection_pool(connection),
                                                    &connection->transport, now);

    if (result == TRANSPORT_ENDED)
        connection->incoming = INCOMING_NONE;
    if (result == TRANSPORT_BROKEN)
        connection->is_lost = true;
    return result;
}

void connection_read(struct http1_connection *connection, struct instant now)
{
    struct http1_input *input = &connection->input;

    (void)connection_fill(connection, now);
    if (connection->progress == HTTP1_LINGERING ||
        (connection->progress == HTTP1_FLUSHING && connection->is_closing)) {
        connection->dropped += http1_input_text(input).count;
        http1_input_use(input, http1_input_text(input).count);
    }
}

/* --- heads */

/* RFC 9112 section 2.2: a client may have ended its last body with an empty line too many. */
static bool skip_empty_lines(struct http1_connection *connection)
{
    struct text text = http1_input_text(&connection->input);

    while (connection->scan.at == 0 && text.count >= 2 && text.at[0] == '\r' &&
           text.at[1] == '\n') {
        if (connection->empty_lines++ == EMPTY_LINES_MAX)
            return false;
        http1_input_use(&connection->input, 2);
        text = http1_input_text(&connection->input);
    }
    return true;
}

/* The request has met a limit. */
static struct http1_refusal exceeds(struct http1_connection *connection, enum limit limit)
{
    static const struct http1_refusal REFUSALS[LIMIT_KINDS] = {
        [LIMIT_MEMORY] = {503, "There is too little memory for another request."},
        [LIMIT_REQUEST_LINE] = {414, "The request line is too long."},
        [LIMIT_HEADER_SIZE] = {431, "The headers of the request are too long."},
        [LIMIT_HEADER_COUNT] = {431, "There are too many headers."},
    };

    if (connection->set->options.metrics)
        counter_add(&connection->set->options.metrics->limits[limit], 1);
    return REFUSALS[limit];
}

static struct http1_refusal too_long(struct http1_connection *connection)
{
    const struct http1_scan *scan = &connection->scan;
    bool is_line = scan->lines == 0 || scan->first_line > connection->set->options.max_header;

    return exceeds(connection, is_line ? LIMIT_REQUEST_LINE : LIMIT_HEADER_SIZE);
}

/* What the scan of `there` bytes makes of them; status 0 with *is_complete false: more must come. */
static struct http1_refusal judge_head(struct http1_connection *connection, struct text there,
                                       bool *is_complete)
{
    struct http1_scan *scan = &connection->scan;
    size_t max = connection->set->options.max_header;
    enum scan_result result = http1_scan(scan, there.at, there.count);

    *is_complete = result == SCAN_COMPLETE;
    if (result == SCAN_INVALID)
        return (struct http1_refusal){400, "The head of the request is not valid HTTP."};
    if (result == SCAN_MANY)
        return exceeds(connection, LIMIT_HEADER_COUNT);
    if (result == SCAN_COMPLETE ? scan->at > max : there.count >= max)
        return too_long(connection);
    return (struct http1_refusal){.status = 0};
}

static void begin_body(struct http1_connection *connection)
{
    const struct request *request = &connection->head.request;

    connection->body_left = request->body_length;
    connection->credit = 0;
    connection->is_wanted = false;
    connection->owes_continue = request->expects_continue;
    connection->body_has_ended = request->body == BODY_NONE;
    if (request->body == BODY_CHUNKED)
        connection->chunked =
            http1_chunked_create(connection_pool(connection), connection->set->options.max_header);
}

/* Room for one for each line. Returns for how many. */
static size_t take_headers(struct http1_connection *connection)
{
    size_t bytes = connection->scan.lines * sizeof(struct header);

    static_assert(HTTP1_HEADERS_MAX * sizeof(struct header) <= 4096, "they must fit a block");
    connection->headers_size = bytes <= pool_bytes(POOL_1K) ? POOL_1K : POOL_4K;
    connection->headers = pool_take(connection_pool(connection), connection->headers_size);
    return pool_bytes(connection->headers_size) / sizeof(struct header);
}

/* The next count bytes are its head. */
static void begin_request(struct http1_connection *connection, size_t count, struct instant now)
{
    const struct http1_options *options = &connection->set->options;
    struct instant started = http1_input_started(&connection->input);
    struct text head = http1_input_keep_head(&connection->input, options->pool, count);
    size_t room = take_headers(connection);
    struct http1_refusal refusal;

    refusal = http1_head_read(&connection->head, head, connection->headers, room);
    if (refusal.status != 0) {
        connection_refuse(connection, refusal, now);
        return;
    }
    connection->head.request.started = started;
    connection->head.request.peer = &connection->peer;
    begin_body(connection);
    connection_become(connection, HTTP1_SERVED, now);
    connection->owner = options->service->on_request(options->service_arg, &connection->client,
                                                     &connection->head.request, now);
}

/* Nothing of a request is there. */
static void rest(struct http1_connection *connection)
{
    http1_input_drop_head(&connection->input, connection_pool(connection));
}

/* Asked at the first byte of a request: nothing has been spent on it yet. */
static bool may_begin(const struct http1_connection *connection)
{
    return !connection->set->options.is_limited || !pool_is_spent(connection_pool(connection));
}

static bool gather_head(struct http1_connection *connection, struct instant now)
{
    static const struct http1_refusal EMPTY = {400, "There are only empty lines."};
    struct http1_refusal refusal;
    struct text there;
    bool is_complete;
    bool is_well = skip_empty_lines(connection);
    bool is_all = connection->is_lost || connection->incoming == INCOMING_NONE;

    there = http1_input_text(&connection->input);
    if (there.count > 0 && connection->progress == HTTP1_IDLE) {
        connection_become(connection, HTTP1_HEAD, now);
        if (!may_begin(connection)) {
            connection_refuse(connection, exceeds(connection, LIMIT_MEMORY), now);
            return true;
        }
    }
    if (there.count == 0) {
        rest(connection);
        if (is_all)
            connection_close(connection);
        return false;
    }
    refusal = is_well ? judge_head(connection, there, &is_complete) : EMPTY;
    if (refusal.status != 0) {
        connection_refuse(connection, refusal, now);
    } else if (is_complete) {
        begin_request(connection, connection->scan.at, now);
    } else if (is_all) {
        connection_close(connection);
    } else {
        http1_input_grow(&connection->input, connection_pool(connection),
                         connection->set->options.max_header);
        return false;
    }
    return true;
}

/* --- what is owed */

/* Has the client left that waits for a reply? The end of what it sends means that, unless the
 * service knows better. */
static bool has_left(struct http1_connection *connection, struct instant now)
{
    const struct service *service = connection->set->options.service;

    if (connection->is_lost || connection->incoming == INCOMING_MORE)
        return connection->is_lost;
    if (!connection->outlives_half_close && service->on_half_closed)
        connection->outlives_half_close = service->on_half_closed(connection->owner, now);
    return !connection->outlives_half_close;
}

/* Has the client ended its side within the body? Bytes that wait for the service to want them may
 * hold the last chunk. */
static bool body_falls_short(const struct http1_connection *connection)
{
    size_t there = http1_input_text(&connection->input).count;

    if (connection->incoming != INCOMING_NONE || connection->body_has_ended)
        return false;
    return connection->chunked ? there == 0 : (uint64_t)connection->body_left > (uint64_t)there;
}

static bool serve_request(struct http1_connection *connection, struct instant now)
{
    const struct service *service = connection->set->options.service;

    if (connection->is_due && !connection->is_blocked)
        connection_flush(connection, now);
    if (has_left(connection, now)) {
        connection_lose(connection, CLIENT_LEFT, now);
        return false;
    }
    if (connection->owes_writable &&
        connection->out.count < connection_high_water(connection) / 2) {
        connection->owes_writable = false;
        service->on_writable(connection->owner, now);
        return true;
    }
    if (connection_hand_body(connection, now))
        return true;
    if (body_falls_short(connection))
        connection_lose(connection, CLIENT_LEFT, now);
    return false;
}

static bool finish_reply(struct http1_connection *connection, struct instant now)
{
    void *owner = connection->owner;

    if (connection->is_due && !connection->is_blocked)
        connection_flush(connection, now);
    if (connection->is_lost || connection->out.count > 0) {
        if (has_left(connection, now))
            connection_lose(connection, CLIENT_LEFT, now);
        return false;
    }
    (void)connection_end_request(connection, now);
    connection->set->options.service->on_sent(owner, now);
    return true;
}

/* A refusal has been sent, or cannot be. */
static bool finish_refusal(struct http1_connection *connection, struct instant now)
{
    if (connection->is_lost) {
        connection_close(connection);
    } else if (connection->out.count == 0) {
        connection_linger(connection, now);
    }
    return connection->progress == HTTP1_LINGERING;
}

void connection_serve(struct http1_connection *connection, struct instant now)
{
    bool goes_on = true;

    while (goes_on) {
        switch (connection->progress) {
        case HTTP1_IDLE:
        case HTTP1_HEAD:
            goes_on = gather_head(connection, now);
            break;
        case HTTP1_SERVED:
            goes_on = serve_request(connection, now);
            break;
        case HTTP1_FLUSHING:
            goes_on = finish_reply(connection, now);
            break;
        case HTTP1_CLOSING:
            goes_on = finish_refusal(connection, now);
            break;
        case HTTP1_LINGERING:
            connection_drop_on(connection);
            goes_on = false;
            break;
        case HTTP1_CLOSED:
            goes_on = false;
            break;
        }
    }
}
