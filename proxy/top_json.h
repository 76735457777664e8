/* Members of JSON objects, for those who would rather have a default than an error. */
#pragma once

#include <stddef.h>

#include "conf/json_walk.h"
#include "conf/store.h"
#include "conf/text.h"

/* The value behind a member's name, as it is written; at is NULL where there is none. */
struct text top_json_member(struct text object, const char *name);

/* A number; 0 where there is none. */
double top_json_number(struct text object, const char *name);
double top_json_value(struct text value);

/* A string, in the store, with '?' for all that is not visible ASCII or a blank; "" where there is
 * none. */
const char *top_json_string(struct text object, const char *name, struct store *store);

/* Goes over the elements of an array; there are none in anything else. */
struct json_walk top_json_elements(struct text array);

/* How many these are. */
size_t top_json_count(struct text array);
