#include "proxy/gather.h"

#include "proxy/exchange.h"
#include "proxy/worker.h"

bool gather_is_needed(const struct exchange *exchange)
{
    return exchange->route->passing_count > 1 && exchange->request->body != BODY_NONE;
}

bool gather_begin(struct exchange *exchange)
{
    const struct request *request = exchange->request;

    if (request->body == BODY_LENGTH && request->body_length > GATHER_MAX)
        return false;
    client_want(exchange->client, ATTEMPT_WINDOW);
    return true;
}

bool gather_take(struct exchange *exchange, const char *bytes, size_t count)
{
    struct chain *pieces = &exchange->gathered.pieces;

    if (count > GATHER_MAX - pieces->count)
        return false;
    chain_append(pieces, &exchange->worker->pool, bytes, count);
    client_want(exchange->client, count);
    return true;
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
