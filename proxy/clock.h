/* The one reader of the clock. Only callbacks named on_... ask it, once, first; everything below
 * them is told `now`. */
#pragma once

#include <stdint.h>
#include <sys/time.h>

#include "budget/span.h"

/* CLOCK_MONOTONIC, precise. */
struct instant clock_now(void);

/* The wall clock, in milliseconds since 1970: for header text and the log, never for a decision
 * on time. */
int64_t clock_realtime_ms(void);

/* What the wall clock showed, or would have, in nanoseconds since 1970, at the zero of the monotonic
 * clock: to say when an instant was, where others compare it with theirs. */
int64_t clock_epoch_ns(void);

/* For libevent. Rounded up to the next microsecond, so that a timer is never early. */
struct timeval clock_timeval(struct span span);

enum { CLOCK_TEXT_MAX = 25 };

/* The wall clock for the log: "2026-11-22T14:11:50.123Z". */
void clock_write_iso(int64_t realtime_ms, char text[static CLOCK_TEXT_MAX]);
