#include "proxy/lag.h"

#include <criterion/criterion.h>
#include <event2/event.h>
#include <unistd.h>

#include "proxy/clock.h"

static void on_stop(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    event_base_loopbreak(arg);
}

static void on_busy(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what, (void)arg;
    usleep(250 * 1000);
}

static void add(struct event *event, struct event_base *base, event_callback_fn on_time, int ms)
{
    struct timeval wait = clock_timeval(span_ms(ms));

    evtimer_assign(event, base, on_time, base);
    event_add(event, &wait);
}

Test(lag, a_loop_that_is_kept_busy_is_seen_to_be_late)
{
    struct event_base *base = event_base_new();
    struct histogram lateness = {0};
    struct event busy, stop;
    struct lag lag;

    lag_init(&lag, base, &lateness);
    add(&busy, base, on_busy, 50); /* until 300 ms: what was due at 100 is 200 late */
    add(&stop, base, on_stop, 450);
    lag_start(&lag, clock_now());
    event_base_dispatch(base);
    lag_finish(&lag);
    event_base_free(base);
    cr_expect_geq(lateness.sum, (uint64_t)span_ms(199).ns);
    cr_expect_geq(lateness.buckets[8] + lateness.buckets[9] + lateness.buckets[10], 1);
}
