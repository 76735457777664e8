/* Many clients at once, each on a connection of its own that sends its bytes in pieces. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "conf/text.h"

#define SHOT_WHOLE SIZE_MAX /* not cut */
#define SHOT_BYTES 0        /* one byte at a time */

struct shot {
    struct text bytes; /* borrowed */
    size_t cut;        /* where it is cut in two, or one of those above */
    char *heard;       /* owned: all that came back until the end of the connection */
    size_t heard_count;
};

/* Connects each to a unix socket (unix:/path), sends a piece when the one before has been read from
 * the socket, says that nothing more will come, and reads until the other side has closed. Fails
 * the test when nothing moves for 20 s. Shots start as bytes, cut and zeros. */
void volley_fire(const char *address, struct shot *shots, size_t count);

/* Frees what they heard. */
void volley_forget(struct shot *shots, size_t count);
