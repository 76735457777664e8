/* The query of a target as a browser's form writes it: NAME=VALUE with & between, percent-encoded,
 * a plus for a blank (application/x-www-form-urlencoded, https://url.spec.whatwg.org/). */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "budget/checked.h"
#include "conf/text.h"

enum { QUERY_MAX = 1024 };

struct query {
    struct text rest;     /* borrowed: what has not been read */
    const char *fault;    /* a sentence; NULL: so far it is right */
    size_t used;          /* of room */
    char room[QUERY_MAX]; /* names and values, decoded */
};

/* Without the question mark. */
void query_init(struct query *query, struct text text);

/* The next parameter, decoded; a name alone has an empty value. Texts are good as long as query.
 * False: there is none, or there is a fault. */
CHECKED bool query_next(struct query *query, struct text *ret_name, struct text *ret_value);
