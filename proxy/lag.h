/* How far a worker's event loop is behind: a timer fires ten times a second, and how late it does is
 * counted. What keeps the loop busy for longer than a tenth of a second is seen always, for less by
 * chance, in proportion to its length. */
#pragma once

#include <event2/event_struct.h>

#include "budget/span.h"
#include "proxy/histogram.h"

struct event_base;

struct lag {
    struct event timer;
    struct instant due;
    struct histogram *lateness; /* borrowed */
};

void lag_init(struct lag *lag, struct event_base *base, struct histogram *lateness);

/* On the thread whose loop it is, before the loop. */
void lag_start(struct lag *lag, struct instant now);

void lag_finish(struct lag *lag);
