#include "proxy/top_json.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "conf/json.h"

enum { NAME_ROOM = 64, NUMBER_ROOM = 40 };

/* Names hold nothing that a pointer would have to escape. */
struct text top_json_member(struct text object, const char *name)
{
    char pointer[NAME_ROOM];

    if (!object.at || object.count == 0 || object.at[0] != '{' || strlen(name) > NAME_ROOM - 2)
        return (struct text){.at = NULL};
    snprintf(pointer, sizeof pointer, "/%s", name);
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

struct json_walk top_json_elements(struct text array)
{
    bool is_array = array.at && array.count > 0 && array.at[0] == '[';
    struct json_walk walk;

    json_walk_init(&walk, is_array ? array : (struct text){.at = NULL});
    return walk;
}

size_t top_json_count(struct text array)
{
    struct json_walk walk = top_json_elements(array);
    struct text name;
    struct text value;
    size_t count = 0;

    while (json_walk_next(&walk, &name, &value))
        count++;
    return count;
}
