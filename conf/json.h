/* JSON as text: is it, and where in it stands what? Nothing is built of it, nothing allocated, and
 * numbers stay as they were written. What is JSON only json_check.h knows; json_find has its own way
 * through a value, since it is told that it is one and needs only to find its parts. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "budget/checked.h"
#include "conf/text.h"

/* Arrays and objects inside one another; what goes deeper is refused. */
enum { JSON_DEPTH_MAX = 128 };

/* One JSON value with nothing but blanks around it (RFC 8259), in UTF-8. */
bool json_is_value(struct text text);

/* A number, true, false or null, with nothing around it. */
bool json_is_plain(struct text text);

/* Takes one value off the front of rest, and the blanks around it; *ret_value is without them.
 * False: there is none, and nothing has changed. */
CHECKED bool json_take_value(struct text *rest, struct text *ret_value);

/* Without the blanks around it. */
struct text json_trimmed(struct text text);

/* Where the pointer (RFC 6901) leads in a value that json_is_value has found to be one: that value
 * as it is written, without the blanks around it; with an empty pointer the whole. Of members with
 * the same name, the last. at is NULL when it leads nowhere. */
struct text json_find(struct text value, struct text pointer);

/* What a JSON string, quotes included, says: written to `to`, which has room for string.count
 * bytes. Returns how many were written. A surrogate without its other half becomes U+FFFD. */
size_t json_string_read(struct text string, char *to);

/* A JSON value without the blanks between its parts, on one line: written to `to`, which has room
 * for value.count bytes. Returns how many were written. */
size_t json_compact(struct text value, char *to);
