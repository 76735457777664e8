/* The table of options: one row for each, and nothing said twice. */
#pragma once

#include <stddef.h>

#include "conf/kind.h"
#include "conf/value.h"

enum option_flag {
    OPTION_REPEATS = 1,  /* may be set several times */
    OPTION_REQUIRED = 2, /* has no default and must be set */
    OPTION_EMPTY = 4,    /* may be set to nothing */
    OPTION_INHERITS = 8, /* of a route: the default is what [budget] says */
};

struct option {
    enum section_kind section;
    const char *key;
    option_set *set;
    size_t place;         /* in the section's draft */
    const char *standard; /* the default as text; NULL: there is none */
    unsigned flags;
    const char *help;
};

/* The rows of one kind of section lie side by side. */
const struct option *option_first(enum section_kind kind);
size_t option_count(enum section_kind kind);

/* NULL: no such key. */
const struct option *option_find(enum section_kind kind, const char *key);
