/* The reader in front of inih: it hands inih one checked line after the other, so the number of
 * the line is known in any build of inih, and whatever inih would cut, join or skip in silence is
 * a mistake instead. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "conf/complaints.h"

/* The most that inih takes of a line and of a section's name, in bytes. Longer ones are cut or
 * split by it, differently in different versions. */
enum { LINE_MAX_BYTES = 198, SECTION_MAX_BYTES = 49 };

struct line_entry {
    const char *key;
    const char *value; /* without blanks around it and without comment */
    int line;
};

struct lines {
    FILE *file;
    struct complaints *complaints;
    void (*on_section)(void *owner, const char *title, int line); /* title: between [ and ] */
    void (*on_entry)(void *owner, const struct line_entry *entry);
    void *owner;
    /* private */
    int line;
    char *text; /* owned: the present line */
    size_t room;
    enum { BEFORE_SECTIONS, IN_SECTION, IN_BAD_SECTION } place;
};

/* Reads the file to its end, telling its owner of each section and entry that is well formed and
 * complaining of the rest. Strings are borrowed until the callback returns. */
void lines_read(struct lines *lines);
