#include "test/support/logfmt.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* The end of a token key=value or key="value", or NULL when there is none here. */
static const char *skip_pair(const char *at)
{
    const char *key = at;

    while (isalnum((unsigned char)*at) || strchr("_.-/", *at) != NULL) {
        if (*at == '\0')
            return NULL;
        at++;
    }
    if (at == key || *at++ != '=')
        return NULL;
    if (*at != '"')
        return at + strcspn(at, " \n\"");
    for (at++; *at != '"'; at++) {
        if (*at == '\\')
            at++;
        if (*at == '\0' || *at == '\n')
            return NULL;
    }
    return at + 1;
}

int logfmt_count(const char *text)
{
    int count = 0;

    for (; *text != '\0'; text += strcspn(text, "\n"), text += *text == '\n') {
        if (strncmp(text, "time=", 5) != 0)
            continue;
        const char *at = text;
        while ((at = skip_pair(at)) != NULL && *at == ' ')
            at++;
        if (at == NULL || *at != '\n') {
            fprintf(stderr, "not logfmt: %.*s\n", (int)strcspn(text, "\n"), text);
            return -1;
        }
        count++;
    }
    return count;
}
