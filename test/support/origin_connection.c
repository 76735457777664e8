#include "test/support/origin_connection.h"

#include <assert.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy/clock.h"
#include "test/support/origin_script.h"

static void take(struct connection *connection)
{
    struct origin *origin = connection->origin;

    pthread_mutex_lock(&origin->lock);
    message_take(&connection->arrival->message, &connection->source);
    pthread_mutex_unlock(&origin->lock);
}

static bool read_body(void *owner, size_t count)
{
    struct connection *connection = owner;
    const struct message *message = &connection->arrival->message;

    for (;;) {
        take(connection);
        if (message->state != MESSAGE_BODY)
            return message->state == MESSAGE_COMPLETE;
        if (count > 0 && message->body_count >= count)
            return true;
        if (!source_fill(&connection->source, span_s(60)))
            return false;
    }
}

/* How long ago its last bytes came, in ms; for a unix socket always 0. */
static unsigned silent_ms(const struct connection *connection)
{
    struct tcp_info info = {.tcpi_last_data_recv = 0};
    socklen_t length = sizeof(info);

    if (getsockopt(connection->fd, IPPROTO_TCP, TCP_INFO, &info, &length) != 0)
        return 0;
    return info.tcpi_last_data_recv;
}

static bool has_come_before(const struct connection *other, const struct connection *connection)
{
    unsigned other_ms = silent_ms(other), own_ms = silent_ms(connection);

    return other_ms > own_ms || (other_ms == own_ms && other->index < connection->index);
}

/* Is there a request on another connection that came earlier, and is no arrival yet? */
static bool is_overtaking(const struct connection *connection)
{
    struct origin *origin = connection->origin;
    bool is_first = true;

    pthread_mutex_lock(&origin->lock);
    for (size_t i = 0; i < origin->connections_count && is_first; i++) {
        const struct connection *other = origin->connections[i];
        int unread = 0;
        if (other->awaits_head && ioctl(other->fd, FIONREAD, &unread) == 0)
            is_first = (unread == 0 && !other->is_hearing) || !has_come_before(other, connection);
    }
    pthread_mutex_unlock(&origin->lock);
    return !is_first;
}

/* Waits for more of a head. Scripts are given out in the order of requests, not of their threads. */
static bool hear(struct connection *connection)
{
    struct pollfd heard = {.fd = connection->fd, .events = POLLIN};

    connection->is_hearing = false;
    pthread_mutex_lock(&connection->origin->lock);
    connection->awaits_head = true;
    pthread_mutex_unlock(&connection->origin->lock);
    (void)poll(&heard, 1, 60 * 1000);
    connection->is_hearing = true;
    while (is_overtaking(connection))
        usleep(200);
    return source_fill(&connection->source, SPAN_NONE);
}

/* Reads the next head. NULL: the proxy has left, or did not speak HTTP. */
static struct arrival *read_head(struct connection *connection)
{
    struct arrival *arrival = calloc(1, sizeof(*arrival));

    assert(arrival != NULL);
    message_init(&arrival->message, false);
    arrival->connection = connection->index;
    for (;;) {
        message_take(&arrival->message, &connection->source);
        if (arrival->message.state != MESSAGE_HEAD)
            break;
        if (!hear(connection)) {
            message_finish(&arrival->message);
            free(arrival);
            return NULL;
        }
    }
    arrival->at = clock_now();
    return arrival;
}

static const struct script *next_script(struct origin *origin)
{
    size_t turn = origin->turn++;

    return &origin->scripts[turn < origin->scripts_count ? turn : origin->scripts_count - 1];
}

/* NULL: there is no further request. */
static const struct script *receive(struct connection *connection)
{
    struct origin *origin = connection->origin;
    struct arrival *arrival = read_head(connection);
    const struct script *script;

    if (arrival == NULL)
        return NULL;
    pthread_mutex_lock(&origin->lock);
    assert(origin->arrivals_count < REQUESTS_MAX);
    origin->arrivals[origin->arrivals_count++] = arrival;
    connection->arrival = arrival;
    connection->awaits_head = false;
    script = next_script(origin);
    pthread_mutex_unlock(&origin->lock);
    return script;
}

void connection_greet(struct connection *connection)
{
    struct origin *origin = connection->origin;
    size_t turn = origin->turn < origin->scripts_count ? origin->turn : origin->scripts_count - 1;

    connection->awaits_head = !origin->scripts[turn].on_accept;
    if (!connection->awaits_head)
        connection->greeting = next_script(origin);
}

static bool has_had(void *owner, size_t count)
{
    return origin_requests(((struct connection *)owner)->origin) >= count;
}

void *connection_serve(void *arg)
{
    struct connection *connection = arg;
    struct origin *origin = connection->origin;
    struct stage stage = {connection->fd, &origin->sent, read_body, has_had, connection};
    const struct script *script = connection->greeting;

    if (script == NULL)
        script = receive(connection);
    while (script != NULL && stage_play(&stage, script) == STAGE_ON)
        script = receive(connection);
    struct instant now = clock_now();
    pthread_mutex_lock(&origin->lock);
    close(connection->fd);
    connection->fd = -1;
    connection->has_ended = true;
    connection->ended = now;
    pthread_mutex_unlock(&origin->lock);
    return NULL;
}

void connection_stop(struct connection *connection)
{
    struct origin *origin = connection->origin;

    pthread_mutex_lock(&origin->lock);
    if (connection->fd >= 0)
        shutdown(connection->fd, SHUT_RDWR);
    pthread_mutex_unlock(&origin->lock);
    pthread_join(connection->thread, NULL);
}

void connection_destroy(struct connection *connection)
{
    source_finish(&connection->source);
    free(connection);
}
