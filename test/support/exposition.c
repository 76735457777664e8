#include "test/support/exposition.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Each takes something at the begin of *at, if it is there. */

static bool take_name(const char **at, const char *more)
{
    const char *begin = *at;

    while (isalpha((unsigned char)**at) || (**at != '\0' && strchr(more, **at)) ||
           (*at > begin && isdigit((unsigned char)**at)))
        (*at)++;
    return *at > begin;
}

static bool take(const char **at, const char *word)
{
    size_t count = strlen(word);
    bool is_there = strncmp(*at, word, count) == 0;

    *at += is_there ? count : 0;
    return is_there;
}

/* A label's value behind its quote, and the one that ends it. */
static bool take_value(const char **at)
{
    while (**at != '"') {
        if (**at == '\0' || **at == '\n')
            return false;
        if (**at == '\\' && ((*at)++, !strchr("\\\"n", **at) || **at == '\0'))
            return false;
        (*at)++;
    }
    (*at)++;
    return true;
}

static bool take_labels(const char **at)
{
    if (!take(at, "{"))
        return true;
    do {
        if (!take_name(at, "_") || !take(at, "=\"") || !take_value(at))
            return false;
    } while (take(at, ","));
    return take(at, "}");
}

static bool take_number(const char **at)
{
    char *end;

    if (!isdigit((unsigned char)**at) && **at != '-')
        return false;
    (void)strtod(*at, &end);
    *at = end;
    return true;
}

static bool take_comment(const char **at)
{
    static const char *const types[] = {"counter", "gauge", "histogram"};

    if (take(at, "# HELP ")) {
        if (!take_name(at, "_:") || !take(at, " "))
            return false;
        *at += strcspn(*at, "\n");
        return true;
    }
    if (!take(at, "# TYPE ") || !take_name(at, "_:") || !take(at, " "))
        return false;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (take(at, types[i]))
            return true;
    }
    return false;
}

int exposition_count(const char *text)
{
    int count = 0;

    while (*text != '\0') {
        const char *at = text;
        bool is_comment = *at == '#';
        bool is_right = is_comment ? take_comment(&at)
                                   : take_name(&at, "_:") && take_labels(&at) && take(&at, " ") &&
                                         take_number(&at);
        if (!is_right || !take(&at, "\n")) {
            fprintf(stderr, "no metric: %.*s\n", (int)strcspn(text, "\n"), text);
            return -1;
        }
        count += !is_comment;
        text = at;
    }
    return count;
}
