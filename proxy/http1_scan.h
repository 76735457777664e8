/* Finds the end of a head, or of the lines that frame a body, in bytes that come in pieces, and
 * refuses at once what no line may hold: a bare CR or LF (RFC 9112 section 2.2), control characters,
 * a folded line (section 5.2). So garbage is answered without waiting for more of it. */
#pragma once

#include <stddef.h>

enum { HTTP1_HEADERS_MAX = 128 };

/* Where the scan of one head has got to. Begins as all zeros. */
struct http1_scan {
    size_t at;         /* bytes that were looked at, counted from the start of the head */
    size_t line;       /* where the line begins that is being looked at */
    size_t first_line; /* length of the first line without its end, once it has ended */
    unsigned lines;    /* that have ended */
};

enum scan_result {
    SCAN_MORE,     /* all is well so far */
    SCAN_COMPLETE, /* an empty line ended at scan->at */
    SCAN_INVALID,
    SCAN_MANY, /* more than HTTP1_HEADERS_MAX lines after the first */
};

/* Looks at what is new in bytes[0..count), which begins with the head and holds all of it that has
 * come so far. */
enum scan_result http1_scan(struct http1_scan *scan, const char *bytes, size_t count);
