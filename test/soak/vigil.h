/* Looks after a soak while it runs: reads the log and moves it away now and then, asks for the
 * metrics, and notes how much memory the program has. */
#pragma once

#include <event2/event_struct.h>
#include <stddef.h>

#include "budget/span.h"
#include "test/soak/journal.h"
#include "test/soak/subject.h"

enum { VIGIL_SAMPLES_MAX = 1024 };

struct vigil {
    struct event_base *base; /* borrowed */
    struct subject *subject; /* borrowed */
    struct journal *journal; /* borrowed */
    struct tally *tally;     /* borrowed */
    struct event tick;
    struct span between; /* samples */
    struct instant sampled;
    struct instant scraped;
    struct instant moved;
    size_t memory[VIGIL_SAMPLES_MAX]; /* resident, in bytes */
    size_t samples;
    size_t scrapes;
};

/* between: of two samples of its memory. */
void vigil_start(struct vigil *vigil, struct span between);

/* Turns the loop for so long, or until is_enough. False: the program has ended. */
bool vigil_run(struct vigil *vigil, struct span how_long, bool (*is_enough)(void *), void *arg);

void vigil_stop(struct vigil *vigil);
