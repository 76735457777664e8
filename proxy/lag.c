#include "proxy/lag.h"

#include <event2/event.h>

#include "proxy/clock.h"

#define PERIOD span_ms(100)

void lag_start(struct lag *lag, struct instant now)
{
    struct timeval wait = clock_timeval(PERIOD);

    lag->due = instant_after(now, PERIOD);
    event_add(&lag->timer, &wait);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
    struct instant now = clock_now();
    struct lag *lag = arg;

    (void)fd, (void)what;
    histogram_note_span(lag->lateness, span_since(lag->due, now));
    lag_start(lag, now);
}

void lag_init(struct lag *lag, struct event_base *base, struct histogram *lateness)
{
    lag->lateness = lateness;
    evtimer_assign(&lag->timer, base, on_tick, lag);
}

void lag_finish(struct lag *lag)
{
    event_del(&lag->timer);
}
