/* Tables of requests, each sent to the program whole, cut in two at every offset, and one byte at a
 * time: the outcome must be the same each time, and what arrived upstream must be what was sent. */
#pragma once

#include <stddef.h>

#include "conf/text.h"
#include "test/support/echo.h"
#include "test/support/world.h"

struct row {
    struct text sent; /* another request follows it on the connection: GET /end */
    /* Of all replies on the connection: "200 200" when both requests were answered, "400" when the
     * first was refused and the connection closed. A star at the end stands for anything. */
    const char *statuses;
    const char *body; /* as it arrived upstream; NULL: none */
};

/* A row's bytes, which may hold NULs. */
#define BYTES(literal)                                 \
    {                                                  \
        .at = (literal), .count = sizeof(literal) - 1, \
    }

/* The program with an upstream that echoes, on a unix socket; lines may be added to [proxy]. */
struct world *matrix_start(struct echo *echo, const char *proxy_lines);

void matrix_run(const struct row *rows, size_t count);

#define RUN(rows) matrix_run(rows, sizeof(rows) / sizeof(*(rows)))
