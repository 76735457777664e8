/* A body in chunks (RFC 9112 section 7.1), a client's or an upstream's, decoded and handed out only
 * as far as its reader wants it. Trailers and extensions are checked and dropped. */
#pragma once

#include <stddef.h>

#include "budget/checked.h"
#include "conf/text.h"
#include "proxy/pool.h"

struct http1_chunked; /* one body; defined in http1_chunked.c */

enum chunked_result {
    CHUNKED_MORE,    /* all that may be used was used */
    CHUNKED_PIECE,   /* *piece is the next piece of the body; more may follow */
    CHUNKED_END,     /* the body is complete */
    CHUNKED_INVALID, /* it is not chunked, or its framing is longer than it may be */
};

/* framing_max: bytes of chunk lines and trailers, beyond 2 for each byte of the body and 16 for each
 * chunk. */
CHECKED struct http1_chunked *http1_chunked_create(struct pool *pool, size_t framing_max);

/* NULL is fine. */
void http1_chunked_destroy(struct http1_chunked *chunked, struct pool *pool);

/* Uses bytes from the front of *bytes and moves it on; *piece points into them and is not longer
 * than wanted. To be called again until it says MORE, END or INVALID. */
CHECKED enum chunked_result http1_chunked_next(struct http1_chunked *chunked, struct text *bytes,
                                               size_t wanted, struct text *piece);
