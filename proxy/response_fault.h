/* Which rule an upstream's response has broken. A word is for programs and stays as it is
 * (hourglass(1)); a phrase is for people. Neither repeats anything of what has come. */
#pragma once

enum response_fault {
    FAULT_NONE,
    FAULT_STATUS_LINE, /* no status line of HTTP/1 (RFC 9112 section 4) */
    FAULT_STATUS,      /* not 100 to 599 (RFC 9110 section 15) */
    FAULT_SWITCH,      /* 101, though no upgrade is ever asked for (section 15.2.2) */
    FAULT_LINE_END,    /* a line of the head that does not end in CRLF (RFC 9112 section 2.2) */
    FAULT_FOLDED,      /* a line that goes on the one before it (section 5.2) */
    FAULT_HEADER,      /* no colon, or no token before it (section 5) */
    FAULT_CONTROL,     /* a control character in a value (RFC 9110 section 5.5) */
    FAULT_LENGTH,      /* Content-Length that is no number, or too large a one (section 8.6) */
    FAULT_LENGTHS,     /* several that differ (RFC 9112 section 6.3) */
    FAULT_LENGTH_AND_CHUNKS, /* it and Transfer-Encoding (the same) */
    FAULT_ENCODING,          /* Transfer-Encoding but chunked, or in HTTP/1.0 (section 6.1) */
    FAULT_HEAD_SIZE,         /* more than RESPONSE_BYTES_MAX */
    FAULT_HEAD_COUNT,        /* more than RESPONSE_HEADERS_MAX */
    FAULT_HEAD,              /* libcurl has refused a line of it before we see it */
    FAULT_CHUNKS,            /* chunks that are not framed as such (section 7.1) */
    FAULT_JSON,              /* a body that is none, where it is to be merged */
};

/* "two_lengths": one word, a token. Of any but FAULT_NONE. */
const char *response_fault_name(enum response_fault fault);

/* "it has several lengths that differ": of the response. The same. */
const char *response_fault_phrase(enum response_fault fault);
