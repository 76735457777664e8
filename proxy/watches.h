/* The sockets that libcurl has opened, on an event base. Each is watched from when it is opened until
 * libcurl closes it, whoever uses it meanwhile; between two requests, for what is nobody's answer. */
#pragma once

#include <event2/event_struct.h>
#include <event2/util.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "budget/checked.h"

struct event_base;
struct watches;

/* May what is sent wait in the kernel, to go out with what other sockets send in the same turn of the
 * loop? Who reads it is then woken once for many, not once for each. */
enum cork {
    CORK_OUT,   /* no */
    CORK_IN,    /* yes: it is idle */
    CORK_HOLDS, /* and there is something that waits, until watches_let_go */
};

struct watch {
    struct watches *all;   /* borrowed */
    void *owner;           /* borrowed: hears when it is ready */
    struct event readable; /* kept across requests */
    struct event writable; /* only while libcurl asks for it */
    bool was_connected;    /* libcurl has waited for bytes on it, or had some */
    bool is_held;          /* nothing is to be heard of it for now: see watch_hold */
    bool is_dead;          /* while it was idle: libcurl has yet to close it */
    bool is_idle;          /* between requests: what comes then is nobody's answer */
    bool is_tcp;
    enum cork cork;
    LIST_ENTRY(watch) held; /* CORK_HOLDS */
    uint64_t used;          /* bytes that had come when it was idle last */
};

LIST_HEAD(watch_list, watch);

/* A socket can be read (what = EV_READ) or written (EV_WRITE). */
typedef void on_ready_f(void *owner, evutil_socket_t fd, short what);

/* A connection has died while it was idle. It may be closed now. */
typedef void on_dead_f(void *owner);

struct watches {
    struct event_base *base; /* borrowed */
    on_ready_f *on_ready;
    on_dead_f *on_dead;
    struct watch **by_fd; /* owned; NULL: not ours */
    size_t count;
    struct watch_list held; /* those that hold something back */
    bool is_busy;           /* several requests were begun in the last turn */
};

void watches_init(struct watches *watches, struct event_base *base, on_ready_f *on_ready,
                  on_dead_f *on_dead);
void watches_finish(struct watches *watches);

/* libcurl has opened fd, or has closed it: nothing stays registered under its number. */
void watches_open(struct watches *watches, evutil_socket_t fd, bool is_tcp);
void watches_close(struct watches *watches, evutil_socket_t fd);

/* NULL: not one of them. */
CHECKED struct watch *watches_find(const struct watches *watches, evutil_socket_t fd);

/* Is anything of it to be heard? */
CHECKED bool watch_is_set(const struct watch *watch);

/* What of it is to be heard. False: the system has no room for that. */
CHECKED bool watch_set(struct watch *watch, bool is_reading, bool is_writing);

/* Nothing is to be heard of it until watch_set. It may stay registered until then, which costs less
 * when that is soon. */
void watch_hold(struct watch *watch);

/* What is sent next over a socket that is idle waits for watches_let_go. */
void watch_cork(struct watch *watch);

/* libcurl waits for an answer: something was sent. */
void watch_note_sent(struct watch *watch);

/* All that waits goes out. To be called before the loop sleeps: the kernel would do it only after
 * 200 ms (tcp(7), TCP_CORK). */
void watches_let_go(struct watches *watches);
