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

/* Opens `count` listening sockets for one address with SO_REUSEPORT (port 0: all on the port the
 * kernel gives the first); for a unix path, one socket and copies of its descriptor, after removing
 * a stale socket file (one that nobody accepts on). fds has room for count. False: a sentence for
 * the operator went to complaints, nothing is open. bound_port: the real port, or 0 for unix; may
 * be NULL. */
CHECKED bool listener_open_sockets(const struct conf_address *address, size_t count,
                                   evutil_socket_t *fds, unsigned *bound_port, FILE *complaints);

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

/* Stops and closes. NULL is fine. */
void listener_destroy(struct listener *listener);
