#include "proxy/inheritance.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "proxy/handover.h"
#include "proxy/memory.h"
#include "proxy/place.h"

enum { PATIENCE_S = 5 };

static const char NO_ANSWER[] = "it does not answer";

struct inheritance {
    int giver; /* owned: the connection to the other process */
    int *fds;  /* owned, and what they name; -1: claimed */
    size_t count;
};

static bool complain(FILE *complaints, pid_t pid, const char *why)
{
    fprintf(complaints, "hourglass: cannot replace process %ld: %s\n", (long)pid, why);
    return false;
}

/* Anybody may wait under that name: it must be the process itself, and not another user's that has got
 * its number; root may take over from anybody. */
static bool is_process(int fd, pid_t pid)
{
    struct ucred who;
    socklen_t length = sizeof who;

    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &length) == 0 && who.pid == pid &&
           (who.uid == geteuid() || who.uid == 0 || geteuid() == 0);
}

static bool call(int fd, pid_t pid, FILE *complaints)
{
    const struct timeval patience = {.tv_sec = PATIENCE_S};
    struct sockaddr_un name;
    socklen_t length = handover_name(&name, pid);

    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience); /* of connect too */
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (kill(pid, 0) != 0)
        return complain(complaints, pid, strerror(errno));
    if (connect(fd, (struct sockaddr *)&name, length) != 0 && errno != ECONNREFUSED)
        return complain(complaints, pid, errno == EAGAIN ? NO_ANSWER : strerror(errno));
    if (!is_process(fd, pid))
        return complain(complaints, pid, "it is no hourglass, or is stopping already");
    return true;
}

static void keep(struct inheritance *inheritance, const struct cmsghdr *control)
{
    size_t count = (control->cmsg_len - CMSG_LEN(0)) / sizeof(int);

    inheritance->fds =
        memory_resize(inheritance->fds, (inheritance->count + count + 1) * sizeof(int));
    memcpy(inheritance->fds + inheritance->count, CMSG_DATA(control), count * sizeof(int));
    inheritance->count += count;
}

/* Returns how many sockets are still to come behind this message; -1 and errno when there is none, of
 * which 0 means that the other end has closed. */
static long receive(struct inheritance *inheritance)
{
    struct handover_message message;
    struct iovec text = {.iov_base = &message.left, .iov_len = sizeof message.left};
    struct msghdr header = {
        .msg_iov = &text,
        .msg_iovlen = 1,
        .msg_control = message.control.bytes,
        .msg_controllen = sizeof message.control.bytes,
    };
    errno = 0;
    ssize_t got = recvmsg(inheritance->giver, &header, MSG_CMSG_CLOEXEC);

    for (struct cmsghdr *control = CMSG_FIRSTHDR(&header); got > 0 && control;
         control = CMSG_NXTHDR(&header, control)) {
        if (control->cmsg_level == SOL_SOCKET && control->cmsg_type == SCM_RIGHTS)
            keep(inheritance, control);
    }
    if (got > 0 && (header.msg_flags & MSG_CTRUNC))
        errno = EMFILE;
    return got == sizeof message.left && errno == 0 ? (long)message.left : -1;
}

static bool receive_all(struct inheritance *inheritance, pid_t pid, FILE *complaints)
{
    long left;

    do
        left = receive(inheritance);
    while (left > 0);
    if (left == 0)
        return true;
    if (errno == EAGAIN)
        return complain(complaints, pid, NO_ANSWER);
    if (errno == 0)
        return complain(complaints, pid, "it runs as another user, or is being replaced already");
    return complain(complaints, pid, strerror(errno));
}

struct inheritance *inheritance_create(pid_t pid, FILE *complaints)
{
    struct inheritance *inheritance = memory_take_clear(1, sizeof *inheritance);

    inheritance->giver = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (inheritance->giver < 0)
        (void)complain(complaints, pid, strerror(errno));
    else if (call(inheritance->giver, pid, complaints) && receive_all(inheritance, pid, complaints))
        return inheritance;
    inheritance_destroy(inheritance);
    return NULL;
}

/* Does it listen there? */
static bool is_at(int fd, const struct place *wanted)
{
    struct place place;

    return fd >= 0 && place_of_socket(&place, fd) && place_equals(&place, wanted);
}

size_t inheritance_claim(struct inheritance *inheritance, const struct conf_address *address,
                         int **fds)
{
    struct place wanted;
    size_t count = 0;

    *fds = NULL;
    if (!place_of_address(&wanted, address))
        return 0;
    for (size_t i = 0; i < inheritance->count; i++) {
        if (!is_at(inheritance->fds[i], &wanted))
            continue;
        *fds = memory_resize(*fds, (count + 1) * sizeof(int));
        (*fds)[count++] = inheritance->fds[i];
        inheritance->fds[i] = -1;
    }
    return count;
}

/* The file of a socket that nobody will listen on any more. */
static void remove_file(int fd)
{
    struct place place;
    struct stat found;

    if (place_of_socket(&place, fd) && place.as.any.sa_family == AF_UNIX &&
        lstat(place.as.local.sun_path, &found) == 0 && S_ISSOCK(found.st_mode))
        unlink(place.as.local.sun_path);
}

static void close_unclaimed(struct inheritance *inheritance)
{
    for (size_t i = 0; i < inheritance->count; i++) {
        if (inheritance->fds[i] >= 0)
            close(inheritance->fds[i]);
    }
    inheritance->count = 0;
}

void inheritance_accept(struct inheritance *inheritance)
{
    (void)send(inheritance->giver, "", 1, MSG_NOSIGNAL);
    for (size_t i = 0; i < inheritance->count; i++) {
        if (inheritance->fds[i] >= 0)
            remove_file(inheritance->fds[i]);
    }
    close_unclaimed(inheritance);
}

void inheritance_destroy(struct inheritance *inheritance)
{
    if (!inheritance)
        return;
    close_unclaimed(inheritance);
    if (inheritance->giver >= 0)
        close(inheritance->giver);
    free(inheritance->fds);
    free(inheritance);
}
