/* All that is wrong with a file, kept until the end so that it can be told in the file's order. */
#pragma once

#include <stddef.h>
#include <stdio.h>

#include "conf/store.h"

struct complaint {
    int line;
    const char *text; /* borrowed from the store */
};

struct complaints {
    const char *name;    /* of the file, borrowed */
    struct store *store; /* borrowed: holds the sentences */
    struct complaint *list;
    size_t count;
    size_t mistakes; /* those that are more than a warning */
};

/* line 0: the file as a whole. */
void complain(struct complaints *complaints, int line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void warn(struct complaints *complaints, int line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Writes them one a line, "name:12: sentence", by line and as they came. */
void complaints_print(struct complaints *complaints, FILE *out);
