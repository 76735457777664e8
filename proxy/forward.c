#include "proxy/forward.h"

#include <string.h>

#include "conf/json.h"
#include "conf/method.h"
#include "proxy/exchange.h"
#include "proxy/headers.h"
#include "proxy/tell.h"
#include "proxy/values.h"
#include "proxy/worker.h"
#include "proxy/writer.h"

/* What decides whether a header crosses, worked out once for a call. */
struct crossing {
    struct exchange *exchange;
    const struct call *call;
    bool is_answer;
    bool has_listed;           /* a Connection header names others */
    const struct text *values; /* of the call's own headers, filled */
    struct text body;          /* of its own; at NULL: none */
};

/* ---- which headers cross ---------------------------------------------------------------------- */

static bool is_connection(const struct header *header)
{
    return text_is_like(header->name, TEXT("connection"));
}

static bool names_others(const struct request *request)
{
    for (size_t i = 0; i < request->headers_count; i++) {
        const struct header *header = &request->headers[i];
        if (is_connection(header) && !text_is_like(header->value, TEXT("keep-alive")) &&
            !text_is_like(header->value, TEXT("close")))
            return true;
    }
    return false;
}

static bool is_listed(const struct request *request, struct text name)
{
    for (size_t i = 0; i < request->headers_count; i++) {
        const struct header *header = &request->headers[i];
        if (is_connection(header) && header_is_listed(header->value, name))
            return true;
    }
    return false;
}

/* Or one that the upstream might take for it. */
static bool is_set_by_call(const struct conf_call *call, struct text name)
{
    for (size_t i = 0; i < call->headers_count; i++) {
        if (header_is_taken_for(name, text_of(call->headers[i].name)))
            return true;
    }
    return false;
}

static bool has_prefix(struct text name, struct text prefix)
{
    return name.count >= prefix.count &&
           header_is_taken_for((struct text){.at = name.at, .count = prefix.count}, prefix);
}

/* A request that is not the client's own has not its body; and what the client says of the
 * response that it wants holds for no response but the one that it gets. */
static bool fits(const struct crossing *crossing, struct text name)
{
    if (!crossing->call->conf->is_passing && has_prefix(name, TEXT("content-")))
        return false;
    if (crossing->call->conf->is_read && text_is_like(name, TEXT("accept-encoding")))
        return false; /* what is read here must not be compressed */
    if (crossing->is_answer)
        return true;
    return !has_prefix(name, TEXT("if-")) && !text_is_like(name, TEXT("range"));
}

/* tracestate is about the trace of the traceparent beside it, which may not have been valid. */
static bool is_orphan(const struct exchange *exchange, struct text name)
{
    return !exchange->trace.is_given && text_is_like(name, TEXT("tracestate"));
}

static bool crosses(const struct crossing *crossing, const struct header *header)
{
    const struct exchange *exchange = crossing->exchange;
    int field;
    enum header_fate fate = header_fate_of_request(exchange->worker->rules, header->name, &field);

    return (fate == HEADER_CROSSES || (fate == HEADER_CLAIM && exchange->is_trusted)) &&
           fits(crossing, header->name) && !is_set_by_call(crossing->call->conf, header->name) &&
           !is_orphan(exchange, header->name) &&
           !(crossing->has_listed && is_listed(exchange->request, header->name));
}

/* ---- the block of headers --------------------------------------------------------------------- */

/* All values of that name, as one list, and what the proxy adds to it. */
static void write_list(struct writer *writer, const struct request *request, struct text name,
                       struct text own)
{
    bool is_first = true;

    for (size_t i = 0; i < request->headers_count; i++) {
        if (!text_is_like(request->headers[i].name, name))
            continue;
        if (!is_first)
            write_string(writer, ", ");
        write_text(writer, request->headers[i].value);
        is_first = false;
    }
    if (!is_first && own.count > 0)
        write_string(writer, ", ");
    write_text(writer, own);
}

/* Kept from a peer that is believed, else as the proxy sees it. */
static void write_forwarded(struct writer *writer, const struct exchange *exchange,
                            struct text name, struct text seen)
{
    const struct request *request = exchange->request;
    const struct header *given = header_find(request->headers, request->headers_count, name);
    struct text value = exchange->is_trusted && given ? given->value : seen;

    if (value.count == 0)
        return;
    write_string(writer, "\r\n");
    write_text(writer, name);
    write_string(writer, ": ");
    write_text(writer, value);
}

static void write_forwarded_for(struct writer *writer, const struct exchange *exchange)
{
    const struct peer *peer = exchange->request->peer;
    struct text own = peer->is_unix ? TEXT_NONE : text_of(peer->address);
    struct text name = TEXT("X-Forwarded-For");
    bool is_given = exchange->is_trusted &&
                    header_find(exchange->request->headers, exchange->request->headers_count, name);

    if (!is_given && own.count == 0)
        return;
    write_string(writer, "\r\nX-Forwarded-For: ");
    if (is_given)
        write_list(writer, exchange->request, name, own);
    else
        write_text(writer, own);
}

/* The client's, unless the call sets another; one that sent none asked for what is configured. */
static struct text host_for(const struct crossing *crossing)
{
    const struct call *call = crossing->call;
    struct text host = crossing->exchange->request->host;

    if (host.count == 0)
        host = text_of(upstream_conf(call->upstream)->authority);
    for (size_t i = 0; i < call->conf->headers_count; i++) {
        if (text_is_like(text_of(call->conf->headers[i].name), TEXT("host")))
            host = crossing->values[i];
    }
    return host;
}

/* Host stands first (RFC 9110 section 7.2). */
static void write_block(struct writer *writer, const struct crossing *crossing)
{
    const struct exchange *exchange = crossing->exchange;
    const struct request *request = exchange->request;
    const struct conf_call *call = crossing->call->conf;

    write_string(writer, "Host: ");
    write_text(writer, host_for(crossing));
    write_string(writer, "\r\nVia: ");
    write_list(writer, request, TEXT("via"), header_via(request->minor));
    for (size_t i = 0; i < request->headers_count; i++) {
        const struct header *header = &request->headers[i];
        if (!crosses(crossing, header))
            continue;
        write_string(writer, "\r\n");
        write_text(writer, header->name);
        write_string(writer, ": ");
        write_text(writer, header->value);
    }
    for (size_t i = 0; i < call->headers_count; i++) {
        if (!text_is_like(text_of(call->headers[i].name), TEXT("host")) &&
            crossing->values[i].count > 0)
            write_line(writer, call->headers[i].name, crossing->values[i]);
    }
    if (crossing->body.at && !is_set_by_call(call, TEXT("content-type")))
        write_line(writer, "Content-Type",
                   json_is_value(crossing->body) ? TEXT("application/json") : TEXT("text/plain"));
    write_forwarded_for(writer, exchange);
    write_forwarded(writer, exchange, TEXT("X-Forwarded-Proto"), TEXT("http"));
    write_forwarded(writer, exchange, TEXT("X-Forwarded-Host"), request->host);
    write_line(writer, "X-Request-Id", exchange->id);
}

/* At least as much room as the block can take, and what is told behind it. */
static size_t block_room(const struct crossing *crossing)
{
    const struct exchange *exchange = crossing->exchange;
    const struct call *call = crossing->call;
    const struct conf_upstream *upstream = upstream_conf(call->upstream);
    const struct request *request = exchange->request;
    size_t room = 512 + exchange->id.count + 2 * request->host.count;

    room += host_for(crossing).count + tell_room(upstream->tells, upstream->tells_count);
    for (size_t i = 0; i < request->headers_count; i++)
        room += request->headers[i].name.count + request->headers[i].value.count + 4;
    for (size_t i = 0; i < call->conf->headers_count; i++)
        room += strlen(call->conf->headers[i].name) + crossing->values[i].count + 4;
    return room;
}

/* ---- the request line ------------------------------------------------------------------------- */

static const char *own_target(struct exchange *exchange)
{
    const struct request *request = exchange->request;

    if (request->target.at[0] == '/' || text_is(request->target, TEXT("*")))
        return arena_copy(&exchange->arena, request->target);
    size_t room = request->path.count + request->query.count + 2;
    struct writer writer = writer_on(arena_take(&exchange->arena, room), room);
    write_text(&writer, request->path);
    if (request->has_query) {
        write_char(&writer, '?');
        write_text(&writer, request->query);
    }
    write_char(&writer, '\0');
    return writer.start;
}

/* Methods whose requests say Content-Length: 0 when they have no body (RFC 9110 section 8.6). */
static bool expects_body(struct text method)
{
    return text_is(method, TEXT("POST")) || text_is(method, TEXT("PUT")) ||
           text_is(method, TEXT("PATCH"));
}

static void set_body(struct attempt_order *order, const struct crossing *crossing)
{
    const struct request *request = crossing->exchange->request;
    enum body_kind body = crossing->call->conf->is_passing ? request->body : BODY_NONE;
    const struct gathered *gathered = &crossing->exchange->gathered;

    order->kind = HANDLE_PLAIN;
    order->upload_length = (int64_t)crossing->body.count;
    if (text_is(order->method, TEXT("HEAD"))) {
        order->kind = HANDLE_HEAD;
    } else if (body != BODY_NONE || crossing->body.at || expects_body(order->method)) {
        order->kind = HANDLE_UPLOAD;
        if (body != BODY_NONE && gathered->bytes)
            order->upload_length = (int64_t)gathered->count;
        else if (body == BODY_LENGTH)
            order->upload_length = request->body_length;
        else if (body == BODY_CHUNKED)
            order->upload_length = LENGTH_UNKNOWN;
    }
}

/* May be sent a second time when a kept connection dies under it: what is safe (RFC 9110 section
 * 9.2.1). A DELETE that was carried out and is sent again would be answered 404. */
static bool is_repeatable(const struct attempt_order *order)
{
    static const char *const methods[] = {"GET", "HEAD", "OPTIONS"};

    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        if (text_is(order->method, text_of(methods[i])))
            return order->kind != HANDLE_UPLOAD;
    }
    return false;
}

/* A body that is wanted here cannot be had with the client's HEAD. */
static struct text method_for(const struct exchange *exchange, const struct conf_call *conf)
{
    if (!conf->is_passing)
        return text_of(conf->method);
    return conf->is_read && exchange->request->is_head ? TEXT("GET") : exchange->method;
}

/* Fills the templates of the call. False: one of them cannot be. */
static bool fill(struct crossing *crossing, struct attempt_order *order)
{
    struct exchange *exchange = crossing->exchange;
    const struct conf_call *conf = crossing->call->conf;
    struct text *values = arena_take(&exchange->arena, (conf->headers_count + 1) * sizeof *values);

    crossing->values = values;
    for (size_t i = 0; i < conf->headers_count; i++) {
        values[i] = values_fill(exchange, conf->headers[i].value);
        if (!values[i].at)
            return false;
    }
    if (conf->body)
        crossing->body = values_fill(exchange, conf->body);
    order->target =
        conf->is_passing ? own_target(exchange) : values_fill(exchange, conf->target).at;
    return order->target && (!conf->body || crossing->body.at);
}

bool forward_order(struct exchange *exchange, const struct call *call, struct attempt_order *order,
                   struct text *ret_body)
{
    const struct conf_call *conf = call->conf;
    struct crossing crossing = {
        .exchange = exchange,
        .call = call,
        .is_answer = call == exchange->answer,
        .has_listed = names_others(exchange->request),
    };

    *order = (struct attempt_order){.method = method_for(exchange, conf)};
    if (!fill(&crossing, order))
        return false;
    order->block_room = block_room(&crossing);
    struct writer writer =
        writer_on(arena_take(&exchange->arena, order->block_room), order->block_room);
    write_block(&writer, &crossing);
    order->block = writer.start;
    order->block_count = (size_t)(writer.at - writer.start);
    order->trace = is_set_by_call(conf, TEXT("traceparent")) ? NULL : &exchange->trace;
    set_body(order, &crossing);
    order->is_idempotent = method_is_idempotent(method_of(order->method));
    order->may_resend = is_repeatable(order);
    *ret_body = conf->is_passing && exchange->gathered.bytes
                    ? (struct text){exchange->gathered.bytes, exchange->gathered.count}
                    : crossing.body;
    return true;
}
