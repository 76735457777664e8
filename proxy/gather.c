#include "proxy/gather.h"

#include <string.h>

#include "proxy/exchange.h"

enum { ROOM_FIRST = 16384 };

bool gather_is_needed(const struct exchange *exchange)
{
    return exchange->route->passing_count > 1 && exchange->request->body != BODY_NONE;
}

/* Grows with what has come, not with what was announced: to announce costs a client nothing. */
static void make_room(struct exchange *exchange, size_t count)
{
    struct gathered *gathered = &exchange->gathered;
    size_t room = gathered->room > 0 ? gathered->room : ROOM_FIRST;
    char *bytes;

    if (count <= gathered->room)
        return;
    while (room < count)
        room *= 2;
    bytes = arena_take(&exchange->arena, room);
    if (gathered->count > 0)
        memcpy(bytes, gathered->bytes, gathered->count);
    gathered->bytes = bytes;
    gathered->room = room;
}

bool gather_begin(struct exchange *exchange)
{
    const struct request *request = exchange->request;

    if (request->body == BODY_LENGTH && request->body_length > GATHER_MAX)
        return false;
    make_room(exchange, ROOM_FIRST);
    client_want(exchange->client, ATTEMPT_WINDOW);
    return true;
}

bool gather_take(struct exchange *exchange, const char *bytes, size_t count)
{
    struct gathered *gathered = &exchange->gathered;

    if (count > GATHER_MAX - gathered->count)
        return false;
    make_room(exchange, gathered->count + count);
    memcpy(gathered->bytes + gathered->count, bytes, count);
    gathered->count += count;
    client_want(exchange->client, count);
    return true;
}
