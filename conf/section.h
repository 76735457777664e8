/* One section of the file while it is being read: what its settings say. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "conf/kind.h"
#include "conf/store.h"

struct setting {
    const char *text; /* NULL: not set, or set to something that is a mistake */
    int line;         /* 0: not set in the file */
    bool is_faulty;
    int *lines; /* of the values that were taken, in the order in which they were */
    size_t count;
};

struct section {
    enum section_kind kind;
    const char *name;         /* "" where the kind has none; ROUTE.NAME of a call */
    const char *label;        /* "route.order", for complaints and as its key */
    int line;                 /* 0: not in the file */
    void *draft;              /* struct proxy_draft, ... */
    struct setting *settings; /* one for each option of the kind */
    size_t number;            /* among the sections of its kind */
    bool is_used;             /* something refers to it */
};

/* An empty section, in the store. */
struct section *section_create(struct store *store, enum section_kind kind, const char *name);

/* "route.order"; in the store. */
char *section_label(struct store *store, enum section_kind kind, const char *name);

/* The setting of an option of the section's kind. */
struct setting *section_setting(const struct section *section, const char *key);

/* Was the option set in the file? */
bool section_sets(const struct section *section, const char *key);

/* Has the option a value, from the file or by default, and no mistake in it? */
bool section_has(const struct section *section, const char *key);

/* What the option is set to, as written; NULL when it has no value. */
const char *section_text(const struct section *section, const char *key);

/* Where the option is set, or where the section begins. */
int section_line(const struct section *section, const char *key);

/* The same for one value of an option that repeats: number counts those that were taken. */
int section_line_of(const struct section *section, const char *key, size_t number);
