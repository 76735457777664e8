#include "proxy/listener.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy/clock.h"
#include "proxy/memory.h"
#include "proxy/peer.h"

/* So many connections at most before the others on this thread have their turn. */
enum { ACCEPTS_MAX = 64 };

/* More than the kernel's queue holds. */
enum { SWEEP_MAX = 2 * SOMAXCONN };

static const struct span REST = {.ns = 100 * NS_PER_MS};

struct listener {
    struct listener_options options;
    evutil_socket_t fd; /* owned */
    struct event acceptable;
    struct event rested;
};

static void count_one(counter *count)
{
    counter_add(count, 1);
}

static bool is_full(const struct listener *listener)
{
    const struct listener_options *options = &listener->options;
    size_t open = options->connections
                      ? atomic_load_explicit(options->connections, memory_order_relaxed)
                      : http1_count(options->http1);

    return open >= options->max_connections;
}

static bool lacks_memory(const struct listener *listener)
{
    return listener->options.pool && pool_is_spent(listener->options.pool);
}

/* With a word, so that the client can tell it from a fault: what it has sent already is read, or the
 * close would be a reset that takes the word away again. No memory is taken for it, and no line of
 * log written. */
static void shed(struct listener *listener, evutil_socket_t fd, enum limit limit)
{
    static const char REPLY[] = "HTTP/1.1 503 Service Unavailable\r\n"
                                "Content-Type: application/problem+json\r\n"
                                "Cache-Control: no-store\r\n"
                                "Content-Length: 125\r\n"
                                "Retry-After: 1\r\n"
                                "Connection: close\r\n"
                                "\r\n"
                                "{\"type\":\"about:blank\",\"title\":\"Service Unavailable\","
                                "\"status\":503,\"detail\":\"There is more to do than can be "
                                "done right now.\"}\n";
    char dropped[4096];

    if (listener->options.metrics) { /* first: who has the answer sees it counted */
        count_one(&listener->options.metrics->connections_shed);
        count_one(&listener->options.metrics->limits[limit]);
    }
    (void)send(fd, REPLY, sizeof(REPLY) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    shutdown(fd, SHUT_WR);
    (void)recv(fd, dropped, sizeof(dropped), MSG_DONTWAIT);
    close(fd);
}

static void take_in(struct listener *listener, evutil_socket_t fd, const struct sockaddr *address,
                    struct instant now)
{
    const struct listener_options *options = &listener->options;
    const int on = 1;
    struct peer peer;

    peer_name(&peer, address);
    peer.is_trusted = peer_is_trusted(options->trusts, options->trusts_count, address);
    if (!peer.is_unix)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (options->metrics)
        count_one(&options->metrics->connections_accepted);
    http1_accept(options->http1, fd, &peer, now);
}

static bool is_shortage(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

/* The connection waits in the kernel's queue meanwhile. Without the rest this would be called again
 * at once, and again. */
static void rest(struct listener *listener)
{
    struct timeval wait = clock_timeval(REST);

    if (listener->options.metrics)
        count_one(&listener->options.metrics->accept_errors);
    event_del(&listener->acceptable);
    event_add(&listener->rested, &wait);
}

static void on_rested(evutil_socket_t fd, short what, void *arg)
{
    struct listener *listener = arg;

    (void)fd;
    (void)what;
    if (event_add(&listener->acceptable, NULL) != 0)
        rest(listener);
}

enum accepted { ACCEPTED_ONE, ACCEPTED_NONE, ACCEPTED_SHORT };

/* EINVAL is what a unix socket says that turns away, when its queue is empty. */
static enum accepted accept_one(struct listener *listener, struct instant now)
{
    struct sockaddr_storage address = {.ss_family = AF_UNSPEC};
    socklen_t length = sizeof(address);
    struct sockaddr *generic = (struct sockaddr *)&address;
    int fd = accept4(listener->fd, generic, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (fd < 0 && is_shortage(errno))
        return ACCEPTED_SHORT;
    if (fd < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINVAL))
        return ACCEPTED_NONE;
    if (fd >= 0 && is_full(listener))
        shed(listener, fd, LIMIT_CONNECTIONS);
    else if (fd >= 0 && lacks_memory(listener))
        shed(listener, fd, LIMIT_MEMORY);
    else if (fd >= 0)
        take_in(listener, fd, generic, now);
    return ACCEPTED_ONE; /* or only that one connection has failed: the next */
}

static void on_acceptable(evutil_socket_t fd, short what, void *arg)
{
    struct instant now = clock_now();
    struct listener *listener = arg;

    (void)fd, (void)what;
    for (int i = 0; i < ACCEPTS_MAX; i++) {
        enum accepted accepted = accept_one(listener, now);
        if (accepted == ACCEPTED_SHORT)
            rest(listener);
        if (accepted != ACCEPTED_ONE)
            return;
    }
}

void listener_turn_away(struct listener *listener)
{
    event_del(&listener->acceptable);
    event_del(&listener->rested);
    listener_shut_socket(listener->fd);
}

bool listener_sweep(struct listener *listener, struct instant now)
{
    for (int i = 0; i < SWEEP_MAX; i++) {
        enum accepted accepted = accept_one(listener, now);
        if (accepted == ACCEPTED_SHORT && listener->options.metrics)
            count_one(&listener->options.metrics->accept_errors);
        if (accepted != ACCEPTED_ONE)
            return accepted == ACCEPTED_NONE;
    }
    return false;
}

struct listener *listener_create(const struct listener_options *options, evutil_socket_t fd)
{
    struct listener *listener = memory_take_clear(1, sizeof(*listener));

    listener->options = *options;
    listener->fd = fd;
    event_assign(&listener->acceptable, options->base, fd, EV_READ | EV_PERSIST, on_acceptable,
                 listener);
    event_assign(&listener->rested, options->base, -1, 0, on_rested, listener);
    event_add(&listener->acceptable, NULL);
    return listener;
}

void listener_destroy(struct listener *listener)
{
    if (!listener)
        return;
    event_del(&listener->acceptable);
    event_del(&listener->rested);
    close(listener->fd);
    free(listener);
}
