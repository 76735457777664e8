#include "test/support/origin.h"

#include <assert.h>
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "test/support/address.h"
#include "test/support/origin_connection.h"

static struct origin *origins; /* of this test */

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
        connection_greet(connection);
        pthread_create(&connection->thread, NULL, connection_serve, connection);
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

static void origin_stop(struct origin *origin)
{
    close(origin->stop_pipe[1]);
    pthread_join(origin->thread, NULL);
    for (size_t i = 0; i < origin->connections_count; i++)
        connection_stop(origin->connections[i]);
    for (size_t i = 0; i < origin->connections_count; i++)
        connection_destroy(origin->connections[i]);
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

/* Looks every millisecond until is_so says yes, for 15 s. */
static bool comes_true(struct origin *origin, bool (*is_so)(const struct origin *origin, size_t n),
                       size_t n)
{
    bool is_true = false;

    for (int i = 0; i < 15000 && !is_true; i++) {
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

static bool has_sent(const struct origin *origin, size_t bytes)
{
    return atomic_load(&origin->sent) >= bytes || has_ended(origin, origin->connections_count - 1);
}

unsigned origin_port(const struct origin *origin)
{
    return origin->port;
}

static size_t look_at(struct origin *origin, const size_t *number)
{
    pthread_mutex_lock(&origin->lock);
    size_t seen = *number;
    pthread_mutex_unlock(&origin->lock);
    return seen;
}

size_t origin_requests(struct origin *origin)
{
    return look_at(origin, &origin->arrivals_count);
}

size_t origin_connections(struct origin *origin)
{
    return look_at(origin, &origin->connections_count);
}

size_t origin_sent(struct origin *origin)
{
    return atomic_load(&origin->sent);
}

void origin_await_sent(struct origin *origin, size_t bytes)
{
    cr_assert(comes_true(origin, has_sent, bytes), "the origin sent %zu", origin_sent(origin));
    usleep(20 * 1000); /* on a busy machine also loopback takes its time */
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
