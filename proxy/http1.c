/* Connections: accepted, watched, timed, closed. What they do in between is in http1_serve.c.
 *
 *   IDLE -> HEAD -> SERVED -> FLUSHING -> IDLE again
 *    |       |         |         |
 *    |       +-> CLOSING --------+-> LINGERING -> CLOSED
 *    +-------------------------------^--------> CLOSED, from anywhere */
#include "proxy/http1.h"

#include <assert.h>
#include <event2/event.h>
#include <stdlib.h>

#include "proxy/clock.h"
#include "proxy/http1_connection.h"
#include "proxy/memory.h"

static const struct span LINGER = {.ns = NS_PER_S};

/* While draining, idle connections stay open for so long, so that few clients send as we close. */
static const struct span GRACE = {.ns = 200 * NS_PER_MS};

struct http1_set *http1_create(const struct http1_options *options)
{
    struct http1_set *set = memory_take_clear(1, sizeof(*set));

    set->options = *options;
    return set;
}

void http1_destroy(struct http1_set *set)
{
    if (!set)
        return;
    while (set->connections) {
        assert(!set->connections->is_running);
        connection_close(set->connections);
    }
    free(set);
}

size_t http1_count(const struct http1_set *set)
{
    return set->count;
}

static void link_connection(struct http1_set *set, struct http1_connection *connection)
{
    connection->next = set->connections;
    connection->previous = NULL;
    if (connection->next)
        connection->next->previous = connection;
    set->connections = connection;
    set->count++;
    if (set->options.metrics)
        counter_add(&set->options.metrics->connections, 1);
    if (set->options.open_connections)
        atomic_fetch_add(set->options.open_connections, 1);
}

static void unlink_connection(struct http1_set *set, struct http1_connection *connection)
{
    if (connection->previous)
        connection->previous->next = connection->next;
    else
        set->connections = connection->next;
    if (connection->next)
        connection->next->previous = connection->previous;
    set->count--;
    if (set->options.metrics)
        counter_sub(&set->options.metrics->connections, 1);
    if (set->options.open_connections)
        atomic_fetch_sub(set->options.open_connections, 1);
}

/* --- progress */

static bool may_become(enum http1_progress from, enum http1_progress to)
{
#define TO(progress) (1u << HTTP1_##progress)
    static const unsigned NEXT[] = {
        [HTTP1_IDLE] = TO(HEAD) | TO(LINGERING) | TO(CLOSED),
        [HTTP1_HEAD] = TO(SERVED) | TO(CLOSING) | TO(CLOSED),
        [HTTP1_SERVED] = TO(FLUSHING) | TO(CLOSING) | TO(IDLE) | TO(LINGERING) | TO(CLOSED),
        [HTTP1_FLUSHING] = TO(IDLE) | TO(LINGERING) | TO(CLOSED),
        [HTTP1_CLOSING] = TO(LINGERING) | TO(CLOSED),
        [HTTP1_LINGERING] = TO(CLOSED),
        [HTTP1_CLOSED] = 0,
    };
#undef TO

    return (NEXT[from] >> to & 1u) != 0;
}

void connection_become(struct http1_connection *connection, enum http1_progress progress,
                       struct instant now)
{
    assert(may_become(connection->progress, progress));
    connection->progress = progress;
    connection->since = now;
}

static void free_connection(struct http1_connection *connection)
{
    struct http1_set *set = connection->set;
    struct pool *pool = set->options.pool;

    chain_clear(&connection->out, pool);
    http1_input_finish(&connection->input, pool);
    http1_chunked_destroy(connection->chunked, pool);
    pool_give(pool, connection->headers_size, connection->headers);
    pool_give(pool, POOL_1K, connection);
}

static void stop(struct http1_connection *connection)
{
    connection_become(connection, HTTP1_CLOSED, connection->since);
    event_del(&connection->io);
    event_del(&connection->timer);
    event_del(&connection->turn);
    unlink_connection(connection->set, connection);
}

void connection_close(struct http1_connection *connection)
{
    stop(connection);
    transport_close(&connection->transport);
    if (!connection->is_running)
        free_connection(connection);
}

void connection_reset(struct http1_connection *connection)
{
    stop(connection);
    transport_reset(&connection->transport);
    if (!connection->is_running)
        free_connection(connection);
}

/* --- events and time */

static void on_io(evutil_socket_t fd, short what, void *arg);

/* While one request is served, a part of what follows it is read: so that the client's leaving is
 * seen, but no further, so that it is known when the first byte of the next one came. */
static bool has_read_ahead(const struct http1_connection *connection)
{
    bool is_busy = connection->progress == HTTP1_SERVED || connection->progress == HTTP1_FLUSHING;

    return is_busy && connection->body_has_ended &&
           http1_input_text(&connection->input).count > 0 && !connection->is_closing;
}

static short watch_for(const struct http1_connection *connection)
{
    bool has_room = http1_input_has_room(&connection->input) && !has_read_ahead(connection);
    short events = EV_PERSIST;

    if (connection->is_blocked)
        events |= EV_WRITE;
    if (connection->progress == HTTP1_CLOSING)
        return events;
    if (has_room && connection->incoming != INCOMING_NONE)
        return events | EV_READ;
    /* Only whether the client leaves is still of interest. An error is told to
     * those only who wait for EV_READ or EV_WRITE, and without EV_ET the latter would never rest.
     * Nor would EV_CLOSED or EV_READ, once they have told of the end. */
    if (connection->incoming == INCOMING_MORE)
        events |= EV_CLOSED;
    return connection->is_blocked ? events : (short)(events | EV_WRITE | EV_ET);
}

static void watch(struct http1_connection *connection)
{
    short events = watch_for(connection);

    if (events == connection->watched)
        return;
    if (connection->watched != 0)
        event_del(&connection->io);
    connection->watched = events;
    event_assign(&connection->io, connection->set->options.base, connection->transport.fd, events,
                 on_io, connection);
    if (event_add(&connection->io, NULL) == 0)
        return;
    /* The system has no room for it: nothing would be heard of the client. */
    connection->watched = 0;
    connection->is_lost = true;
    connection_wake(connection);
}

static struct span idle_patience(const struct http1_set *set)
{
    switch (set->course) {
    case SET_SERVES:
        break;
    case SET_DRAINS:
        return span_min(GRACE, set->options.idle_timeout);
    case SET_ENDS:
        return SPAN_NONE;
    }
    return set->options.idle_timeout;
}

static struct instant deadline_of(const struct http1_connection *connection)
{
    const struct http1_options *options = &connection->set->options;

    switch (connection->progress) {
    case HTTP1_IDLE:
        return instant_after(connection->since, idle_patience(connection->set));
    case HTTP1_HEAD:
        return instant_after(connection->since, connection->set->course == SET_ENDS
                                                    ? SPAN_NONE
                                                    : options->header_timeout);
    case HTTP1_SERVED:
    case HTTP1_FLUSHING:
        if (!connection->is_blocked)
            return INSTANT_NEVER;
        return instant_after(connection->since, options->idle_timeout);
    case HTTP1_CLOSING:
    case HTTP1_LINGERING:
        return instant_after(connection->since, LINGER);
    case HTTP1_CLOSED:
        break;
    }
    return INSTANT_NEVER;
}

/* A timer that is set too early is left alone, and set anew when it fires: so a connection that is
 * used again and again costs one timer in each idle timeout, not several for each request. */
static void set_timer(struct http1_connection *connection, struct instant now)
{
    struct instant deadline = deadline_of(connection);
    struct timeval wait;

    if (deadline.ns >= connection->timer_at.ns)
        return;
    connection->timer_at = deadline;
    wait = clock_timeval(span_until(deadline, now));
    event_add(&connection->timer, &wait);
}

void connection_settle(struct http1_connection *connection, struct instant now)
{
    if (connection->progress == HTTP1_CLOSED || connection->is_running)
        return;
    watch(connection);
    set_timer(connection, now);
}

void connection_wake(struct http1_connection *connection)
{
    if (!connection->is_running && connection->progress != HTTP1_CLOSED)
        event_active(&connection->turn, EV_TIMEOUT, 0);
}

static void enter(struct http1_connection *connection)
{
    assert(!connection->is_running && connection->progress != HTTP1_CLOSED);
    connection->is_running = true;
}

static void leave(struct http1_connection *connection, struct instant now)
{
    connection->is_running = false;
    if (connection->progress == HTTP1_CLOSED)
        free_connection(connection);
    else
        connection_settle(connection, now);
}

static void on_io(evutil_socket_t fd, short what, void *arg)
{
    struct instant now = clock_now();
    struct http1_connection *connection = arg;

    (void)fd;
    enter(connection);
    if (what & EV_WRITE) {
        connection_flush(connection, now);
        if ((connection->watched & EV_ET) && transport_is_broken(&connection->transport))
            connection->is_lost = true;
        /* A reply that is all sent has been sent, even to a client that leaves now. */
        connection_serve(connection, now);
    }
    if ((what & EV_CLOSED) && connection->incoming == INCOMING_MORE)
        connection->incoming = INCOMING_LAST;
    if ((what & EV_READ) && connection->progress != HTTP1_CLOSED)
        connection_read(connection, now);
    connection_serve(connection, now);
    leave(connection, now);
}

static void on_turn(evutil_socket_t fd, short what, void *arg)
{
    struct instant now = clock_now();
    struct http1_connection *connection = arg;

    (void)fd;
    (void)what;
    enter(connection);
    connection_serve(connection, now);
    leave(connection, now);
}

static void on_deadline(struct http1_connection *connection, struct instant now)
{
    static const struct http1_refusal TOO_SLOW = {408, "The head of the request took too long."};

    switch (connection->progress) {
    case HTTP1_IDLE:
        connection_linger(connection, now);
        break;
    case HTTP1_HEAD:
        connection_refuse(connection, TOO_SLOW, now);
        break;
    case HTTP1_SERVED:
    case HTTP1_FLUSHING:
        connection_lose(connection, CLIENT_LEFT, now);
        break;
    case HTTP1_LINGERING:
        connection_linger_on(connection, now);
        break;
    default:
        connection_close(connection);
        break;
    }
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct instant now = clock_now();
    struct http1_connection *connection = arg;

    (void)fd;
    (void)what;
    enter(connection);
    connection->timer_at = INSTANT_NEVER;
    if (connection->progress <= HTTP1_HEAD && instant_reached(deadline_of(connection), now)) {
        connection_read(connection, now); /* what has come by now is served */
        connection_serve(connection, now);
    }
    if (instant_reached(deadline_of(connection), now)) {
        on_deadline(connection, now);
        connection_serve(connection, now);
    }
    leave(connection, now);
}

/* --- in and out */

void http1_accept(struct http1_set *set, evutil_socket_t fd, const struct peer *peer,
                  struct instant now)
{
    struct http1_connection *connection = pool_take(set->options.pool, POOL_1K);

    static_assert(sizeof(*connection) <= 1024, "it must fit into its block");
    *connection = (struct http1_connection){
        .client = {.codec = &http1_codec},
        .set = set,
        .progress = HTTP1_IDLE,
        .since = now,
        .timer_at = INSTANT_NEVER,
        .transport = {.fd = fd},
        .peer = *peer,
    };
    event_assign(&connection->io, set->options.base, fd, EV_READ | EV_PERSIST, on_io, connection);
    event_assign(&connection->timer, set->options.base, -1, 0, on_timer, connection);
    event_assign(&connection->turn, set->options.base, -1, 0, on_turn, connection);
    link_connection(set, connection);
    connection_settle(connection, now);
}

void http1_drain(struct http1_set *set, struct instant now)
{
    set->course = SET_DRAINS;
    for (struct http1_connection *connection = set->connections; connection;
         connection = connection->next) {
        if (connection->progress != HTTP1_IDLE)
            continue;
        connection->since = now;
        connection_settle(connection, now);
    }
}

void http1_end(struct http1_set *set)
{
    set->course = SET_ENDS;
    for (struct http1_connection *next, *connection = set->connections; connection;
         connection = next) {
        next = connection->next;
        on_timer(-1, EV_TIMEOUT, connection);
    }
}
