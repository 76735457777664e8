/* The parts of a JSON array or object, one after another. */
#pragma once

#include "budget/checked.h"
#include "conf/text.h"

struct json_walk {
    struct text rest; /* borrowed */
    bool is_object;
};

/* value: one that json_is_value has found to be one, without blanks around it. Of one that is neither
 * array nor object, or whose at is NULL, there are no parts. */
void json_walk_init(struct json_walk *walk, struct text value);

/* The next element; or the next member, with its name as it is written, quotes included. False: there
 * is none. */
CHECKED bool json_walk_next(struct json_walk *walk, struct text *ret_name, struct text *ret_value);
