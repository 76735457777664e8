/* Listening sockets: opened once for all workers, so that mistakes are known before anything runs;
 * accepted from by each. */
#pragma once

#include <event2/util.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "budget/checked.h"
#include "conf/conf.h"
#include "proxy/client.h"
#include "proxy/http1.h"
#include "proxy/metrics.h"
#include "proxy/pool.h"

struct event_base;
struct listener; /* one socket, accepting on one event base; defined in listener.c */

/* The sockets of one address. */
struct listener_sockets {
    int *fds;         /* borrowed; room for count */
    size_t count;     /* how many there are to be */
    size_t inherited; /* so many of them, the first, listen there already */
    unsigned port;    /* told: the real one; 0 for a path */
};

/* Opens the sockets of one address, with SO_REUSEPORT (port 0: all on the port the kernel gives the
 * first); for a unix path, one socket and copies of its descriptor, after removing a stale socket
 * file (one that nobody accepts on). Where none is inherited, the address must be free. False: a
 * sentence for the operator went to complaints, and nothing was opened. */
CHECKED bool listener_open_sockets(const struct conf_address *address,
                                   struct listener_sockets *sockets, FILE *complaints);

/* Makes a listening socket turn away new connections: a unix socket refuses them, a tcp socket does
 * not hear of them, so that the client asks again a second later and finds the port closed, or
 * somebody else there. What is in its queue stays to be accepted. */
void listener_shut_socket(evutil_socket_t fd);

struct listener_options {
    struct event_base *base;         /* borrowed */
    struct http1_set *http1;         /* borrowed: who gets the connections */
    const struct conf_trust *trusts; /* borrowed */
    size_t trusts_count;
    atomic_uint *connections; /* borrowed; shared by all workers: open connections, counted by
                                      http1. NULL: those of http1 alone count */
    unsigned max_connections;
    const struct pool *pool; /* borrowed; nobody is let in while it is spent. NULL: never */
    struct metrics *metrics; /* borrowed; NULL: not counted */
};

/* Takes fd. Accepts until destroyed; over max_connections, or without memory, a connection is
 * answered 503 with Retry-After and closed; when descriptors run out it rests for 100 ms instead of spinning. */
CHECKED struct listener *listener_create(const struct listener_options *options,
                                         evutil_socket_t fd);

/* From now on new connections are turned away, and none is accepted but by listener_sweep. Those
 * that the kernel has taken, or is about to take, still come into its queue. Not for a socket that
 * another process has too: it would turn away there as well. */
void listener_turn_away(struct listener *listener);

/* Accepts all that wait in the queue. False: some may be left, for want of descriptors or memory. */
CHECKED bool listener_sweep(struct listener *listener, struct instant now);

/* Stops and closes; what waits in the queue is reset, unless another process has the socket too.
 * NULL is fine. */
void listener_destroy(struct listener *listener);

/* Some listeners of one thread. Zeroed, it is empty. */
struct listener_list {
    struct listener **all; /* owned, and each of them */
    size_t count;
};

/* Takes fd. */
void listener_list_add(struct listener_list *list, const struct listener_options *options,
                       evutil_socket_t fd);

/* listener_turn_away for all. */
void listener_list_turn_away(struct listener_list *list);

/* listener_sweep for all. False: some may be left in a queue. */
CHECKED bool listener_list_sweep(struct listener_list *list, struct instant now);

/* listener_destroy for all; the list is empty then. */
void listener_list_finish(struct listener_list *list);
