#include "proxy/watches.h"

#include <event2/event.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "proxy/memory.h"

/* Nobody's answer: the end of the connection, or bytes that must never be taken for the answer to
 * a later request. After the shutdown libcurl finds the connection dead and opens another. */
static void on_idle_readable(struct watch *watch, evutil_socket_t fd)
{
    char bytes[4096];

    (void)recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
    shutdown(fd, SHUT_RDWR); /* at its end too: the upstream need not wait for libcurl to look */
    event_del(&watch->readable);
    watch->is_dead = true;
    watch->all->on_dead(watch->owner);
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    struct watch *watch = arg;

    if (watch->is_held)
        event_del(&watch->readable);
    else if (watch->is_idle)
        on_idle_readable(watch, fd);
    else
        watch->all->on_ready(watch->owner, fd, what);
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
    struct watch *watch = arg;

    watch->all->on_ready(watch->owner, fd, what);
}

static bool set_event(struct event *event, bool is_wanted)
{
    bool is_set = event_pending(event, EV_READ | EV_WRITE, NULL);

    if (is_wanted && !is_set)
        return event_add(event, NULL) == 0;
    if (!is_wanted && is_set)
        event_del(event);
    return true;
}

bool watch_is_set(const struct watch *watch)
{
    return event_pending(&watch->readable, EV_READ, NULL) ||
           event_pending(&watch->writable, EV_WRITE, NULL);
}

bool watch_set(struct watch *watch, bool is_reading, bool is_writing)
{
    watch->is_held = false;
    return set_event(&watch->readable, is_reading) && set_event(&watch->writable, is_writing);
}

void watch_hold(struct watch *watch)
{
    watch->is_held = true;
    (void)set_event(&watch->writable, false);
}

struct watch *watches_find(const struct watches *watches, evutil_socket_t fd)
{
    return fd >= 0 && (size_t)fd < watches->count ? watches->by_fd[fd] : NULL;
}

void watches_close(struct watches *watches, evutil_socket_t fd)
{
    struct watch *watch = watches_find(watches, fd);

    if (!watch)
        return;
    event_del(&watch->readable);
    event_del(&watch->writable);
    if (watch->cork == CORK_HOLDS)
        LIST_REMOVE(watch, held);
    free(watch);
    watches->by_fd[fd] = NULL;
}

static void make_room(struct watches *watches, size_t count)
{
    watches->by_fd = memory_resize(watches->by_fd, count * sizeof *watches->by_fd);
    for (size_t i = watches->count; i < count; i++)
        watches->by_fd[i] = NULL;
    watches->count = count;
}

void watches_open(struct watches *watches, evutil_socket_t fd, bool is_tcp)
{
    struct watch *watch = memory_take_clear(1, sizeof *watch);

    if ((size_t)fd >= watches->count)
        make_room(watches, ((size_t)fd + 1) * 2);
    watches_close(watches, fd); /* of a socket that never was connected */
    watch->all = watches;
    watch->is_tcp = is_tcp;
    event_assign(&watch->readable, watches->base, fd, EV_READ | EV_PERSIST, on_readable, watch);
    event_assign(&watch->writable, watches->base, fd, EV_WRITE | EV_PERSIST, on_writable, watch);
    watches->by_fd[fd] = watch;
}

/* ---- what is sent together -------------------------------------------------------------------- */

static bool set_cork(const struct watch *watch, int is_in)
{
    return setsockopt(event_get_fd(&watch->readable), IPPROTO_TCP, TCP_CORK, &is_in,
                      sizeof is_in) == 0;
}

void watch_cork(struct watch *watch)
{
    if (watch->is_tcp && watch->cork == CORK_OUT && set_cork(watch, 1))
        watch->cork = CORK_IN;
}

void watch_note_sent(struct watch *watch)
{
    if (watch->cork != CORK_IN)
        return;
    watch->cork = CORK_HOLDS;
    LIST_INSERT_HEAD(&watch->all->held, watch, held);
}

void watches_let_go(struct watches *watches)
{
    struct watch *watch;

    while ((watch = LIST_FIRST(&watches->held))) {
        LIST_REMOVE(watch, held);
        watch->cork = CORK_OUT;
        (void)set_cork(watch, 0);
    }
}

/* ---- all of them ------------------------------------------------------------------------------ */

void watches_init(struct watches *watches, struct event_base *base, on_ready_f *on_ready,
                  on_dead_f *on_dead)
{
    *watches = (struct watches){.base = base, .on_ready = on_ready, .on_dead = on_dead};
}

void watches_finish(struct watches *watches)
{
    for (size_t i = 0; i < watches->count; i++)
        watches_close(watches, (evutil_socket_t)i);
    free(watches->by_fd);
}
