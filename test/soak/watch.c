#include "test/soak/watch.h"

#include <event2/event.h>

#include "proxy/clock.h"

static const struct span SCRAPE_EACH = {.ns = NS_PER_S};
static const struct span MOVE_EACH = {.ns = 3 * NS_PER_S};
enum { TICK_US = 50 * 1000 };

static bool is_due(struct instant *last, struct span each, struct instant now)
{
    if (!instant_reached(instant_after(*last, each), now))
        return false;
    *last = now;
    return true;
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
    struct watch *watch = arg;
    struct instant now = clock_now();

    (void)fd, (void)what;
    journal_read(watch->journal);
    if (is_due(&watch->scraped, SCRAPE_EACH, now)) {
        if (!subject_scrape(watch->subject))
            tally_problem(watch->tally, 0, "the metrics did not come");
        watch->scrapes++;
    }
    if (is_due(&watch->moved, MOVE_EACH, now) && journal_move(watch->journal))
        subject_reopen_log(watch->subject);
    if (watch->samples < WATCH_SAMPLES_MAX && is_due(&watch->sampled, watch->between, now))
        watch->memory[watch->samples++] = subject_memory(watch->subject);
}

void watch_start(struct watch *watch, struct span between)
{
    const struct timeval each = {.tv_usec = TICK_US};

    watch->between = between;
    watch->sampled = watch->scraped = watch->moved = clock_now();
    event_assign(&watch->tick, watch->base, -1, EV_PERSIST, on_tick, watch);
    event_add(&watch->tick, &each);
}

bool watch_run(struct watch *watch, struct span how_long, bool (*is_enough)(void *), void *arg)
{
    struct instant end = instant_after(clock_now(), how_long);

    while (subject_is_alive(watch->subject)) {
        if (instant_reached(end, clock_now()) || (is_enough && is_enough(arg)))
            return true;
        event_base_loop(watch->base, EVLOOP_ONCE);
    }
    return false;
}

void watch_stop(struct watch *watch)
{
    event_del(&watch->tick);
}
