#include "test/support/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

union any_address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    struct sockaddr_un un;
};

static socklen_t read_address(const char *text, union any_address *address)
{
    const char *colon = strrchr(text, ':');
    char host[64] = "";
    unsigned port = 0;

    memset(address, 0, sizeof(*address));
    if (strncmp(text, "unix:", 5) == 0) {
        address->un.sun_family = AF_UNIX;
        snprintf(address->un.sun_path, sizeof(address->un.sun_path), "%s", text + 5);
        return sizeof(address->un);
    }
    if (sscanf(text, "[%63[^]]]:%u", host, &port) >= 1) {
        address->v6.sin6_family = AF_INET6;
        address->v6.sin6_port = htons((uint16_t)port);
        inet_pton(AF_INET6, host, &address->v6.sin6_addr);
        return sizeof(address->v6);
    }
    address->v4.sin_family = AF_INET;
    address->v4.sin_port = htons((uint16_t)(colon == NULL ? 0 : atoi(colon + 1)));
    snprintf(host, sizeof(host), "%.*s", (int)strcspn(text, ":"), text);
    inet_pton(AF_INET, host, &address->v4.sin_addr);
    return sizeof(address->v4);
}

static unsigned bound_port(int fd)
{
    union any_address address;
    socklen_t length = sizeof(address);

    if (getsockname(fd, &address.any, &length) != 0)
        return 0;
    if (address.any.sa_family == AF_INET)
        return ntohs(address.v4.sin_port);
    return address.any.sa_family == AF_INET6 ? ntohs(address.v6.sin6_port) : 0;
}

int address_listen(const char *text, unsigned *ret_port)
{
    union any_address address;
    socklen_t length = read_address(text, &address);
    int fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    if (bind(fd, &address.any, length) != 0 || listen(fd, 128) != 0) {
        close(fd);
        return -1;
    }
    *ret_port = bound_port(fd);
    return fd;
}

bool address_has_v6(void)
{
    unsigned port;
    int fd = address_listen("[::1]", &port);

    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

void address_spare(char address[ADDRESS_ROOM])
{
    int fd;

    strcpy(address, "unix:/tmp/hourglass-test-XXXXXX");
    fd = mkstemp(address + strlen("unix:"));
    if (fd < 0)
        abort();
    close(fd);
    unlink(address + strlen("unix:"));
}

int address_accept(int listener, int stop_fd)
{
    struct pollfd watched[2] = {{.fd = listener, .events = POLLIN}, {.fd = stop_fd}};
    int at_once = 1;
    int fd = -1;

    while (fd < 0) {
        if ((poll(watched, 2, -1) < 0 && errno != EINTR) || watched[1].revents != 0)
            return -1;
        fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    }
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof(at_once));
    return fd;
}

int address_connect(const char *text)
{
    union any_address address;
    socklen_t length = read_address(text, &address);
    int fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int at_once = 1;

    if (fd < 0)
        return -1;
    if (connect(fd, &address.any, length) != 0) {
        close(fd);
        return -1;
    }
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof(at_once));
    return fd;
}
