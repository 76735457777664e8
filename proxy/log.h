/* The log. Lines are gathered in memory by each worker and written by a thread of its own, so that
 * a full disk or a slow terminal never holds a request up; what does not fit is counted and said. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "budget/checked.h"

struct log;        /* the destination and its writing thread; defined in log.c */
struct log_buffer; /* one worker's lines; defined in log.c */

/* where: "stderr", "off" or a file's path. is_json: what the log says of itself is JSON, else logfmt.
 * NULL when it cannot be opened; errno says why. The caller owns it. The writing thread has all
 * signals blocked. */
CHECKED struct log *log_create(const char *where, bool is_json);

/* Writes what is left (for at most a second) and frees log and all its buffers. NULL is fine. */
void log_destroy(struct log *log);

/* Opens the file anew (SIGUSR1). Any thread; takes effect before the next write. If it cannot be
 * opened the old file stays in use, which is said on stderr. */
void log_reopen(struct log *log);

/* One for each thread that logs; owned by log. */
CHECKED struct log_buffer *log_buffer_create(struct log *log);

/* Adds a line (without its newline). Never blocks, never fails: drops and counts when full. */
void log_line(struct log_buffer *buffer, const char *line, size_t count);

/* Is there any point in making up a line? */
bool log_is_on(const struct log_buffer *buffer);

/* How often so far, in all. */
struct log_counts {
    uint64_t dropped; /* lines that were not written */
    uint64_t reopen_failures;
};

struct log_counts log_counts(const struct log *log);
