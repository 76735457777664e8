/* Reads the log of the program as it grows, also across its being moved away and opened anew. */
#pragma once

#include <stddef.h>

#include "test/soak/tally.h"

struct journal {
    struct tally *tally; /* borrowed: who is told of each line */
    char path[128];
    char old_path[136]; /* where a log is moved to, until all of it is read */
    int fd;             /* of the file that is read; -1: none is there yet */
    bool is_moved;      /* the file that is read is at old_path */
    size_t moves;
    char bytes[1 << 16];
    size_t count; /* of bytes: the beginning of a line */
};

void journal_init(struct journal *journal, struct tally *tally, const char *folder);

/* Reads all that is there. */
void journal_read(struct journal *journal);

/* Moves the log away. False: the one before is still being read. */
bool journal_move(struct journal *journal);

void journal_finish(struct journal *journal);
