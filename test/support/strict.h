/* A reader of HTTP/1.1 requests, written from RFC 9112 alone and with nothing of proxy/ in it, so
 * that what the proxy takes for a request can be compared with what the RFC does.
 *
 * Where the RFC lets a recipient repair what it reads (a bare LF as a line end, folded lines, a
 * list of equal lengths), this reader refuses: repairs are what two readers do differently. The
 * form of a target is not its matter: it has no part in where a request ends. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "budget/checked.h"
#include "conf/text.h"

enum { STRICT_FIELDS_MAX = 256, STRICT_BODY_MAX = 2048 };

enum strict_verdict {
    STRICT_MORE,     /* so far it may be one */
    STRICT_COMPLETE, /* it ends after strict.used bytes */
    STRICT_REFUSED,
};

enum strict_framing { STRICT_BARE, STRICT_LENGTH, STRICT_CHUNKED };

struct strict_field {
    struct text name;
    struct text value; /* without the blanks around it */
};

struct strict {
    struct text method; /* texts are borrowed from the bytes */
    struct text target;
    unsigned minor; /* of the version: 1.0 or 1.1 */
    struct strict_field fields[STRICT_FIELDS_MAX];
    size_t fields_count;
    enum strict_framing framing;
    size_t length; /* STRICT_LENGTH */
    char body[STRICT_BODY_MAX];
    size_t body_count;
    size_t used;
    const char *why; /* STRICT_REFUSED: the rule */
};

/* Reads the request at the beginning of bytes. */
CHECKED enum strict_verdict strict_read(struct strict *strict, struct text bytes);

/* How many fields of that name there are, in any case; *ret_value is the last one's value. */
size_t strict_find(const struct strict *strict, const char *name, struct text *ret_value);
