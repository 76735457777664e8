/* Pieces of memory of any size. They lie in slabs, each for pieces of one size, so that a piece
 * takes a sixth more than was asked for at the most and has nothing in front of it. What was not
 * written yet takes no memory: a buffer that waits for its bytes costs nothing.
 *
 * What is given back is kept, and given out again. When free pieces of a size of 16 KiB and more
 * hold some MiB, that memory goes back to the system, and only their addresses are kept.
 *
 * Each thread has its own lists; a piece may be given back to other lists than it was taken from. */
#pragma once

#include <stddef.h>

#include "budget/checked.h"

enum { SLABS_SIZES = 80 };

/* Free pieces of one size. */
struct slabs_list {
    void *used;  /* hold what was written to them */
    void *clean; /* hold no memory */
    char *fresh; /* of the newest slab: from here on nothing was given out */
    char *end;
    size_t kept; /* bytes of used, when they are large */
};

/* To begin with, all zero. */
struct slabs {
    struct slabs_list lists[SLABS_SIZES];
};

/* Aligned for anything, from 16 KiB on to a page; not cleared. NULL if there is none so large. */
CHECKED void *slabs_take(struct slabs *slabs, size_t bytes);

/* Takes piece. */
void slabs_give(struct slabs *slabs, void *piece);

/* How many bytes the piece has: as many as were asked for, or more. */
CHECKED size_t slabs_bytes(const void *piece);

/* Gives all slabs of all threads back to the system. No lists and no piece may be used after it. */
void slabs_end(void);
