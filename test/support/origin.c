#include "test/support/origin.h"

#include <assert.h>
#include <criterion/criterion.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy/clock.h"
#include "test/support/address.h"
#include "test/support/origin_script.h"

enum { CONNECTIONS_MAX = 4096, REQUESTS_MAX = 4096 };

struct connection {
    struct origin *origin; /* borrowed */
    size_t index;
    pthread_t thread;
    int fd; /* -1: closed */
    bool has_ended;
    struct instant ended;
    struct source source;
    struct arrival *arrival; /* of the request that is being served; NULL before the first */
};

struct origin {
    struct origin *next;
    struct script *scripts; /* owned */
    size_t scripts_count;
    int listener;
    unsigned port;
    int stop_pipe[2];
    pthread_t thread;
    atomic_size_t sent;

    pthread_mutex_t lock; /* guards what follows, connections and arrivals included */
    size_t turn;          /* scripts begun */
    struct connection *connections[CONNECTIONS_MAX];
    size_t connections_count;
    struct arrival *arrivals[REQUESTS_MAX];
    size_t arrivals_count;
};

static struct origin *origins; /* of this test */

/* --- the threads of its connections */

static void note_end(struct connection *connection)
{
    struct origin *origin = connection->origin;
    struct instant now = clock_now();

    pthread_mutex_lock(&origin->lock);
    if (!connection->has_ended) {
        connection->has_ended = true;
        connection->ended = now;
    }
    pthread_mutex_unlock(&origin->lock);
}

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
        if (!source_fill(&connection->source, span_s(60))) {
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
    script = next_script(origin);
    pthread_mutex_unlock(&origin->lock);
    return script;
}

/* The script for a connection before its first request, if there is one. */
static const struct script *greet(struct connection *connection)
{
    struct origin *origin = connection->origin;
    const struct script *script = NULL;

    pthread_mutex_lock(&origin->lock);
    size_t turn = origin->turn < origin->scripts_count ? origin->turn : origin->scripts_count - 1;
    if (origin->scripts[turn].on_accept)
        script = next_script(origin);
    pthread_mutex_unlock(&origin->lock);
    return script;
}

static void *serve(void *arg)
{
    struct connection *connection = arg;
    struct origin *origin = connection->origin;
    struct stage stage = {connection->fd, &origin->sent, read_body, connection};
    const struct script *script = greet(connection);
    enum stage_end end = script == NULL ? STAGE_ON : stage_play(&stage, script);

    while (end == STAGE_ON) {
        script = receive(connection);
        end = script == NULL ? STAGE_LEFT : stage_play(&stage, script);
    }
    note_end(connection);
    pthread_mutex_lock(&origin->lock);
    close(connection->fd);
    connection->fd = -1;
    pthread_mutex_unlock(&origin->lock);
    return NULL;
}

static void *accept_all(void *arg)
{
    struct origin *origin = arg;
    int fd;

    while ((fd = address_accept(origin->listener, origin->stop_pipe[0])) >= 0) {
        struct connection *connection = calloc(1, sizeof(*connection));

        assert(connection != NULL && origin->connections_count < CONNECTIONS_MAX);
        *connection = (struct connection){.origin = origin, .fd = fd};
        source_init(&connection->source, fd);
        pthread_mutex_lock(&origin->lock);
        connection->index = origin->connections_count;
        origin->connections[origin->connections_count++] = connection;
        pthread_create(&connection->thread, NULL, serve, connection);
        pthread_mutex_unlock(&origin->lock);
    }
    return NULL;
}

/* --- the test's side: begin and end */

struct origin *origin_start(const char *address, const struct script *scripts, size_t count)
{
    struct origin *origin = calloc(1, sizeof(*origin));

    cr_assert_not_null(origin);
    origin->scripts = calloc(count, sizeof(*scripts));
    memcpy(origin->scripts, scripts, count * sizeof(*scripts));
    origin->scripts_count = count;
    origin->listener = address_listen(address, &origin->port);
    cr_assert_geq(origin->listener, 0, "cannot listen on %s", address);
    cr_assert_eq(pipe2(origin->stop_pipe, O_CLOEXEC), 0);
    pthread_mutex_init(&origin->lock, NULL);
    pthread_create(&origin->thread, NULL, accept_all, origin);
    origin->next = origins;
    origins = origin;
    return origin;
}

struct origin *origin_answering(const char *answer, int64_t after_ms)
{
    return ORIGIN({.deeds = {READ_ALL, WAIT_MS(after_ms), SEND(answer)}});
}

static void stop_connection(struct connection *connection)
{
    struct origin *origin = connection->origin;

    pthread_mutex_lock(&origin->lock);
    if (connection->fd >= 0)
        shutdown(connection->fd, SHUT_RDWR);
    pthread_mutex_unlock(&origin->lock);
    pthread_join(connection->thread, NULL);
    source_finish(&connection->source);
    free(connection);
}

static void origin_stop(struct origin *origin)
{
    close(origin->stop_pipe[1]);
    pthread_join(origin->thread, NULL);
    for (size_t i = 0; i < origin->connections_count; i++)
        stop_connection(origin->connections[i]);
    for (size_t i = 0; i < origin->arrivals_count; i++) {
        message_finish(&origin->arrivals[i]->message);
        free(origin->arrivals[i]);
    }
    close(origin->stop_pipe[0]);
    close(origin->listener);
    free(origin->scripts);
    free(origin);
}

void origins_stop(void)
{
    while (origins != NULL) {
        struct origin *next = origins->next;

        origin_stop(origins);
        origins = next;
    }
}

/* --- the test's side: looking */

/* Looks every millisecond until is_so says yes, for 5 s. */
static bool comes_true(struct origin *origin, bool (*is_so)(const struct origin *origin, size_t n),
                       size_t n)
{
    bool is_true = false;

    for (int i = 0; i < 5000 && !is_true; i++) {
        pthread_mutex_lock(&origin->lock);
        is_true = is_so(origin, n);
        pthread_mutex_unlock(&origin->lock);
        if (!is_true)
            usleep(1000);
    }
    return is_true;
}

static bool has_come(const struct origin *origin, size_t n)
{
    return origin->arrivals_count > n;
}

static bool has_body(const struct origin *origin, size_t n)
{
    return has_come(origin, n) && origin->arrivals[n]->message.state == MESSAGE_COMPLETE;
}

static bool has_ended(const struct origin *origin, size_t n)
{
    return origin->connections_count > n && origin->connections[n]->has_ended;
}

unsigned origin_port(const struct origin *origin)
{
    return origin->port;
}

size_t origin_requests(struct origin *origin)
{
    pthread_mutex_lock(&origin->lock);
    size_t count = origin->arrivals_count;
    pthread_mutex_unlock(&origin->lock);
    return count;
}

size_t origin_connections(struct origin *origin)
{
    pthread_mutex_lock(&origin->lock);
    size_t count = origin->connections_count;
    pthread_mutex_unlock(&origin->lock);
    return count;
}

size_t origin_sent(struct origin *origin)
{
    return atomic_load(&origin->sent);
}

size_t origin_received(struct origin *origin, size_t n)
{
    (void)origin_request(origin, n);
    pthread_mutex_lock(&origin->lock);
    size_t count = origin->arrivals[n]->message.body_count;
    pthread_mutex_unlock(&origin->lock);
    return count;
}

const struct arrival *origin_request(struct origin *origin, size_t n)
{
    cr_assert(comes_true(origin, has_come, n), "request %zu did not reach the origin", n);
    return origin->arrivals[n];
}

const struct arrival *origin_body(struct origin *origin, size_t n)
{
    cr_assert(comes_true(origin, has_body, n), "body %zu did not reach the origin", n);
    return origin->arrivals[n];
}

static bool aims_at(const struct arrival *arrival, const char *target)
{
    const char *blank = strchr(arrival->message.start, ' ');
    size_t count = strlen(target);

    return blank != NULL && strncmp(blank + 1, target, count) == 0 && blank[1 + count] == ' ';
}

const struct arrival *origin_request_for(struct origin *origin, const char *target)
{
    for (size_t n = 0;; n++) {
        const struct arrival *arrival = origin_request(origin, n);
        if (aims_at(arrival, target))
            return arrival;
    }
}

struct instant origin_ended(struct origin *origin, size_t n)
{
    cr_assert(comes_true(origin, has_ended, n), "connection %zu was not closed", n);
    return origin->connections[n]->ended;
}

bool origin_is_open(struct origin *origin, size_t n)
{
    pthread_mutex_lock(&origin->lock);
    bool is_open = origin->connections_count > n && !has_ended(origin, n);
    pthread_mutex_unlock(&origin->lock);
    return is_open;
}
