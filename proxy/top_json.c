#include "proxy/top_json.h"

#include <stdbool.h>
#include <stdlib.h>

#include "conf/json.h"
#include "conf/json_walk.h"

enum { NAME_ROOM = 64, NUMBER_ROOM = 40 };

/* Names hold nothing that a pointer would have to escape. */
struct text top_json_member(struct text object, const char *name)
{
    char pointer[NAME_ROOM] = "/";

    if (!object.at || object.count == 0 || object.at[0] != '{' || strlen(name) > NAME_ROOM - 2)
        return (struct text){.at = NULL};
    strcat(pointer, name);
    return json_find(object, text_of(pointer));
}

double top_json_value(struct text value)
{
    char digits[NUMBER_ROOM];

    if (!value.at || value.count >= sizeof digits)
        return 0;
    memcpy(digits, value.at, value.count);
    digits[value.count] = '\0';
    return strtod(digits, NULL);
}

double top_json_number(struct text object, const char *name)
{
    return top_json_value(top_json_member(object, name));
}

const char *top_json_string(struct text object, const char *name, struct store *store)
{
    struct text string = top_json_member(object, name);

    if (!string.at || string.at[0] != '"')
        return "";
    char *text = store_take(store, string.count + 1);
    size_t count = json_string_read(string, text);
    for (size_t i = 0; i < count; i++) {
        if (text[i] < ' ' || text[i] > '~')
            text[i] = '?';
    }
    text[count] = '\0';
    return text;
}

size_t top_json_count(struct text array)
{
    struct json_walk walk;
    struct text name;
    struct text value;
    size_t count = 0;

    json_walk_init(&walk, array);
    while (!walk.is_object && json_walk_next(&walk, &name, &value))
        count++;
    return count;
}
