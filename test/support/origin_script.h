/* Does what a script says on one connection of an origin. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "test/support/message.h"
#include "test/support/origin.h"

enum stage_end {
    STAGE_ON,   /* the connection goes on */
    STAGE_OVER, /* the script has ended it */
    STAGE_LEFT, /* the proxy has */
};

struct stage {
    int fd;
    atomic_size_t *sent; /* borrowed: counts the bytes that were sent */
    /* Reads body until count bytes of it have come (0: until it is complete). False: it ended
     * early. */
    bool (*read_body)(void *owner, size_t count);
    /* Have so many requests come, of all connections? */
    bool (*has_had)(void *owner, size_t count);
    void *owner;
};

CHECKED enum stage_end stage_play(const struct stage *stage, const struct script *script);

/* Waits for a peer to close or reset; at most wait_us when it is not negative. */
CHECKED bool peer_leaves(int fd, int64_t wait_us);
