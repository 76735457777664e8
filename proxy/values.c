#include "proxy/values.h"

#include <stdlib.h>

#include "conf/json.h"
#include "proxy/exchange.h"
#include "proxy/headers.h"
#include "proxy/memory.h"
#include "proxy/result.h"
#include "proxy/writer.h"

enum { ROOM = 16384, LARGE_ROOM = 4 << 20 };

static const struct text NO_VALUE = {.at = NULL, .count = 0};

/* Percent-decoded, in the arena; a broken escape stays as it is. */
static struct text decoded(struct exchange *exchange, struct text text, bool plus_is_space)
{
    char *to = arena_take(&exchange->arena, text.count + 1);
    size_t count = 0;

    for (size_t i = 0; i < text.count; i++) {
        bool is_escape = text.at[i] == '%' && i + 2 < text.count;
        int high = is_escape ? text_hex_digit(text.at[i + 1]) : -1;
        int low = is_escape ? text_hex_digit(text.at[i + 2]) : -1;
        if (high >= 0 && low >= 0) {
            to[count++] = (char)(high * 16 + low);
            i += 2;
        } else {
            to[count++] = plus_is_space && text.at[i] == '+' ? ' ' : text.at[i];
        }
    }
    return (struct text){.at = to, .count = count};
}

static struct text query_value(struct exchange *exchange, struct text name)
{
    struct text rest = exchange->request->query;

    while (rest.count > 0) {
        const char *end = memchr(rest.at, '&', rest.count);
        struct text pair = {.at = rest.at, .count = end ? (size_t)(end - rest.at) : rest.count};
        const char *equals = pair.count > 0 ? memchr(pair.at, '=', pair.count) : NULL;
        size_t key = equals ? (size_t)(equals - pair.at) : pair.count;
        struct text value = {.at = pair.at + key, .count = 0};
        if (equals)
            value = (struct text){.at = equals + 1, .count = pair.count - key - 1};
        if (text_is(decoded(exchange, (struct text){.at = pair.at, .count = key}, true), name))
            return decoded(exchange, value, true);
        size_t gone = pair.count + (end ? 1 : 0);
        rest = (struct text){.at = rest.at + gone, .count = rest.count - gone};
    }
    return NO_VALUE;
}

static struct text header_value(const struct header *headers, size_t count, struct text name)
{
    const struct header *header = header_find(headers, count, name);

    return header ? header->value : NO_VALUE;
}

static struct text status_value(struct exchange *exchange, const struct call *call)
{
    if (!call->is_announced)
        return NO_VALUE;
    return arena_print(&exchange->arena, "%d", call->entry->status);
}

/* ---- bodies ----------------------------------------------------------------------------------- */

/* When a call and all who may stand in for it have failed: what is written at the end of the chain. */
struct text values_fallback(const struct exchange *exchange, size_t call)
{
    const struct conf_route *route = exchange->route;

    while (route->policy.calls[call].fallback > 0)
        call = route->policy.calls[call].fallback;
    return route->calls[call].fallback;
}

/* Strings are without their quotes unless JSON is asked for. */
static struct text body_value(struct exchange *exchange, const struct template_part *part)
{
    const struct call *call = result_of(exchange, part->number);
    bool is_own = call->entry->outcome == CALL_OK;
    struct text body = is_own ? call->body : values_fallback(exchange, part->number);

    if (!body.at || (is_own && !call->has_json))
        return NO_VALUE;
    struct text value = body;
    if (!is_own && !json_take_value(&body, &value))
        return NO_VALUE;
    value = json_find(value, part->text);
    if (!value.at || part->place == TEMPLATE_BODY)
        return value;
    char *to = arena_take(&exchange->arena, value.count);
    size_t count = value.at[0] == '"' ? json_string_read(value, to) : json_compact(value, to);
    return (struct text){.at = to, .count = count};
}

/* ---- all kinds -------------------------------------------------------------------------------- */

struct text values_get(void *arg, const struct template_part *part)
{
    struct exchange *exchange = arg;
    const struct request *request = exchange->request;
    const struct call *call;

    switch (part->kind) {
    case TEMPLATE_LITERAL:
        return part->text;
    case TEMPLATE_NAME:
        return decoded(exchange, exchange->names[part->number], false);
    case TEMPLATE_CLIENT_QUERY:
        return query_value(exchange, part->text);
    case TEMPLATE_CLIENT_HEADER:
        return header_value(request->headers, request->headers_count, part->text);
    case TEMPLATE_CALL_STATUS:
        return status_value(exchange, result_of(exchange, part->number));
    case TEMPLATE_CALL_HEADER:
        call = result_of(exchange, part->number);
        if (!call->is_announced)
            return NO_VALUE;
        return header_value(call_response(call)->headers, call_response(call)->headers_count,
                            part->text);
    case TEMPLATE_CALL_BODY:
        return body_value(exchange, part);
    }
    return NO_VALUE;
}

/* Notes what was missing, or could not stand where it would, as the template names it. */
static void note_unfilled(struct exchange *exchange, const struct template_part *part)
{
    struct arena *arena = &exchange->arena;
    bool is_of_call = part->kind >= TEMPLATE_CALL_STATUS;
    const char *call = is_of_call ? exchange->route->calls[part->number].name : "";
    int count = (int)part->text.count;

    exchange->is_badly_asked = !is_of_call;
    switch (part->kind) {
    case TEMPLATE_LITERAL:
    case TEMPLATE_NAME:
        exchange->unfilled = TEXT("a segment of the path");
        break;
    case TEMPLATE_CLIENT_QUERY:
        exchange->unfilled = arena_print(arena, "{query.%.*s}", count, part->text.at);
        break;
    case TEMPLATE_CLIENT_HEADER:
        exchange->unfilled = arena_print(arena, "{header.%.*s}", count, part->text.at);
        break;
    case TEMPLATE_CALL_STATUS:
        exchange->unfilled = arena_print(arena, "{%s.status}", call);
        break;
    case TEMPLATE_CALL_HEADER:
        exchange->unfilled = arena_print(arena, "{%s.header.%.*s}", call, count, part->text.at);
        break;
    case TEMPLATE_CALL_BODY:
        exchange->unfilled = arena_print(arena, "{%s.body%.*s}", call, count, part->text.at);
        break;
    }
}

/* At first in a room that is enough for all but large bodies. */
static struct text fill_in(struct exchange *exchange, const struct template *template,
                           struct template_filling *filling, enum template_result *ret_result)
{
    *ret_result = template_fill(template, values_get, exchange, filling);
    if (*ret_result == TEMPLATE_NO_VALUE || *ret_result == TEMPLATE_BAD_VALUE)
        note_unfilled(exchange, filling->failed);
    if (*ret_result != TEMPLATE_FILLED)
        return NO_VALUE;
    struct text text = {.at = filling->room, .count = filling->count};
    return (struct text){.at = arena_copy(&exchange->arena, text), .count = text.count};
}

struct text values_fill(struct exchange *exchange, const struct template *template)
{
    char room[ROOM];
    struct template_filling filling = {.room = room, .room_count = sizeof room};
    enum template_result result;
    struct text text;

    if (template_is_plain(template, &text))
        return (struct text){.at = arena_copy(&exchange->arena, text), .count = text.count};
    text = fill_in(exchange, template, &filling, &result);
    if (result != TEMPLATE_TOO_LONG)
        return text;
    filling = (struct template_filling){.room = memory_take(LARGE_ROOM), .room_count = LARGE_ROOM};
    text = fill_in(exchange, template, &filling, &result);
    free(filling.room);
    return text;
}
