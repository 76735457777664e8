/* The bytes of one connection, as its codec reads and writes them: plain sockets today; encryption
 * would go below this. Nothing here blocks or raises SIGPIPE. */
#pragma once

#include <event2/util.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/uio.h>

#include "budget/checked.h"

struct transport {
    evutil_socket_t fd; /* owned; -1 when closed */
};

enum transport_result {
    TRANSPORT_OK,
    TRANSPORT_AGAIN,  /* not now */
    TRANSPORT_ENDED,  /* the peer sends no more */
    TRANSPORT_BROKEN, /* nothing goes any more, either way */
};

/* room > 0. *count: how many bytes came; 0 unless OK. */
CHECKED enum transport_result transport_read(struct transport *transport, char *to, size_t room,
                                             size_t *count);

/* *count: how many bytes went, perhaps fewer than there are; 0 unless OK. */
CHECKED enum transport_result transport_write(struct transport *transport, struct iovec *pieces,
                                              int pieces_count, size_t *count);

/* Is it broken? For when nothing is to be read or written. */
bool transport_is_broken(struct transport *transport);

/* Has the system bytes of it that the peer's has not taken yet? */
CHECKED bool transport_has_unsent(const struct transport *transport);

/* No more will be written; reading goes on. */
void transport_end(struct transport *transport);

void transport_close(struct transport *transport);

/* Closes so that the peer gets an error, not an orderly end. What was not sent is lost. */
void transport_reset(struct transport *transport);
