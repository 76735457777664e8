/* One thread of the proxy: one event base, one set of listeners, one curl loop. Nothing in here is
 * shared with another worker but counters, which others only read. */
#pragma once

#include <event2/event_struct.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "budget/checked.h"
#include "conf/conf.h"
#include "proxy/client.h"
#include "proxy/headers.h"
#include "proxy/lag.h"
#include "proxy/listener.h"
#include "proxy/log.h"
#include "proxy/metrics.h"
#include "proxy/pool.h"
#include "proxy/trace.h"

struct curl_loop;
struct event_base;
struct exchange;
struct exporter;
struct http1_set;
struct recent;
struct sockets;
struct stub_place;
struct upstreams;

/* What a worker is asked for from outside, each including those before it, but that it is asked
 * either to drain or to yield. */
enum worker_order {
    WORKER_RUN,
    WORKER_DRAIN,  /* no new connections; requests under way go on */
    WORKER_YIELD,  /* the same, but another process has its sockets and goes on with them */
    WORKER_CANCEL, /* requests under way end now */
    WORKER_STOP,   /* the thread ends */
};

struct worker {
    unsigned index;
    const struct conf *conf;          /* borrowed */
    const struct header_rules *rules; /* borrowed */
    struct event_base *base;          /* owned */
    struct pool pool;
    struct metrics metrics;
    struct log_buffer *log;      /* borrowed from the log */
    struct recent *recent;       /* owned: requests that have ended; NULL: none are kept */
    struct curl_loop *curl_loop; /* owned */
    struct upstreams *upstreams; /* owned */
    struct exporter *exporter;   /* owned; NULL: spans of traces are not exported */
    struct http1_set *http1;     /* owned: connections of clients of the proxy */
    struct listener_list listens;
    struct listener_list stub_listens;
    struct stub_place *stubs;   /* owned; one for each stub of the configuration */
    struct trace_source ids;    /* where request ids come from */
    struct exchange *exchanges; /* requests under way, linked; each owns itself */
    bool is_draining;
    struct instant listens_until; /* while it drains: then no handshake is under way any more */

    pthread_t thread;
    _Atomic enum worker_order order; /* written from outside, followed by a wake */
    atomic_bool yields;              /* so is this, before: WORKER_YIELD was ordered */
    enum worker_order obeyed;
    int wake_fd; /* owned: readable when there is a new order */
    int idle_fd; /* borrowed: written to once, when drained */
    struct event wake;
    struct event drain_check;
    struct lag lag;
};

struct worker_options {
    unsigned index;
    const struct conf *conf;
    const struct header_rules *rules;
    struct log *log;
    const struct sockets *sockets; /* those of its index are taken */
    atomic_uint *open_connections;
    unsigned max_connections;
    struct pool_total *memory; /* of all workers */
    int idle_fd;
};

/* Everything is borrowed unless it says otherwise. NULL: a sentence went to stderr. */
CHECKED struct worker *worker_create(const struct worker_options *options);

/* Starts its thread, with all signals blocked. False: there is none to be had. */
CHECKED bool worker_start(struct worker *worker);

/* From any thread. */
void worker_tell(struct worker *worker, enum worker_order order);

/* Waits for the thread to end (after WORKER_STOP). */
void worker_join(struct worker *worker);

/* The thread must have ended, or never have been started. NULL is fine. */
void worker_destroy(struct worker *worker);
