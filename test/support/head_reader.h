/* A plain reader of the heads that come before a response's body, written from RFC 9112 sections 4
 * to 6 alone, to hold against the one that the proxy has. It takes the whole text at once. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/text.h"

struct head_reading {
    bool is_right;        /* all that follows holds only then */
    int status;           /* of the final response */
    int minor;            /* HTTP/1.minor */
    size_t used;          /* bytes up to the end of its head, interim responses included */
    size_t fields;        /* field lines in it */
    size_t length_digits; /* of the longest Content-Length */
    int64_t length;       /* Content-Length, or -1 */
    bool is_chunked;
};

struct head_reading head_reader_read(struct text bytes);

/* The n-th field line (from 0) of the final head, of which head_reader_read said it is there. */
void head_reader_field(struct text bytes, size_t n, struct text *name, struct text *value);
