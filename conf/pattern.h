/* What is written in match and request: methods and a path. */
#pragma once

#include <stddef.h>

#include "conf/method.h"
#include "conf/text.h"
#include "conf/value.h"

/* Which requests a route takes. */
struct pattern {
    method_set methods;
    char *path; /* checked: segments that are literal, {name} or, last, *; NULL: none was given */
};

/* What a call asks for; its target is a template that is yet to be parsed. */
struct request {
    char *method;
    char *target;
};

option_set set_match;   /* struct pattern */
option_set set_request; /* struct request */

enum segment_kind { SEGMENT_LITERAL, SEGMENT_NAME, SEGMENT_REST };

/* The next segment of a pattern's or a request's path: at stands behind a slash, and afterwards
 * behind the next one, or is NULL when this was the last. */
struct text segment_next(const char **at, const char *end);
enum segment_kind segment_kind(struct text segment);

/* The names in braces of a pattern that was given, at most ROUTE_NAMES_MAX, in its order and
 * borrowed from it. Returns how many. */
size_t pattern_names(const struct pattern *pattern, struct text *names);
