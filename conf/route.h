/* Which route a request takes: compiled once, matched without allocation. */
#pragma once

#include <stddef.h>

#include "conf/text.h"

struct route_table; /* opaque; defined in route.c */

enum { ROUTE_NAMES_MAX = 16 }; /* {name} segments of one pattern */

enum route_result {
    ROUTE_FOUND,
    ROUTE_NONE,         /* no pattern matches the path: 404 */
    ROUTE_OTHER_METHOD, /* patterns match, but none for this method: 405 with allow */
};

struct route_match {
    enum route_result result;
    size_t route;      /* ROUTE_FOUND: index into conf->routes */
    const char *allow; /* ROUTE_OTHER_METHOD: "GET, HEAD, POST"; owned by the table */
    size_t names_count;
    struct text names[ROUTE_NAMES_MAX]; /* what {name} segments matched, in the pattern's order */
};

/* path: without the query, as it came. Percent-encoded unreserved characters match the characters
 * themselves (RFC 3986 section 6.2.2.2). GET in a pattern's methods stands for HEAD too. */
struct route_match route_find(const struct route_table *table, struct text method,
                              struct text path);
