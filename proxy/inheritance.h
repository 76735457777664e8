/* The listening sockets of a process that this one replaces, as handover.h has it. */
#pragma once

#include <stdio.h>
#include <sys/types.h>

#include "budget/checked.h"
#include "conf/conf.h"

struct inheritance; /* defined in inheritance.c */

/* Asks the process for its sockets, and waits for them, for 5 s at most. NULL: a sentence for the
 * operator went to complaints. Owned by the caller. */
CHECKED struct inheritance *inheritance_create(pid_t pid, FILE *complaints);

/* Takes those that listen on an address. Returns how many, in *fds, an array to be freed; NULL for
 * none. They are the caller's. */
CHECKED size_t inheritance_claim(struct inheritance *inheritance,
                                 const struct conf_address *address, int **fds);

/* Tells the other process that this one serves: it stops. If it has ended, that is well too. What was
 * not claimed is closed, and its files are removed: nobody listens there any more. */
void inheritance_accept(struct inheritance *inheritance);

/* Closes what was not claimed. If it was not accepted, the other process goes on. NULL is fine. */
void inheritance_destroy(struct inheritance *inheritance);
