/* The pages of the admin listener: one row for each. */
#pragma once

#include <stdio.h>

#include "conf/text.h"

struct admin;

struct page {
    const char *path;
    /* Prints it and returns its status. query is that of the target, as it came: a page without
     * parameters does not look at it. */
    int (*print)(const struct admin *admin, struct text query, FILE *out);
    struct text type; /* of what it prints with 200; with another status it prints plain text */
};

/* NULL: there is none. */
const struct page *page_find(struct text path);

/* "/, /healthz, /readyz and /metrics" */
void pages_name(FILE *out);
