/* Request ids: one for each request, told to every upstream, to the client and to the log. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "conf/text.h"

enum { TRACE_ID_LENGTH = 32, TRACE_NUMBERS = 32 };

/* Where fresh ids come from: the system's random numbers, fetched some at a time, since it is asking
 * that costs. One for each worker, not shared. All zero: it has none yet. */
struct trace_source {
    uint64_t numbers[TRACE_NUMBERS];
    unsigned left; /* so many of them, the first, have not been used */
};

/* 64 random bits, which nobody can foretell. */
uint64_t trace_random(struct trace_source *source);

/* Writes 128 random bits as lower case hex digits, terminated. */
void trace_id_write(struct trace_source *source, char id[static TRACE_ID_LENGTH + 1]);

/* A number below `whole` that is the same for the same id, everywhere and always: the 64 bits of
 * FNV-1a, well mixed, scaled down. */
uint32_t trace_lot(struct text id, uint32_t whole);

/* May an id that a trusted peer sent be kept? 1 to 128 visible ASCII characters, none of which
 * could end or split a field in a log line or a header: no quotes, backslash, comma or space. */
bool trace_id_is_valid(struct text id);
