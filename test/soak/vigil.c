#include "test/soak/vigil.h"

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
    struct vigil *vigil = arg;
    struct instant now = clock_now();

    (void)fd, (void)what;
    journal_read(vigil->journal);
    if (is_due(&vigil->scraped, SCRAPE_EACH, now)) {
        if (!subject_scrape(vigil->subject))
            tally_problem(vigil->tally, 0, "the metrics did not come");
        vigil->scrapes++;
    }
    if (is_due(&vigil->moved, MOVE_EACH, now) && journal_move(vigil->journal))
        subject_reopen_log(vigil->subject);
    if (vigil->samples < VIGIL_SAMPLES_MAX && is_due(&vigil->sampled, vigil->between, now))
        vigil->memory[vigil->samples++] = subject_memory(vigil->subject);
}

void vigil_start(struct vigil *vigil, struct span between)
{
    const struct timeval each = {.tv_usec = TICK_US};

    vigil->between = between;
    vigil->sampled = vigil->scraped = vigil->moved = clock_now();
    event_assign(&vigil->tick, vigil->base, -1, EV_PERSIST, on_tick, vigil);
    event_add(&vigil->tick, &each);
}

bool vigil_run(struct vigil *vigil, struct span how_long, bool (*is_enough)(void *), void *arg)
{
    struct instant end = instant_after(clock_now(), how_long);

    while (subject_is_alive(vigil->subject)) {
        if (instant_reached(end, clock_now()) || (is_enough && is_enough(arg)))
            return true;
        event_base_loop(vigil->base, EVLOOP_ONCE);
    }
    return false;
}

void vigil_stop(struct vigil *vigil)
{
    event_del(&vigil->tick);
}
