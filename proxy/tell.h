/* What an upstream is told with an attempt, at the last moment: what it has left, and which attempt
 * of which trace this is. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "budget/checked.h"
#include "budget/span.h"
#include "budget/wire.h"

struct attempt;

/* How much room tell_write needs behind the block of an order with these tells, in bytes. */
size_t tell_room(const struct wire_field *tells, size_t count);

/* Writes the lines behind the block of its order, in place of those of another attempt with the same
 * order: libcurl copies the block right behind this. False: too little is left for the tells to say,
 * or nothing; it must not be sent. */
CHECKED bool tell_write(const struct attempt *attempt, struct instant now);
