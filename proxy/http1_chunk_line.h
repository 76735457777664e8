/* The lines of a chunked body that are not its data: sizes with their extensions, and trailers
 * (RFC 9112 section 7.1). Two readers that take one of them differently do not agree on where a
 * request ends, so what the grammar does not have is refused. Pure. */
#pragma once

#include <stdbool.h>

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
    CHUNK_LINE_BEHIND_DATA, /* the empty line there */
    CHUNK_LINE_END,         /* its LF must follow */
};

/* Starts as zeros, at the first byte of the body; at must be set when a chunk's data has come. */
struct chunk_line {
    enum chunk_line_at at;
    bool has_digits; /* of a size */
    bool is_nonzero;
    bool has_trailers; /* the last chunk's size was read */
};

/* The next byte. False: it must not stand there. What size the digits are is for others to say. */
CHECKED bool chunk_line_take(struct chunk_line *line, char byte);
