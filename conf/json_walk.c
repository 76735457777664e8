#include "conf/json_walk.h"

#include "conf/json.h"

void json_walk_init(struct json_walk *walk, struct text value)
{
    *walk = (struct json_walk){.rest = TEXT_NONE};
    if (!value.at || value.count < 2 || !strchr("{[", value.at[0]))
        return;
    walk->is_object = value.at[0] == '{';
    walk->rest = json_trimmed((struct text){.at = value.at + 1, .count = value.count - 2});
}

/* Takes one byte off the front, and the value behind it. */
static bool take_behind(struct text *rest, struct text *ret_value)
{
    *rest = (struct text){.at = rest->at + 1, .count = rest->count - 1};
    return json_take_value(rest, ret_value);
}

bool json_walk_next(struct json_walk *walk, struct text *ret_name, struct text *ret_value)
{
    if (walk->rest.count == 0)
        return false;
    bool is_first = walk->rest.at[0] != ',';
    bool is_there =
        is_first ? json_take_value(&walk->rest, ret_value) : take_behind(&walk->rest, ret_value);
    *ret_name = TEXT_NONE;
    if (is_there && walk->is_object) {
        *ret_name = *ret_value;
        is_there = walk->rest.count > 0 && take_behind(&walk->rest, ret_value);
    }
    return is_there;
}
