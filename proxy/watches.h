/* The sockets that libcurl has opened, on an event base. Each is watched from when it is opened until
 * libcurl closes it, whoever uses it meanwhile; between two requests, for what is nobody's answer. */
#pragma once

#include <event2/event_struct.h>
#include <event2/util.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "budget/checked.h"

struct event_base;
struct watches;

struct watch {
    struct watches *all;   /* borrowed */
    struct event readable; /* kept across requests */
    struct event writable; /* only while libcurl asks for it */
    bool was_read;         /* has been connected: libcurl has waited for bytes on it */
    bool is_idle;          /* between requests: what comes then is nobody's answer */
    uint64_t used;         /* bytes that had come when it was idle last */
};

/* A socket can be read (what = EV_READ) or written (EV_WRITE). */
typedef void on_ready_f(void *arg, evutil_socket_t fd, short what);

struct watches {
    struct event_base *base; /* borrowed */
    on_ready_f *on_ready;
    void *arg;            /* borrowed */
    struct watch **by_fd; /* owned; NULL: not ours */
    size_t count;
};

void watches_init(struct watches *watches, struct event_base *base, on_ready_f *on_ready,
                  void *arg);
void watches_finish(struct watches *watches);

/* libcurl has opened fd, or has closed it: nothing stays registered under its number. */
void watches_open(struct watches *watches, evutil_socket_t fd);
void watches_close(struct watches *watches, evutil_socket_t fd);

/* NULL: not one of them. */
CHECKED struct watch *watches_find(const struct watches *watches, evutil_socket_t fd);

/* Is anything of it to be heard? */
CHECKED bool watch_is_set(const struct watch *watch);

/* What of it is to be heard. False: the system has no room for that. */
CHECKED bool watch_set(struct watch *watch, bool is_reading, bool is_writing);
