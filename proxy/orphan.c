#include "proxy/orphan.h"

#include <event2/event.h>

#include "proxy/curl_loop.h"
#include "proxy/handles.h"

static void end_oldest(struct orphans *orphans)
{
    struct handle *handle = TAILQ_FIRST(&orphans->all);

    TAILQ_REMOVE(&orphans->all, handle, orphaned);
    orphans->count--;
    curl_loop_end(handle);
    handles_give(orphans->handles, handle, handle->is_worn);
}

/* Others that are due, and what has come on sockets, have their turn before the next of them. */
static void on_turn(evutil_socket_t fd, short what, void *arg)
{
    static const struct timeval at_once = {0, 0};
    struct orphans *orphans = arg;

    (void)fd, (void)what;
    for (int i = 0; i < ORPHANS_IN_A_TURN && orphans->count > 0; i++)
        end_oldest(orphans);
    if (orphans->count > 0)
        event_add(&orphans->turn, &at_once);
}

/* Activated directly, it runs in this turn, behind the timers that are due already. */
void orphans_take(struct orphans *orphans, struct handle *handle, bool is_worn)
{
    handle->is_worn = is_worn;
    handle_let_go(handle);
    TAILQ_INSERT_TAIL(&orphans->all, handle, orphaned);
    orphans->count++;
    if (orphans->count == 1)
        event_active(&orphans->turn, EV_TIMEOUT, 0);
}

void orphans_yield(struct orphans *orphans, size_t most)
{
    while (orphans->count > most)
        end_oldest(orphans);
}

void orphans_init(struct orphans *orphans, struct event_base *base, struct handles *handles)
{
    *orphans = (struct orphans){.handles = handles};
    TAILQ_INIT(&orphans->all);
    evtimer_assign(&orphans->turn, base, on_turn, orphans);
}

void orphans_finish(struct orphans *orphans)
{
    orphans_yield(orphans, 0);
    event_del(&orphans->turn);
}
