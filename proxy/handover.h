/* Listening sockets go from one process to the one that takes its place. Since both then have the
 * same sockets, with the same queues, no connection is refused or reset in between, as it is when a
 * socket of a SO_REUSEPORT group closes.
 *
 * The process that is to be replaced waits on an abstract unix socket, named by its process id. Who
 * connects there and is of the same user, or root, gets a message for each HANDOVER_BATCH sockets:
 * how many are still to come behind it, and the descriptors (SCM_RIGHTS, unix(7)). As soon as it
 * serves it says so by one byte; if it closes instead, nothing has happened. */
#pragma once

#include <stdbool.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/un.h>

#include "budget/checked.h"

struct event_base;
struct handover; /* the giving end; defined in handover.c */
struct sockets;

enum { HANDOVER_BATCH = 128 }; /* the kernel passes 253 at most */

/* A message, with room for descriptors behind the number of those to come. */
struct handover_message {
    unsigned left;
    union {
        struct cmsghdr head; /* for its alignment */
        char bytes[CMSG_SPACE(HANDOVER_BATCH * sizeof(int))];
    } control;
};

/* The name on which a process waits. Returns the length of the address. */
socklen_t handover_name(struct sockaddr_un *name, pid_t pid);

struct handover_options {
    struct event_base *base;       /* borrowed */
    const struct sockets *sockets; /* borrowed; all of them are open */
    void (*on_taken)(void *arg);   /* another process serves now on all that it wanted */
    void *arg;
};

/* NULL and errno: nobody can be waited for. */
CHECKED struct handover *handover_create(const struct handover_options *options);

/* Nobody is given anything from now on. True: somebody has the sockets, and will go on with them as
 * soon as it can, or does so already. */
bool handover_end(struct handover *handover);

/* NULL is fine. */
void handover_destroy(struct handover *handover);
