#include "proxy/merge.h"

#include "proxy/answer.h"
#include "proxy/exchange.h"
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

static struct text body_of(const struct call *call)
{
    struct text body = values_body(call);

    return body.at && body.count > 0 ? body : TEXT("null");
}

/* ,"_partial":["price"]} when there are gaps, else the closing brace alone. */
static struct text closing(const struct exchange *exchange, char room[static LIST_ROOM])
{
    struct writer writer = writer_on(room, LIST_ROOM);
    bool is_first = true;

    for (size_t i = 0; i < exchange->route->calls_count; i++) {
        if (!answer_is_gap(exchange, i))
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

    for (size_t i = 0; i < exchange->route->calls_count; i++) {
        length += opening(room, exchange->route->calls[i].name, i == 0).count;
        length += body_of(&exchange->calls[i]).count;
    }
    return (int64_t)length;
}

bool merge_next(struct exchange *exchange, struct chain *to)
{
    struct pool *pool = &exchange->worker->pool;
    size_t call = exchange->merged++;
    char room[LIST_ROOM];
    struct text piece;

    if (call == exchange->route->calls_count) {
        piece = closing(exchange, room);
        chain_append(to, pool, piece.at, piece.count);
        return false;
    }
    piece = opening(room, exchange->route->calls[call].name, call == 0);
    chain_append(to, pool, piece.at, piece.count);
    piece = body_of(&exchange->calls[call]);
    chain_append(to, pool, piece.at, piece.count);
    return true;
}
