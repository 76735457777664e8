#include "test/support/echo.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "test/support/address.h"
#include "test/support/strict.h"

enum { PEERS_MAX = 600, REQUEST_MAX = 16 * 1024, FIRST_PEER = 2, BACKLOG = 2048 };

/* Bytes of a request that is still coming. */
struct pending {
    char bytes[REQUEST_MAX];
    size_t count;
};

struct echo {
    char address[ADDRESS_ROOM];
    int stop_pipe[2];
    pthread_t thread;
    atomic_size_t requests;
    /* What follows is the thread's. The stop pipe, the listener, and the peers. */
    struct pollfd watched[FIRST_PEER + PEERS_MAX];
    struct pending *pending[FIRST_PEER + PEERS_MAX]; /* owned */
    nfds_t count;
    struct strict strict;
    char complaint[2 * REQUEST_MAX];
};

static void complain(struct echo *echo, const struct pending *pending, const char *why)
{
    if (echo->complaint[0] == '\0')
        snprintf(echo->complaint, sizeof(echo->complaint), "%s in:\n%.*s", why, (int)pending->count,
                 pending->bytes);
}

/* False: the peer has gone. */
static bool send_back(struct echo *echo, int fd, const struct pending *pending)
{
    bool is_head = text_is(echo->strict.method, TEXT("HEAD"));
    char answer[REQUEST_MAX + 64];
    size_t head = (size_t)snprintf(
        answer, sizeof(answer), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", pending->count);

    memcpy(answer + head, pending->bytes, pending->count);
    atomic_fetch_add(&echo->requests, 1);
    return send(fd, answer, head + (is_head ? 0 : pending->count), MSG_NOSIGNAL) > 0;
}

/* False: the connection is over. */
static bool serve(struct echo *echo, int fd, struct pending *pending)
{
    ssize_t count =
        recv(fd, pending->bytes + pending->count, sizeof(pending->bytes) - pending->count, 0);

    if (count <= 0)
        return false;
    pending->count += (size_t)count;
    switch (strict_read(&echo->strict, (struct text){pending->bytes, pending->count})) {
    case STRICT_MORE:
        return true;
    case STRICT_REFUSED:
        complain(echo, pending, echo->strict.why);
        return false;
    case STRICT_COMPLETE:
        break;
    }
    if (echo->strict.used != pending->count)
        complain(echo, pending, "more than one request");
    if (!send_back(echo, fd, pending))
        return false;
    pending->count = 0;
    return true;
}

static void accept_peers(struct echo *echo)
{
    while (echo->count < FIRST_PEER + PEERS_MAX) {
        int fd = accept4(echo->watched[1].fd, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0)
            return;
        echo->watched[echo->count] = (struct pollfd){.fd = fd, .events = POLLIN};
        echo->pending[echo->count] = calloc(1, sizeof(struct pending));
        echo->count++;
    }
}

static void drop_peer(struct echo *echo, nfds_t i)
{
    close(echo->watched[i].fd);
    free(echo->pending[i]);
    echo->count--;
    echo->watched[i] = echo->watched[echo->count];
    echo->pending[i] = echo->pending[echo->count];
}

static void *run(void *arg)
{
    struct echo *echo = arg;

    while (poll(echo->watched, echo->count, -1) > 0 && echo->watched[0].revents == 0) {
        for (nfds_t i = echo->count - 1; i >= FIRST_PEER; i--) {
            if (echo->watched[i].revents != 0 &&
                !serve(echo, echo->watched[i].fd, echo->pending[i]))
                drop_peer(echo, i);
        }
        if (echo->watched[1].revents != 0)
            accept_peers(echo);
    }
    return NULL;
}

struct echo *echo_start(void)
{
    struct echo *echo = calloc(1, sizeof(*echo));
    unsigned port;

    cr_assert_not_null(echo);
    address_spare(echo->address);
    cr_assert_eq(pipe(echo->stop_pipe), 0);
    echo->watched[0] = (struct pollfd){.fd = echo->stop_pipe[0], .events = POLLIN};
    echo->watched[1] =
        (struct pollfd){.fd = address_listen(echo->address, &port), .events = POLLIN};
    cr_assert_geq(echo->watched[1].fd, 0);
    /* A unix socket refuses what its backlog has no place for, which is not what is tested. */
    cr_assert_eq(listen(echo->watched[1].fd, BACKLOG), 0);
    cr_assert_eq(fcntl(echo->watched[1].fd, F_SETFL, O_NONBLOCK), 0);
    echo->count = FIRST_PEER;
    pthread_create(&echo->thread, NULL, run, echo);
    return echo;
}

const char *echo_url(const struct echo *echo)
{
    return echo->address;
}

size_t echo_requests(struct echo *echo)
{
    return atomic_load(&echo->requests);
}

void echo_stop(struct echo *echo)
{
    close(echo->stop_pipe[1]);
    pthread_join(echo->thread, NULL);
    while (echo->count > FIRST_PEER)
        drop_peer(echo, echo->count - 1);
    close(echo->stop_pipe[0]);
    close(echo->watched[1].fd);
    unlink(echo->address + strlen("unix:"));
    cr_expect_str_empty(echo->complaint, "the proxy sent %s", echo->complaint);
    free(echo);
}
