/* The clients of the soak: so many visitors at a time, each with one connection, which ask, wait,
 * read, misbehave and leave in all the ways there are. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "test/soak/tally.h"
#include "test/support/dice.h"

struct event_base;
struct crowd; /* defined in crowd.c */

struct crowd_options {
    struct event_base *base; /* borrowed */
    struct tally *tally;     /* borrowed */
    unsigned port;           /* of the program */
    const char *path;        /* borrowed: its unix socket */
    uint64_t seed;
    size_t visitors;
    int pause_ms; /* each rests for at most so long after a visit */
};

/* All begin at once. */
struct crowd *crowd_create(const struct crowd_options *options);

/* No visit begins any more. */
void crowd_stop(struct crowd *crowd);

/* Visits that are not over. */
size_t crowd_busy(const struct crowd *crowd);

/* After crowd_stop: so many visits of one request each, which have to succeed. */
void crowd_finish_well(struct crowd *crowd, size_t visits);

void crowd_destroy(struct crowd *crowd);
