/* What has come on a connection and was not used yet: one block of memory, held only while there is
 * something in it. The head of the request that is being served, into which texts point, has a small
 * block of its own when nothing has come behind it: most requests wait long with no more than that.
 * Else it stays where it is, below what comes after it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "budget/checked.h"
#include "budget/span.h"
#include "conf/text.h"
#include "proxy/pool.h"
#include "proxy/transport.h"

struct http1_block {
    char *bytes; /* owned; NULL: none */
    size_t capacity;
};

/* 0 .. floor: the head of a request; floor .. begin: used; begin .. end: to be used. */
struct http1_input {
    struct http1_block block;
    struct http1_block head; /* when it does not share a block with what follows */
    size_t floor;
    size_t begin;
    size_t end;
    size_t last;               /* where the bytes begin that came last */
    struct instant last_read;  /* when they came */
    struct instant first_read; /* when the others did, or before */
};

void http1_input_finish(struct http1_input *input, struct pool *pool);

/* Reads once, if there is room. */
CHECKED enum transport_result http1_input_read(struct http1_input *input, struct pool *pool,
                                               struct transport *transport, struct instant now);

/* Is there room to read more? */
bool http1_input_has_room(const struct http1_input *input);

/* What is there to be used; good until the next read. */
struct text http1_input_text(const struct http1_input *input);
void http1_input_use(struct http1_input *input, size_t count);

/* Makes room for a head of up to `bytes` bytes, of which a part is there. */
void http1_input_grow(struct http1_input *input, struct pool *pool, size_t bytes);

/* When the first byte of what is there was read. */
struct instant http1_input_started(const struct http1_input *input);

/* The next count bytes, which are a head, are used, and kept until http1_input_drop_head: returns
 * where. */
CHECKED struct text http1_input_keep_head(struct http1_input *input, struct pool *pool,
                                          size_t count);
void http1_input_drop_head(struct http1_input *input, struct pool *pool);
