#include "proxy/gather.h"

#include "proxy/exchange.h"
#include "proxy/worker.h"

bool gather_is_needed(const struct exchange *exchange)
{
    return exchange->route->passing_count > 1 && exchange->request->body != BODY_NONE;
}

static const char *refuse(struct exchange *exchange, enum limit limit)
{
    counter_add(&exchange->worker->metrics.limits[limit], 1);
    if (limit == LIMIT_REQUEST_BODY) {
        exchange->status = 413;
        return "the body is longer than 1 MiB";
    }
    exchange->status = 503;
    exchange->reason = REASON_OVERLOAD;
    return "there is too little memory for the body";
}

const char *gather_begin(struct exchange *exchange)
{
    const struct request *request = exchange->request;

    if (request->body == BODY_LENGTH && request->body_length > GATHER_MAX)
        return refuse(exchange, LIMIT_REQUEST_BODY);
    client_want(exchange->client, ATTEMPT_WINDOW);
    return NULL;
}

const char *gather_take(struct exchange *exchange, const char *bytes, size_t count)
{
    struct chain *pieces = &exchange->gathered.pieces;

    if (count > GATHER_MAX - pieces->count)
        return refuse(exchange, LIMIT_REQUEST_BODY);
    if (!pool_allows(&exchange->worker->pool, pieces->count + count))
        return refuse(exchange, LIMIT_MEMORY);
    chain_append(pieces, &exchange->worker->pool, bytes, count);
    client_want(exchange->client, count);
    return NULL;
}

void gather_end(struct exchange *exchange)
{
    struct gathered *gathered = &exchange->gathered;
    size_t count = gathered->pieces.count;

    gathered->bytes = arena_take(&exchange->arena, count + 1);
    gathered->count =
        chain_take(&gathered->pieces, &exchange->worker->pool, gathered->bytes, count);
}

void gather_drop(struct exchange *exchange)
{
    chain_clear(&exchange->gathered.pieces, &exchange->worker->pool);
}
