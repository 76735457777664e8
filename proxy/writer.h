/* Builds text in a room of fixed size: what printf does, without its price. What does not fit is
 * left out and remembered. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "budget/span.h"
#include "conf/text.h"

struct writer {
    char *start; /* borrowed */
    char *at;
    char *end;
    bool is_cut; /* something did not fit */
};

static inline struct writer writer_on(char *room, size_t count)
{
    return (struct writer){.start = room, .at = room, .end = room + count};
}

static inline struct text writer_text(const struct writer *writer)
{
    return (struct text){.at = writer->start, .count = (size_t)(writer->at - writer->start)};
}

void write_text(struct writer *writer, struct text text);
void write_string(struct writer *writer, const char *string);
void write_char(struct writer *writer, char byte);
void write_number(struct writer *writer, int64_t number);

/* Milliseconds with one decimal, rounded down: "331.5". */
void write_ms(struct writer *writer, struct span span);

/* Milliseconds as short as they can be said exactly to the microsecond: "1200", "0.9". */
void write_ms_short(struct writer *writer, struct span span);

/* value with so many decimals (at least one), where value is in units of the last: "2.000042". */
void write_decimal(struct writer *writer, uint64_t value, unsigned decimals);

/* A line of a head, behind another: CRLF, the name, a colon and the value. */
void write_line(struct writer *writer, const char *name, struct text value);

/* For logfmt: as it is when that is plain, else in quotes; what could forge a line is escaped. */
void write_logfmt(struct writer *writer, struct text text);

/* For inside a JSON string or a quoted-string of a header: quotes and backslashes are escaped,
 * everything but visible ASCII and space becomes '?'. */
void write_quoted(struct writer *writer, struct text text);
