/* The file while it is being read: its sections. What they mean together is found out afterwards. */
#pragma once

#include <stddef.h>
#include <stdio.h>

#include "conf/complaints.h"
#include "conf/section.h"

struct draft {
    struct store *store;           /* borrowed: holds everything in here */
    struct complaints *complaints; /* borrowed */
    struct section **sections;
    size_t count;
    size_t counts[SECTION_KINDS];
    struct section *proxy;
    struct section *budget;
    struct section *current; /* entries go here; NULL: nowhere */
    void *index;             /* owned: sections by label */
};

/* Reads the whole file into an empty draft and then gives every option that was not set its
 * default. Mistakes go to the complaints; when the file cannot be read, nothing else does. */
void draft_read(struct draft *draft, FILE *file);

/* NULL: no such section. name is what stands behind the kind in the brackets. */
struct section *draft_find(const struct draft *draft, enum section_kind kind, const char *name);

/* ": did you mean NAME?", with a section of this kind, or nothing. */
const char *draft_nearest(const struct draft *draft, enum section_kind kind, const char *name);

/* Frees what is not in the store. */
void draft_finish(struct draft *draft);
