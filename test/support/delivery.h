/* What a client sent on one connection, compared with what the proxy made of it. The upstream is
 * test/support/echo.h, so that the replies show what arrived there. */
#pragma once

#include <stddef.h>

#include "conf/text.h"
#include "test/support/strict.h"

struct delivery {
    char statuses[256];         /* of the replies, in order: "200 200 400" */
    char body[STRICT_BODY_MAX]; /* of the first request, as it arrived upstream */
    size_t body_count;
    size_t echoes;         /* replies that came from upstream */
    const char *fault;     /* why the two do not fit together; NULL: they do */
    struct strict wanted;  /* the request that was looked at last, as it was sent */
    struct strict arrived; /* and as it arrived */
};

/* Faults are: a request that arrived and was not sent, or has another start, header, order, body
 * or framing than it had; a refusal after which the connection goes on; a request that nobody
 * answered on a connection that goes on; a reply that is not whole. */
void delivery_judge(struct delivery *delivery, struct text sent, char *heard, size_t heard_count);
