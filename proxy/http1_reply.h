/* The head of a reply: struct reply -> bytes, and how its body is framed. Pure. */
#pragma once

#include <stdbool.h>

#include "proxy/chain.h"
#include "proxy/client.h"
#include "proxy/http1_head.h"
#include "proxy/pool.h"

enum http1_framing {
    FRAMING_NONE, /* the reply has no body, whatever its head says: HEAD, 204, 304 */
    FRAMING_LENGTH,
    FRAMING_CHUNKED,
    FRAMING_CLOSE, /* HTTP/1.0: it lasts until the connection ends */
};

enum http1_framing http1_framing_of(const struct request *request, const struct reply *reply);

/* What the codec adds to a reply. */
struct http1_terms {
    enum http1_framing framing;
    bool closes;     /* say Connection: close */
    bool keeps_open; /* say Connection: keep-alive, which HTTP/1.0 must be told */
    struct text date;
};

void http1_reply_write(struct chain *out, struct pool *pool, const struct reply *reply,
                       const struct http1_terms *terms);

/* Writes a whole reply that says what is wrong and that the connection ends. */
void http1_refusal_write(struct chain *out, struct pool *pool, struct http1_refusal refusal,
                         struct text date);

/* "Not Found" for 404; for a status that has no name, that of its class. */
struct text http1_phrase(int status);
