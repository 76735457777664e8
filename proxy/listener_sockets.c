/* Opening of listening sockets; listener.c accepts from them. */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "proxy/listener.h"
#include "proxy/place.h"

static bool complain(FILE *complaints, const struct conf_address *address, const char *why)
{
    fprintf(complaints, "hourglass: cannot listen on %s: %s\n", address->text, why);
    return false;
}

/* A socket that is bound to place; -1 and errno on failure. */
static int bind_socket(const struct place *place, bool is_shared)
{
    const int on = 1;
    int family = place->as.any.sa_family;
    int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int error;

    if (fd < 0)
        return -1;
    if ((family == AF_UNIX || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0) &&
        (!is_shared || setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) == 0) &&
        (family != AF_INET6 || setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) == 0) &&
        bind(fd, &place->as.any, place->length) == 0)
        return fd;
    error = errno;
    close(fd);
    errno = error;
    return -1;
}

static int listen_socket(const struct place *place, bool is_shared)
{
    int fd = bind_socket(place, is_shared);
    int error;

    if (fd < 0 || listen(fd, SOMAXCONN) == 0)
        return fd;
    error = errno;
    close(fd);
    errno = error;
    return -1;
}

/* SO_REUSEPORT would let a second proxy of the same user take half of the first one's connections
 * without a word: is the port free for somebody who does not share? */
static bool is_free(const struct place *place)
{
    int fd = bind_socket(place, false);

    if (fd < 0)
        return false;
    close(fd);
    return true;
}

/* The port that the kernel gave the first socket is what the others are bound to. */
static void keep_port(struct place *place, int fd)
{
    socklen_t length = place->length;

    (void)getsockname(fd, &place->as.any, &length);
}

/* Closes those of the first `count` that were opened here. */
static void close_opened(const struct listener_sockets *sockets, size_t count)
{
    int error = errno;

    for (size_t i = sockets->inherited; i < count; i++)
        close(sockets->fds[i]);
    errno = error;
}

static bool open_ports(struct place *place, const struct listener_sockets *sockets)
{
    if (sockets->inherited == 0 && place_port(place) != 0 && !is_free(place))
        return false;
    for (size_t i = sockets->inherited; i < sockets->count; i++) {
        sockets->fds[i] = listen_socket(place, true);
        if (sockets->fds[i] < 0) {
            close_opened(sockets, i);
            return false;
        }
        if (i == 0)
            keep_port(place, sockets->fds[0]);
    }
    return true;
}

/* Removes a socket file that nobody accepts on. False and errno: it must stay, or cannot go. */
static bool remove_stale(const struct place *place)
{
    const char *path = place->as.local.sun_path;
    struct stat found;
    int fd;
    bool is_stale;

    if (lstat(path, &found) != 0)
        return errno == ENOENT;
    errno = EEXIST;
    if (!S_ISSOCK(found.st_mode))
        return false;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    is_stale = connect(fd, &place->as.any, place->length) != 0 && errno == ECONNREFUSED;
    close(fd);
    errno = EADDRINUSE;
    return is_stale && unlink(path) == 0;
}

static bool open_first_path(const struct place *place, int *fd)
{
    *fd = remove_stale(place) ? listen_socket(place, false) : -1;
    if (*fd < 0)
        return false;
    /* Open to every user, as nginx has it: who may connect is for the folder's permissions to say. */
    if (chmod(place->as.local.sun_path, 0666) == 0)
        return true;
    close(*fd);
    return false;
}

static bool open_path(const struct place *place, const struct listener_sockets *sockets)
{
    if (sockets->inherited == 0 && !open_first_path(place, &sockets->fds[0]))
        return false;
    for (size_t i = sockets->inherited > 0 ? sockets->inherited : 1; i < sockets->count; i++) {
        sockets->fds[i] = fcntl(sockets->fds[0], F_DUPFD_CLOEXEC, 0);
        if (sockets->fds[i] < 0) {
            close_opened(sockets, i);
            return false;
        }
    }
    return true;
}

bool listener_open_sockets(const struct conf_address *address, struct listener_sockets *sockets,
                           FILE *complaints)
{
    struct place place;
    bool is_open;

    if (!place_of_address(&place, address))
        return complain(complaints, address, "not an address, or too long a path");
    is_open = address->path ? open_path(&place, sockets) : open_ports(&place, sockets);
    if (!is_open)
        return complain(complaints, address, strerror(errno));
    sockets->port = place_port(&place);
    return true;
}

/* A filter, and not close: a close resets the connections whose handshake is not over yet, and
 * their clients believe that they are connected. It sees the header of tcp (RFC 9293 section 3.1),
 * whose byte 13 holds the flags. */
static void shut_port(int fd)
{
    static struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 13),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, TH_SYN, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, 0),
        BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
    };
    const struct sock_fprog program = {.len = sizeof(code) / sizeof(code[0]), .filter = code};

    /* Where it is refused, a few connections more are reset. */
    (void)setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
}

void listener_shut_socket(evutil_socket_t fd)
{
    int family = AF_UNSPEC;
    socklen_t length = sizeof(family);

    (void)getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &length);
    if (family == AF_UNIX)
        shutdown(fd, SHUT_RD);
    else
        shut_port(fd);
}
