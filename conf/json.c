#include "conf/json.h"

#include "conf/json_check.h"

bool json_is_value(struct text text)
{
    struct json_check check;

    json_check_init(&check);
    return json_check_take(&check, text.at, text.count) && json_check_is_whole(&check);
}

struct text json_trimmed(struct text text)
{
    while (text.count > 0 && json_is_blank(text.at[0]))
        text = (struct text){.at = text.at + 1, .count = text.count - 1};
    while (text.count > 0 && json_is_blank(text.at[text.count - 1]))
        text.count--;
    return text;
}

bool json_take_value(struct text *rest, struct text *ret_value)
{
    struct json_check check;

    json_check_init(&check);
    size_t count = json_check_value(&check, *rest);
    if (!json_check_is_whole(&check))
        return false;
    *ret_value = json_trimmed((struct text){.at = rest->at, .count = count});
    *rest = (struct text){.at = rest->at + count, .count = rest->count - count};
    return true;
}

bool json_is_plain(struct text text)
{
    struct text rest = text;
    struct text value;

    return json_take_value(&rest, &value) && value.count == text.count &&
           !strchr("{[\"", value.at[0]);
}
