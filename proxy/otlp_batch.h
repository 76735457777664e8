/* Spans that make one message to the collector, in the order in which their requests have ended. */
#pragma once

#include <stddef.h>

#include "proxy/chain.h"
#include "proxy/pool.h"

struct attempt;
struct record;

struct otlp_batch {
    struct pool *pool;  /* borrowed */
    struct chain bytes; /* the message, but for its end until otlp_batch_close */
    size_t spans;
};

void otlp_batch_init(struct otlp_batch *batch, struct pool *pool);
void otlp_batch_clear(struct otlp_batch *batch);

/* The spans of a request that is over and has notes. service: how they name this service, always the
 * same. */
void otlp_batch_add(struct otlp_batch *batch, const struct record *record, const char *service);

/* Moves everything from `from` to `to`, which is empty, and ends the message. */
void otlp_batch_close(struct otlp_batch *to, struct otlp_batch *from);

/* Gives the attempt more of the message to send, as much as may wait there. fed: how much of it that
 * attempt was given before. Returns how much it has been given now. */
size_t otlp_batch_feed(const struct otlp_batch *batch, struct attempt *attempt, size_t fed);
