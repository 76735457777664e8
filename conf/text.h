/* A piece of text that somebody else owns; not terminated. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

struct text {
    const char *at;
    size_t count;
};

#define TEXT(literal) ((struct text){.at = (literal), .count = sizeof(literal) - 1})
#define TEXT_NONE ((struct text){.at = "", .count = 0})

static inline struct text text_of(const char *string)
{
    return (struct text){.at = string, .count = strlen(string)};
}

static inline bool text_is(struct text a, struct text b)
{
    return a.count == b.count && (a.count == 0 || memcmp(a.at, b.at, a.count) == 0);
}

/* The same but for the case of ASCII letters. */
static inline bool text_is_like(struct text a, struct text b)
{
    return a.count == b.count && (a.count == 0 || strncasecmp(a.at, b.at, a.count) == 0);
}

/* Without the spaces and tabs around it (OWS of RFC 9110 section 5.6.3). */
static inline struct text text_trimmed(struct text text)
{
    while (text.count > 0 && (text.at[0] == ' ' || text.at[0] == '\t')) {
        text.at++;
        text.count--;
    }
    while (text.count > 0 && (text.at[text.count - 1] == ' ' || text.at[text.count - 1] == '\t'))
        text.count--;
    return text;
}

/* What a hexadecimal digit says, of either case; -1: it is none. */
static inline int text_hex_digit(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    return digit >= 'A' && digit <= 'F' ? digit - 'A' + 10 : -1;
}
