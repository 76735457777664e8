/* Stands before the C library in the program under test (LD_PRELOAD), counts calls, and lets one of
 * them fail as the board says. Only what a kernel can do is done: reads and writes of eventfds do
 * not fail, and of epoll_ctl only an addition needs memory. */
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "test/support/board.h"
#include "test/support/fault.h"
#include "test/support/next.h"

static struct fault_board *board; /* NULL: nothing fails */

__attribute__((constructor)) static void find_board(void)
{
    board = board_find(sizeof(*board));
}

/* What becomes of this call: 0, FAULT_SHORT or an errno. */
static int fate_of(enum fault_call call)
{
    long count;

    if (board == NULL || !atomic_load(&board->is_counting))
        return 0;
    count = atomic_fetch_add(&board->counts[call], 1) + 1;
    if (count != atomic_load(&board->at) || (int)call != atomic_load(&board->call))
        return 0;
    atomic_store(&board->has_struck, true);
    return atomic_load(&board->error);
}

static bool fails(enum fault_call call)
{
    int fate = fate_of(call);

    if (fate > 0)
        errno = fate;
    return fate > 0;
}

/* The same for a call that moves count bytes: a short one is left one of them. */
static bool fails_to_move(enum fault_call call, size_t *count)
{
    int fate = fate_of(call);

    if (fate == FAULT_SHORT && *count > 1)
        *count = 1;
    if (fate > 0)
        errno = fate;
    return fate > 0;
}

int accept4(int fd, struct sockaddr *address, socklen_t *length, int flags)
{
    NEXT(accept4);
    return fails(FAULT_ACCEPT) ? -1 : next.call(fd, address, length, flags);
}

int socket(int family, int type, int protocol)
{
    NEXT(socket);
    return fails(FAULT_SOCKET) ? -1 : next.call(family, type, protocol);
}

int connect(int fd, const struct sockaddr *address, socklen_t length)
{
    NEXT(connect);
    return fails(FAULT_CONNECT) ? -1 : next.call(fd, address, length);
}

ssize_t send(int fd, const void *bytes, size_t count, int flags)
{
    NEXT(send);
    return fails_to_move(FAULT_SEND, &count) ? -1 : next.call(fd, bytes, count, flags);
}

ssize_t recv(int fd, void *bytes, size_t count, int flags)
{
    NEXT(recv);
    return fails_to_move(FAULT_RECV, &count) ? -1 : next.call(fd, bytes, count, flags);
}

ssize_t recvfrom(int fd, void *bytes, size_t count, int flags, struct sockaddr *address,
                 socklen_t *length)
{
    NEXT(recvfrom);
    return fails(FAULT_RECVFROM) ? -1 : next.call(fd, bytes, count, flags, address, length);
}

/* The first byte of the first piece that has one. */
static struct iovec first_byte(const struct iovec *pieces, size_t count)
{
    size_t i = 0;

    while (i + 1 < count && pieces[i].iov_len == 0)
        i++;
    return (struct iovec){pieces[i].iov_base, pieces[i].iov_len > 0};
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    NEXT(sendmsg);
    int fate = fate_of(FAULT_SENDMSG);
    struct msghdr shorter = *message;
    struct iovec byte;

    if (fate > 0) {
        errno = fate;
        return -1;
    }
    if (fate == 0 || message->msg_iovlen == 0)
        return next.call(fd, message, flags);
    byte = first_byte(message->msg_iov, message->msg_iovlen);
    shorter.msg_iov = &byte;
    shorter.msg_iovlen = 1;
    return next.call(fd, &shorter, flags);
}

ssize_t writev(int fd, const struct iovec *pieces, int count)
{
    NEXT(writev);
    int fate = fate_of(FAULT_WRITEV);
    struct iovec byte;

    if (fate > 0) {
        errno = fate;
        return -1;
    }
    if (fate == 0 || count == 0)
        return next.call(fd, pieces, count);
    byte = first_byte(pieces, (size_t)count);
    return next.call(fd, &byte, 1);
}

int epoll_ctl(int epoll_fd, int operation, int fd, struct epoll_event *event)
{
    NEXT(epoll_ctl);
    if (operation == EPOLL_CTL_ADD && fails(FAULT_EPOLL_ADD))
        return -1;
    return next.call(epoll_fd, operation, fd, event);
}

int epoll_wait(int epoll_fd, struct epoll_event *events, int most, int timeout_ms)
{
    NEXT(epoll_wait);
    return fails(FAULT_EPOLL_WAIT) ? -1 : next.call(epoll_fd, events, most, timeout_ms);
}

ssize_t getrandom(void *bytes, size_t count, unsigned flags)
{
    NEXT(getrandom);
    return fails(FAULT_GETRANDOM) ? -1 : next.call(bytes, count, flags);
}

void *malloc(size_t size)
{
    NEXT(malloc);
    return fails(FAULT_MALLOC) ? NULL : next.call(size);
}

void *calloc(size_t count, size_t size)
{
    NEXT(calloc);
    return fails(FAULT_MALLOC) ? NULL : next.call(count, size);
}

void *realloc(void *at, size_t size)
{
    NEXT(realloc);
    return fails(FAULT_MALLOC) ? NULL : next.call(at, size);
}
