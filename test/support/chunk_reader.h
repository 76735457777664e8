/* A plain reader of chunked bodies, written from RFC 9112 section 7.1 alone, to hold against the
 * decoder. It takes the whole text at once and keeps no state. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "conf/text.h"

enum chunks_state {
    CHUNKS_SHORT, /* well formed as far as it goes */
    CHUNKS_WHOLE,
    CHUNKS_WRONG,
};

struct chunk_reading {
    enum chunks_state state;
    size_t used;       /* bytes up to the end of the body; CHUNKS_WHOLE only */
    size_t body_count; /* bytes of body, those of a chunk that is still short included */
    bool is_plain;     /* no extensions, no trailers, no size over eight digits */
};

/* body: room for as many bytes as bytes has; filled. */
struct chunk_reading chunk_reader_read(struct text bytes, char *body);
