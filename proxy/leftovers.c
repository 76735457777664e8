#include "proxy/leftovers.h"

#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

/* They lie there already, or libcurl has read them together with a response that has no body, and
 * thrown them away unseen: only the kernel's count tells, which a unix socket does not have. */
bool leftovers_are_there(int fd, int64_t response_bytes, uint64_t *used)
{
    struct tcp_info info = {.tcpi_bytes_received = 0};
    socklen_t size = sizeof info;
    uint64_t before = *used;
    char byte;

    if (response_bytes < 0 || getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0)
        return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
    *used = info.tcpi_bytes_received;
    return *used - before != (uint64_t)response_bytes;
}

void leftovers_drop(int fd)
{
    struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    int unsent = 0;

    if (ioctl(fd, SIOCOUTQ, &unsent) == 0 && unsent > 0)
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}
