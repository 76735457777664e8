/* Asks an admin listener for a page. Here alone libcurl waits, since nobody else does meanwhile. */
#pragma once

#include <stdbool.h>

#include "budget/checked.h"
#include "conf/conf.h"
#include "conf/text.h"

struct top_fetch; /* defined in top_fetch.c */

/* address: borrowed, where to ask. gives_up: asked now and then whether to go on; NULL: always. NULL:
 * libcurl cannot be used. */
CHECKED struct top_fetch *top_fetch_create(const struct conf_address *address,
                                           bool (*gives_up)(void));
void top_fetch_destroy(struct top_fetch *fetch); /* NULL is fine */

/* GET of a target, such as "/routes": the body of an answer of status 200, good until the next one is
 * fetched. False: see top_fetch_fault. Takes 5 s at most. */
CHECKED bool top_fetch_get(struct top_fetch *fetch, const char *target, struct text *ret_body);

/* Why the last one failed: a sentence, good until the next one is fetched. */
const char *top_fetch_fault(const struct top_fetch *fetch);
