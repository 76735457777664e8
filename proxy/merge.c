#include "proxy/merge.h"

#include "proxy/calls.h"
#include "proxy/exchange.h"
#include "proxy/result.h"
#include "proxy/values.h"
#include "proxy/worker.h"
#include "proxy/writer.h"

enum { LIST_ROOM = 1400 };

/* {"stock": before the first body, ,"price": before the others. */
static struct text opening(char room[static LIST_ROOM], const char *name, bool is_first)
{
    struct writer writer = writer_on(room, LIST_ROOM);

    write_string(&writer, is_first ? "{\"" : ",\"");
    write_string(&writer, name);
    write_string(&writer, "\":");
    return writer_text(&writer);
}

/* What is in its place when a call has brought nothing. */
static struct text stopgap(const struct exchange *exchange, size_t call)
{
    struct text body = values_fallback(exchange, call);

    return body.at && body.count > 0 ? body : TEXT("null");
}

static size_t body_length(const struct exchange *exchange, size_t index)
{
    const struct call *call = result_of(exchange, index);

    if (call->entry->outcome != CALL_OK)
        return stopgap(exchange, index).count;
    return call->body.at ? call->body.count : call->kept.count;
}

/* A body that nobody but the merge needs moves as it came, in its segments. */
static void append_body(struct exchange *exchange, size_t index, struct chain *to)
{
    struct pool *pool = &exchange->worker->pool;
    struct call *call = result_of(exchange, index);
    struct text body = call->body;

    if (call->entry->outcome != CALL_OK)
        body = stopgap(exchange, index);
    if (body.at)
        chain_append(to, pool, body.at, body.count);
    else
        chain_move(to, &call->kept, pool);
}

/* ,"_partial":["price"]} when there are gaps, else the closing brace alone. */
static struct text closing(const struct exchange *exchange, char room[static LIST_ROOM])
{
    struct writer writer = writer_on(room, LIST_ROOM);
    bool is_first = true;

    for (size_t i = 0; i < exchange->route->steps_calls_count; i++) {
        if (!calls_left_gap(exchange, i))
            continue;
        write_string(&writer, is_first ? ",\"_partial\":[\"" : ",\"");
        write_string(&writer, exchange->route->calls[i].name);
        write_char(&writer, '"');
        is_first = false;
    }
    write_string(&writer, is_first ? "}" : "]}");
    return writer_text(&writer);
}

int64_t merge_length(const struct exchange *exchange)
{
    char room[LIST_ROOM];
    size_t length = closing(exchange, room).count;

    for (size_t i = 0; i < exchange->route->steps_calls_count; i++) {
        length += opening(room, exchange->route->calls[i].name, i == 0).count;
        length += body_length(exchange, i);
    }
    return (int64_t)length;
}

bool merge_next(struct exchange *exchange, struct chain *to)
{
    struct pool *pool = &exchange->worker->pool;
    size_t call = exchange->merged++;
    char room[LIST_ROOM];
    struct text piece;

    if (call == exchange->route->steps_calls_count) {
        piece = closing(exchange, room);
        chain_append(to, pool, piece.at, piece.count);
        return false;
    }
    piece = opening(room, exchange->route->calls[call].name, call == 0);
    chain_append(to, pool, piece.at, piece.count);
    append_body(exchange, call, to);
    return true;
}
