/* The inside of an origin: what it knows, and the thread of each of its connections. Part of the
 * origin: nobody else uses it. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "test/support/origin.h"

enum { CONNECTIONS_MAX = 4096, REQUESTS_MAX = 4096 };

struct connection {
    struct origin *origin; /* borrowed */
    size_t index;
    pthread_t thread;
    int fd;                 /* -1: closed */
    atomic_bool is_hearing; /* bytes of a head have come, which is not an arrival yet */
    bool awaits_head;       /* and no script is under way */
    bool has_ended;
    struct instant ended;
    const struct script *greeting; /* NULL: it begins with a request */
    struct source source;
    struct arrival *arrival; /* of the request that is being served; NULL before the first */
};

struct origin {
    struct origin *next;
    struct script *scripts; /* owned */
    size_t scripts_count;
    int listener;
    unsigned port;
    int stop_pipe[2];
    pthread_t thread;
    atomic_size_t sent;

    pthread_mutex_t lock; /* guards what follows, connections and arrivals included */
    size_t turn;          /* scripts begun */
    struct connection *connections[CONNECTIONS_MAX];
    size_t connections_count;
    struct arrival *arrivals[REQUESTS_MAX];
    size_t arrivals_count;
};

/* Its script, if one begins before the first request. The caller holds the origin's lock. */
void connection_greet(struct connection *connection);

/* The thread of a connection. */
void *connection_serve(void *arg);

/* Ends it, and its thread. Those of others may still look at it. */
void connection_stop(struct connection *connection);
void connection_destroy(struct connection *connection);
