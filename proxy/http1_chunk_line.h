/* The lines of a chunked body that are not its data: sizes with their extensions, and trailers
 * (RFC 9112 section 7.1). Two readers that take one of them differently do not agree on where a
 * request ends, so what the grammar does not have is refused. Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "budget/checked.h"

enum chunk_line_at {
    CHUNK_LINE_SIZE,
    CHUNK_LINE_EXTENSION, /* its name begins */
    CHUNK_LINE_EXTENSION_NAME,
    CHUNK_LINE_VALUE, /* begins */
    CHUNK_LINE_VALUE_TOKEN,
    CHUNK_LINE_QUOTED,
    CHUNK_LINE_ESCAPED,
    CHUNK_LINE_UNQUOTED, /* behind the second quote */
    CHUNK_LINE_TRAILER,  /* begins; or the empty line at the end */
    CHUNK_LINE_TRAILER_NAME,
    CHUNK_LINE_TRAILER_VALUE,
    CHUNK_LINE_DATA,        /* no line: so many bytes as the size says */
    CHUNK_LINE_BEHIND_DATA, /* the empty line there */
    CHUNK_LINE_END,         /* of a line: its LF must follow */
    CHUNK_LINE_DONE,        /* behind the body */
};

/* Starts as zeros, at the first byte of the body. Whoever takes the data at CHUNK_LINE_DATA takes it
 * off size, and sets at to CHUNK_LINE_BEHIND_DATA when it has all come. */
struct chunk_line {
    enum chunk_line_at at;
    enum chunk_line_at next; /* at CHUNK_LINE_END: what follows */
    uint64_t size;           /* of the chunk, as far as its digits have come */
    bool has_digits;
};

/* The next byte, of a line. False: it must not stand there, or the size has more than 64 bits. */
CHECKED bool chunk_line_take(struct chunk_line *line, char byte);
