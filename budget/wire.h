/* A budget on the wire: how long a client says it will wait, as header text, and how an upstream
 * is told what it has left. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "budget/checked.h"
#include "budget/span.h"

/* How a header's value is to be read. Declared in the configuration, never guessed from a name. */
enum wire_format {
    WIRE_MS,       /* digits */
    WIRE_S,        /* digits, optionally a fraction */
    WIRE_DURATION, /* a number with ns, us, ms, s, m or h */
    WIRE_GRPC,     /* 1 to 8 digits and one of H M S m u n */
    WIRE_EPOCH_MS, /* an instant: milliseconds since 1970 */
};

struct wire_field {
    const char *name; /* as written in the configuration */
    enum wire_format format;
    bool zero_is_default; /* 0 means "no limit" to those who send it: the route's default then */
};

/* Finds a format by its name in the configuration ("ms", "grpc", ...). False: no such format. */
CHECKED bool wire_format_find(const char *name, enum wire_format *ret_format);
const char *wire_format_name(enum wire_format format);

/* Does "0" in a header of this name mean no limit in the world that it comes from? */
bool wire_zero_is_default(const char *name);

/* What the budget headers of one request said so far. */
struct wire_reading {
    struct span relative; /* the smallest so far; zero is: expired */
    int relative_field;   /* whose that is; -1 when there was none */
    int64_t epoch_ms;     /* the earliest instant so far */
    int epoch_field;      /* -1 when there was none */
    unsigned malformed;   /* values that could not be read */
    unsigned values;      /* all values seen */
};

/* What the client asked for. */
struct wire_asked {
    bool any;           /* false: nothing usable was said, the route's default holds */
    struct span budget; /* zero: it had expired when it came */
    int field;          /* which field said so; -1 when none */
    unsigned malformed;
};

void wire_begin(struct wire_reading *reading);

/* Takes one header line's value (count bytes; may be a comma list). field_index names it in the
 * answer. */
void wire_take(struct wire_reading *reading, int field_index, const struct wire_field *field,
               const char *value, size_t count);

/* The smallest of all that was valid. realtime_ms is the wall clock when the budget began, used
 * only for instants: one is believed only within 60 s of what the relative headers say, or of what
 * lies between then and max; else it counts as malformed. */
struct wire_asked wire_end(const struct wire_reading *reading, int64_t realtime_ms,
                           struct span max);

enum { WIRE_TEXT_MAX = 32 };

/* Writes `left` in a format, rounded down, never as zero. Returns the length of the text (which is
 * also terminated), or 0 when less is left than the format can say: then do not send it. */
CHECKED size_t wire_write(enum wire_format format, struct span left, int64_t realtime_ms,
                          char text[static WIRE_TEXT_MAX]);
