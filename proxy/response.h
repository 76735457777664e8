/* The head of an upstream's response, taken line by line and distrusted: framing is worked out
 * anew, and what could be read in two ways is refused (RFC 9112 sections 4, 5 and 6). Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "budget/checked.h"
#include "proxy/arena.h"
#include "proxy/client.h"
#include "proxy/response_fault.h"

enum { RESPONSE_HEADERS_MAX = 128, RESPONSE_BYTES_MAX = 65536 };

enum response_progress {
    RESPONSE_NONE,    /* no status line yet */
    RESPONSE_INTERIM, /* inside a 1xx head, which is no response */
    RESPONSE_HEAD,    /* inside the head */
    RESPONSE_DONE,    /* the head is complete; lines that follow are trailers */
};

struct response {
    struct arena *arena; /* borrowed: texts and headers live there */
    enum response_progress progress;
    int minor; /* HTTP/1.minor */
    int status;
    struct text phrase;
    struct header *headers;
    size_t headers_count;
    size_t bytes;   /* of all lines, those of interim responses included */
    int64_t length; /* Content-Length, or LENGTH_UNKNOWN */
    bool is_chunked;
    enum response_fault fault; /* why it may not be passed on, once that is known */
};

void response_init(struct response *response, struct arena *arena);

/* Takes one line with its line end; the status line first, an empty one last. A second status line
 * begins again. False: not a response that may be passed on; fault says why. */
CHECKED bool response_take(struct response *response, struct text line);

/* Can a response with this status to this request have a body? */
bool response_has_body(int status, bool is_head);
