/* The requests of one worker that have ended lately, in two rings of fixed size: those that went
 * well, and the notable ones, so that a flood of the former does not wash away the latter. The
 * worker writes, and never waits: while a reader copies an entry of a ring, a request that belongs
 * there is not kept, but counted. Readers are other threads, and copy one entry at a time. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "budget/checked.h"
#include "conf/conf.h"
#include "proxy/recent_entry.h"

struct recent; /* defined in recent.c */

enum recent_kind {
    RECENT_WELL,    /* all but the others: answered as it should be, or refused */
    RECENT_NOTABLE, /* failed, timed out or would have, cut, given up by its client, or over 80 % of
                       its budget */
    RECENT_KINDS
};

/* NULL: the configuration has none kept, or no page to show them on. conf is borrowed. */
CHECKED struct recent *recent_create(const struct conf *conf);

/* NULL is fine. */
void recent_destroy(struct recent *recent);

/* For the worker. ended_ms: when it ended, since 1970. */
void recent_keep(struct recent *recent, const struct record *record, int64_t ended_ms);

/* For any thread: how many places a ring has. */
size_t recent_size(const struct recent *recent);

/* Copies what stands in a place of a ring. False: nothing yet. */
CHECKED bool recent_read(struct recent *recent, enum recent_kind kind, size_t place,
                         struct recent_entry *ret_entry);

/* How many requests were not kept since a reader was at the ring. */
uint64_t recent_skipped(const struct recent *recent);
