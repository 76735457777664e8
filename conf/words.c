#include "conf/words.h"

#include <string.h>

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

enum { NAME_MAX_BYTES = 32 };

const char *name_fault(const char *name)
{
    if (!*name)
        return "is empty";
    if (name[strspn(name, LETTERS DIGITS "-_")])
        return "may hold only letters, digits, - and _";
    if (strlen(name) > NAME_MAX_BYTES)
        return "is longer than 32 bytes";
    return NULL;
}

bool token_is(const char *text)
{
    return *text && !text[strspn(text, LETTERS DIGITS "!#$%&'*+-.^_`|~")];
}

bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

char *items_next(const char **rest, char separator, struct store *store)
{
    const char *from = *rest;
    const char *to = strchr(from, separator);

    *rest = to ? to + 1 : NULL;
    if (!to)
        to = from + strlen(from);
    while (from < to && is_blank(*from))
        from++;
    while (from < to && is_blank(to[-1]))
        to--;
    return store_copy(store, from, (size_t)(to - from));
}
