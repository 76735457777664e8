/* HTTP/1.0 and 1.1 on accepted sockets: llhttp, the strict rules of RFC 9112 on top, framing both
 * ways. Calls a struct service for each request, one at a time on a connection, in order. */
#pragma once

#include <event2/util.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "budget/checked.h"
#include "proxy/client.h"
#include "proxy/metrics.h"
#include "proxy/pool.h"

struct event_base;
struct http1_set; /* connections that are served alike; defined in http1.c */

struct http1_options {
    struct event_base *base;       /* borrowed */
    struct pool *pool;             /* borrowed */
    const struct service *service; /* borrowed */
    void *service_arg;             /* borrowed; handed to on_request */
    bool is_limited;               /* while the pool is spent, requests are answered 503 */
    struct metrics *metrics;       /* borrowed; NULL: not counted */
    atomic_uint *open_connections; /* borrowed; shared by all workers; counts those that are open.
                                      NULL: not counted */
    size_t max_header;             /* bytes of request line and headers */
    struct span header_timeout;    /* first byte to end of headers */
    struct span idle_timeout;      /* between requests, and for a client that reads nothing */
};

CHECKED struct http1_set *http1_create(const struct http1_options *options);

/* Closes all connections without a word to the service, and frees the set. NULL is fine. */
void http1_destroy(struct http1_set *set);

/* Takes fd, a connected, non-blocking stream socket. peer is copied. */
void http1_accept(struct http1_set *set, evutil_socket_t fd, const struct peer *peer,
                  struct instant now);

/* From now on replies say Connection: close, and connections without a request close after a short
 * while: a client that has just sent one, or has just connected, is still answered. */
void http1_drain(struct http1_set *set, struct instant now);

/* After http1_drain: no request begins any more but those that are in the sockets by now. */
void http1_end(struct http1_set *set);

/* Connections that are open, lingering ones included. */
size_t http1_count(const struct http1_set *set);
