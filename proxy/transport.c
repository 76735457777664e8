#include "proxy/transport.h"

#include <errno.h>
#include <linux/sockios.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static enum transport_result result_of_errno(void)
{
    bool is_passing = errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;

    return is_passing ? TRANSPORT_AGAIN : TRANSPORT_BROKEN;
}

enum transport_result transport_read(struct transport *transport, char *to, size_t room,
                                     size_t *count)
{
    ssize_t got = recv(transport->fd, to, room, 0);

    *count = got > 0 ? (size_t)got : 0;
    if (got > 0)
        return TRANSPORT_OK;
    return got == 0 ? TRANSPORT_ENDED : result_of_errno();
}

enum transport_result transport_write(struct transport *transport, struct iovec *pieces,
                                      int pieces_count, size_t *count)
{
    struct msghdr message = {.msg_iov = pieces, .msg_iovlen = (size_t)pieces_count};
    ssize_t sent = sendmsg(transport->fd, &message, MSG_NOSIGNAL);

    *count = sent > 0 ? (size_t)sent : 0;
    return sent >= 0 ? TRANSPORT_OK : result_of_errno();
}

bool transport_is_broken(struct transport *transport)
{
    struct pollfd state = {.fd = transport->fd};

    return poll(&state, 1, 0) > 0 && (state.revents & (POLLERR | POLLHUP | POLLNVAL)) != 0;
}

bool transport_has_unsent(const struct transport *transport)
{
    int unsent = 0;

    return ioctl(transport->fd, SIOCOUTQ, &unsent) == 0 && unsent > 0;
}

void transport_end(struct transport *transport)
{
    shutdown(transport->fd, SHUT_WR);
}

void transport_close(struct transport *transport)
{
    if (transport->fd >= 0)
        close(transport->fd);
    transport->fd = -1;
}

void transport_reset(struct transport *transport)
{
    struct linger at_once = {.l_onoff = 1, .l_linger = 0};

    setsockopt(transport->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    transport_close(transport);
}
