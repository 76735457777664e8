#include "test/support/retort.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "test/support/address.h"
#include "test/support/strict.h"

enum { PEERS_MAX = 600, REQUEST_MAX = 4096, FIRST_PEER = 2, BACKLOG = 2048, TURN_MS = 1 };

/* One connection. */
struct peer {
    char bytes[REQUEST_MAX]; /* of a request that is still coming */
    size_t count;
    char next[REQUEST_MAX]; /* an answer that is not one of the list */
    struct retort_answer answer;
    size_t said; /* of it; all when there is nothing to say */
};

struct retort {
    char address[ADDRESS_ROOM];
    const struct retort_answer *answers; /* borrowed */
    size_t answers_count;
    int stop_pipe[2];
    pthread_t thread;
    /* What follows is the thread's. The stop pipe, the listener, and the peers. */
    struct pollfd watched[FIRST_PEER + PEERS_MAX];
    struct peer *peers[FIRST_PEER + PEERS_MAX]; /* owned */
    nfds_t count;
    struct strict strict;
    char complaint[2 * REQUEST_MAX];
};

static void complain(struct retort *retort, const struct peer *peer, const char *why)
{
    if (retort->complaint[0] == '\0')
        snprintf(retort->complaint, sizeof(retort->complaint), "%s in:\n%.*s", why,
                 (int)peer->count, peer->bytes);
}

/* So much it says in all. */
static size_t end_of(const struct retort_answer *answer)
{
    return answer->goes_on ? answer->bytes.count : answer->cut;
}

/* ---- what to say ------------------------------------------------------------------------------- */

static void choose(struct retort *retort, struct peer *peer)
{
    struct text target = retort->strict.target;
    const char *last = memrchr(target.at, '/', target.count);
    struct text name = TEXT("none");
    unsigned long n = 0;

    if (last)
        name = (struct text){last + 1, (size_t)(target.at + target.count - (last + 1))};
    bool is_listed = name.count > 0 && name.at[0] >= '0' && name.at[0] <= '9';
    if (is_listed)
        n = strtoul(name.at, NULL, 10); /* a blank is behind it */
    if (is_listed && n < retort->answers_count) {
        peer->answer = retort->answers[n];
        return;
    }
    int count = snprintf(peer->next, sizeof(peer->next),
                         "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%.*s", name.count,
                         (int)name.count, name.at);
    peer->answer =
        (struct retort_answer){.bytes = {peer->next, (size_t)count}, .cut = (size_t)count};
}

/* False: the connection is over. */
static bool hear(struct retort *retort, int fd, struct peer *peer)
{
    ssize_t count =
        recv(fd, peer->bytes + peer->count, sizeof(peer->bytes) - peer->count, MSG_DONTWAIT);

    if (count < 0 && errno == EAGAIN)
        return true;
    if (count <= 0)
        return false;
    peer->count += (size_t)count;
    switch (strict_read(&retort->strict, (struct text){peer->bytes, peer->count})) {
    case STRICT_MORE:
        return true;
    case STRICT_REFUSED:
        complain(retort, peer, retort->strict.why);
        return false;
    case STRICT_COMPLETE:
        break;
    }
    if (retort->strict.used != peer->count || peer->said < end_of(&peer->answer))
        complain(retort, peer, "more than one request");
    choose(retort, peer);
    peer->said = peer->count = 0;
    return true;
}

/* ---- to say it --------------------------------------------------------------------------------- */

static bool is_read(int fd)
{
    int unread = 0;

    return ioctl(fd, SIOCOUTQ, &unread) != 0 || unread == 0;
}

static size_t next_piece(const struct peer *peer)
{
    const struct retort_answer *answer = &peer->answer;

    if (answer->cut == RETORT_BYTES)
        return 1;
    return (peer->said < answer->cut ? answer->cut : end_of(answer)) - peer->said;
}

/* Is there more to do than to wait? */
static bool is_busy(const struct peer *peer)
{
    return peer->said < end_of(&peer->answer) || peer->answer.closes;
}

/* False: the connection is over. */
static bool say(int fd, struct peer *peer)
{
    if (!is_read(fd))
        return true;
    if (peer->said == end_of(&peer->answer))
        return false;
    ssize_t count = send(fd, peer->answer.bytes.at + peer->said, next_piece(peer), MSG_NOSIGNAL);
    if (count > 0)
        peer->said += (size_t)count;
    return count > 0;
}

/* ---- all together ------------------------------------------------------------------------------ */

static void accept_peers(struct retort *retort)
{
    while (retort->count < FIRST_PEER + PEERS_MAX) {
        int fd = accept4(retort->watched[1].fd, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0)
            return;
        retort->watched[retort->count] = (struct pollfd){.fd = fd, .events = POLLIN};
        retort->peers[retort->count] = calloc(1, sizeof(struct peer));
        retort->count++;
    }
}

static void drop_peer(struct retort *retort, nfds_t i)
{
    close(retort->watched[i].fd);
    free(retort->peers[i]);
    retort->count--;
    retort->watched[i] = retort->watched[retort->count];
    retort->peers[i] = retort->peers[retort->count];
}

/* Returns for how long to wait for news, in ms. */
static int serve_peers(struct retort *retort)
{
    int wait_ms = -1;

    for (nfds_t i = retort->count - 1; i >= FIRST_PEER; i--) {
        struct pollfd *watched = &retort->watched[i];
        bool is_on = watched->revents == 0 || hear(retort, watched->fd, retort->peers[i]);
        if (is_on && is_busy(retort->peers[i]))
            is_on = say(watched->fd, retort->peers[i]);
        if (is_on && is_busy(retort->peers[i]))
            wait_ms = TURN_MS;
        if (!is_on)
            drop_peer(retort, i);
    }
    return wait_ms;
}

static void *run(void *arg)
{
    struct retort *retort = arg;
    int wait_ms = -1;

    while (poll(retort->watched, retort->count, wait_ms) >= 0 && retort->watched[0].revents == 0) {
        if (retort->watched[1].revents != 0)
            accept_peers(retort);
        wait_ms = serve_peers(retort);
    }
    return NULL;
}

struct retort *retort_start(const struct retort_answer *answers, size_t count)
{
    struct retort *retort = calloc(1, sizeof(*retort));
    unsigned port;

    cr_assert_not_null(retort);
    retort->answers = answers;
    retort->answers_count = count;
    address_spare(retort->address);
    cr_assert_eq(pipe(retort->stop_pipe), 0);
    retort->watched[0] = (struct pollfd){.fd = retort->stop_pipe[0], .events = POLLIN};
    retort->watched[1] =
        (struct pollfd){.fd = address_listen(retort->address, &port), .events = POLLIN};
    cr_assert_geq(retort->watched[1].fd, 0);
    /* A unix socket refuses what its backlog has no place for, which is not what is tested. */
    cr_assert_eq(listen(retort->watched[1].fd, BACKLOG), 0);
    cr_assert_eq(fcntl(retort->watched[1].fd, F_SETFL, O_NONBLOCK), 0);
    retort->count = FIRST_PEER;
    pthread_create(&retort->thread, NULL, run, retort);
    return retort;
}

const char *retort_url(const struct retort *retort)
{
    return retort->address;
}

void retort_stop(struct retort *retort)
{
    close(retort->stop_pipe[1]);
    pthread_join(retort->thread, NULL);
    while (retort->count > FIRST_PEER)
        drop_peer(retort, retort->count - 1);
    close(retort->stop_pipe[0]);
    close(retort->watched[1].fd);
    unlink(retort->address + strlen("unix:"));
    cr_expect_str_empty(retort->complaint, "the proxy sent %s", retort->complaint);
    free(retort);
}
