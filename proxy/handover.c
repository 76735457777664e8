#include "proxy/handover.h"

#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proxy/memory.h"
#include "proxy/sockets.h"

struct handover {
    struct handover_options options;
    int listener;  /* owned; -1: closed */
    int successor; /* owned; -1: there is none */
    bool is_taken;
    struct event called;
    struct event told;
};

socklen_t handover_name(struct sockaddr_un *name, pid_t pid)
{
    memset(name, 0, sizeof *name);
    name->sun_family = AF_UNIX;
    int count = snprintf(name->sun_path + 1, sizeof name->sun_path - 1, "hourglass-%ld", (long)pid);
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)count);
}

/* ---- giving ----------------------------------------------------------------------------------- */

static bool is_allowed(int fd)
{
    struct ucred who;
    socklen_t length = sizeof who;

    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &length) == 0 &&
           (who.uid == geteuid() || who.uid == 0);
}

/* All fit into the socket's buffer: whoever does not read does not hold this thread up. */
static bool send_batch(int to, const int *fds, size_t count, unsigned left)
{
    struct handover_message message = {.left = left};
    struct iovec text = {.iov_base = &message.left, .iov_len = sizeof message.left};
    struct msghdr header = {
        .msg_iov = &text,
        .msg_iovlen = 1,
        .msg_control = message.control.bytes,
        .msg_controllen = CMSG_SPACE(count * sizeof(int)),
    };
    struct cmsghdr *control = CMSG_FIRSTHDR(&header);

    control->cmsg_level = SOL_SOCKET;
    control->cmsg_type = SCM_RIGHTS;
    control->cmsg_len = CMSG_LEN(count * sizeof(int));
    memcpy(CMSG_DATA(control), fds, count * sizeof(int));
    return sendmsg(to, &header, MSG_NOSIGNAL | MSG_DONTWAIT) == sizeof message.left;
}

static bool send_all(const struct handover *handover)
{
    const struct sockets *sockets = handover->options.sockets;
    size_t all = 0;
    bool is_sent = true;

    while (sockets_any(sockets, all) >= 0)
        all++;
    for (size_t sent = 0; is_sent && sent < all;) {
        int fds[HANDOVER_BATCH];
        size_t count = 0;
        while (count < HANDOVER_BATCH && sent < all)
            fds[count++] = sockets_any(sockets, sent++);
        is_sent = send_batch(handover->successor, fds, count, (unsigned)(all - sent));
    }
    return is_sent;
}

static void drop_successor(struct handover *handover)
{
    if (handover->successor < 0)
        return;
    event_del(&handover->told);
    close(handover->successor);
    handover->successor = -1;
}

/* False: it has closed the connection. */
static bool hear_successor(struct handover *handover)
{
    char byte;
    ssize_t count = recv(handover->successor, &byte, 1, MSG_DONTWAIT);

    handover->is_taken |= count > 0;
    return count > 0 || (count < 0 && (errno == EAGAIN || errno == EINTR));
}

static void on_told(evutil_socket_t fd, short what, void *arg)
{
    struct handover *handover = arg;

    (void)fd, (void)what;
    if (!hear_successor(handover))
        drop_successor(handover);
    else if (handover->is_taken)
        handover->options.on_taken(handover->options.arg);
}

static void meet(struct handover *handover, int caller)
{
    if (handover->successor >= 0 || !is_allowed(caller)) {
        close(caller);
        return;
    }
    handover->successor = caller;
    event_assign(&handover->told, handover->options.base, caller, EV_READ | EV_PERSIST, on_told,
                 handover);
    if (event_add(&handover->told, NULL) != 0 || !send_all(handover))
        drop_successor(handover);
}

static void on_called(evutil_socket_t fd, short what, void *arg)
{
    int caller;

    (void)what;
    while ((caller = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0)
        meet(arg, caller);
}

/* ---- its life --------------------------------------------------------------------------------- */

static int open_listener(void)
{
    struct sockaddr_un name;
    socklen_t length = handover_name(&name, getpid());
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0 || (bind(fd, (struct sockaddr *)&name, length) == 0 && listen(fd, 4) == 0))
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

static void close_listener(struct handover *handover)
{
    if (handover->listener < 0)
        return;
    event_del(&handover->called);
    close(handover->listener);
    handover->listener = -1;
}

struct handover *handover_create(const struct handover_options *options)
{
    int listener = open_listener();

    if (listener < 0)
        return NULL;
    struct handover *handover = memory_take_clear(1, sizeof *handover);
    handover->options = *options;
    handover->listener = listener;
    handover->successor = -1;
    /* EV_ET: where no descriptor is left, a caller waits in vain, but the loop does not spin. */
    event_assign(&handover->called, options->base, listener, EV_READ | EV_PERSIST | EV_ET,
                 on_called, handover);
    int failed = event_add(&handover->called, NULL);
    assert(failed == 0);
    return handover;
}

bool handover_end(struct handover *handover)
{
    if (!handover)
        return false;
    close_listener(handover);
    if (handover->successor >= 0 && !hear_successor(handover) && !handover->is_taken)
        drop_successor(handover);
    return handover->is_taken || handover->successor >= 0;
}

void handover_destroy(struct handover *handover)
{
    if (!handover)
        return;
    close_listener(handover);
    drop_successor(handover);
    free(handover);
}
