#include "proxy/answer.h"

#include <string.h>

#include "proxy/account.h"
#include "proxy/exchange.h"
#include "proxy/headers.h"
#include "proxy/worker.h"

enum { OWN_HEADERS = 8, TEXT_ROOM = 2048 };

static void add(struct header *headers, size_t *count, struct text name, struct text value)
{
    headers[(*count)++] = (struct header){.name = name, .value = value};
}

static struct text timing(struct exchange *exchange, struct instant now)
{
    struct writer writer = writer_on(arena_take(&exchange->arena, TEXT_ROOM), TEXT_ROOM);

    account_write_timing(&writer, exchange, now);
    return writer_text(&writer);
}

/* ---- an upstream's response ------------------------------------------------------------------- */

/* The optional calls that left a gap: "stock, price". */
static struct text gaps(struct exchange *exchange)
{
    struct writer writer = writer_on(arena_take(&exchange->arena, TEXT_ROOM), TEXT_ROOM);

    for (size_t i = 0; i < exchange->route->calls_count; i++) {
        enum call_outcome outcome = exchange->plan.ledger[i].outcome;
        if (!exchange->route->policy.calls[i].optional || outcome == CALL_OK ||
            outcome == CALL_WAITING || outcome == CALL_RUNNING)
            continue;
        if (writer.at != writer.start)
            write_string(&writer, ", ");
        write_string(&writer, exchange->route->calls[i].name);
    }
    return writer_text(&writer);
}

static bool has_optional(const struct conf_route *route)
{
    for (size_t i = 0; i < route->calls_count; i++) {
        if (route->policy.calls[i].optional)
            return true;
    }
    return false;
}

static bool is_listed(const struct response *response, struct text name)
{
    for (size_t i = 0; i < response->headers_count; i++) {
        const struct header *header = &response->headers[i];
        if (text_is_like(header->name, TEXT("connection")) && header_is_listed(header->value, name))
            return true;
    }
    return false;
}

static size_t copy_crossing(const struct response *response, struct header *headers)
{
    bool has_connection =
        header_find(response->headers, response->headers_count, TEXT("connection"));
    size_t count = 0;

    for (size_t i = 0; i < response->headers_count; i++) {
        const struct header *header = &response->headers[i];
        if (header_fate_of_response(header->name) == HEADER_CROSSES &&
            !(has_connection && is_listed(response, header->name)))
            headers[count++] = *header;
    }
    return count;
}

static int64_t length_of(const struct response *response, bool is_head)
{
    if (!response_has_body(response->status, false))
        return LENGTH_NO_BODY;
    return is_head && response->length == LENGTH_UNKNOWN ? LENGTH_UNKNOWN : response->length;
}

void answer_relay(struct exchange *exchange, struct instant now)
{
    const struct response *response = call_response(exchange->answer);
    struct header *headers =
        arena_take(&exchange->arena, (response->headers_count + OWN_HEADERS) * sizeof *headers);
    size_t count = copy_crossing(response, headers);

    add(headers, &count, TEXT("Via"), TEXT("1.1 hourglass"));
    add(headers, &count, TEXT("X-Request-Id"), exchange->id);
    if (has_optional(exchange->route)) {
        struct text names = gaps(exchange);
        if (names.count > 0)
            add(headers, &count, TEXT("X-Budget-Partial"), names);
    }
    if (exchange->is_trusted)
        add(headers, &count, TEXT("Server-Timing"), timing(exchange, now));
    client_reply(exchange->client,
                 &(struct reply){
                     .status = response->status,
                     .phrase = response->phrase,
                     .headers = headers,
                     .headers_count = count,
                     .length = length_of(response, exchange->request->is_head),
                     .closes = exchange->worker->is_draining,
                 },
                 now);
}

/* ---- a problem of our own --------------------------------------------------------------------- */

/* RFC 9209 section 2.3: the registered error type for what happened. */
static const char *error_type(const struct exchange *exchange)
{
    static const char *const of_call[] = {
        [CALL_TIMEOUT] = "http_response_timeout",
        [CALL_QUEUED_OUT] = "connection_limit_reached",
        [CALL_UPLOAD_OUT] = "connection_write_timeout",
        [CALL_DNS_TIMEOUT] = "dns_timeout",
        [CALL_CONNECT_TIMEOUT] = "connection_timeout",
        [CALL_DNS_ERROR] = "dns_error",
        [CALL_REFUSED] = "connection_refused",
        [CALL_BROKEN] = "connection_terminated",
        [CALL_INVALID] = "http_protocol_error",
        [CALL_STATUS] = "http_response_status",
    };

    if (exchange->status < 500)
        return "http_request_error";
    if (exchange->blamed == NO_CALL || exchange->reason == REASON_INFEASIBLE)
        return "proxy_internal_response";
    const char *type = of_call[exchange->plan.ledger[exchange->blamed].outcome];
    return type ? type : "proxy_internal_response";
}

static const char *title_of(int status)
{
    switch (status) {
    case 400:
        return "Bad Request";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    case 502:
        return "Bad Gateway";
    default:
        return "Gateway Timeout";
    }
}

static const char *failure_of(enum call_outcome outcome)
{
    switch (outcome) {
    case CALL_DNS_ERROR:
        return "the name of the upstream does not resolve";
    case CALL_DNS_TIMEOUT:
        return "the name of the upstream was not resolved in time";
    case CALL_REFUSED:
        return "no connection to the upstream could be made";
    case CALL_CONNECT_TIMEOUT:
        return "no connection to the upstream could be made in time";
    case CALL_INVALID:
        return "the upstream sent no valid response";
    default:
        return "the upstream ended the connection before its response was complete";
    }
}

/* How the sentence "the budget of 1200 ms ..." goes on. */
static const char *expiry_of(enum reason reason)
{
    switch (reason) {
    case REASON_ARRIVAL:
        return "had run out when the request was read";
    case REASON_INFEASIBLE:
        return "cannot hold what the route needs";
    case REASON_QUEUE:
        return "ran out while no connection was free";
    case REASON_UPLOAD:
        return "ran out while the request's body was still coming";
    case REASON_LOCAL:
        return "ran out in the proxy itself";
    case REASON_DRAIN:
        return "was cut short: the proxy is stopping";
    default:
        return "ran out";
    }
}

static const char *blamed_name(const struct exchange *exchange)
{
    return exchange->blamed == NO_CALL || !exchange->is_trusted
               ? NULL
               : exchange->route->calls[exchange->blamed].name;
}

/* What went wrong with the call to blame, where that says more than that time ran out. */
static const char *failure(const struct exchange *exchange)
{
    if (exchange->blamed == NO_CALL)
        return NULL;
    enum call_outcome outcome = exchange->plan.ledger[exchange->blamed].outcome;
    bool is_told = exchange->reason == REASON_FAILED || outcome == CALL_CONNECT_TIMEOUT ||
                   outcome == CALL_DNS_TIMEOUT;
    return is_told ? failure_of(outcome) : NULL;
}

static void write_detail(struct writer *writer, const struct exchange *exchange)
{
    const char *name = blamed_name(exchange);
    const char *failed = failure(exchange);

    if (failed) {
        write_string(writer, failed);
    } else {
        write_string(writer, "the budget of ");
        write_ms_short(writer, exchange->plan.budget);
        write_string(writer, " ms ");
        write_string(writer, expiry_of(exchange->reason));
    }
    if (name) {
        write_string(writer, failed ? ": call " : " in call ");
        write_string(writer, name);
    }
}

static void write_member(struct writer *writer, const char *name, struct text value)
{
    write_string(writer, ",\"");
    write_string(writer, name);
    write_string(writer, "\":\"");
    write_quoted(writer, value);
    write_char(writer, '"');
}

static void write_times(struct writer *writer, const struct exchange *exchange, struct instant now)
{
    write_string(writer, ",\"budget_ms\":");
    write_ms_short(writer, exchange->plan.budget);
    write_string(writer, ",\"elapsed_ms\":");
    write_ms(writer, span_since(exchange->started, now));
}

static struct text document(struct exchange *exchange, const char *detail, struct instant now)
{
    struct writer writer = writer_on(arena_take(&exchange->arena, TEXT_ROOM), TEXT_ROOM);
    struct writer sentence = writer_on(arena_take(&exchange->arena, 256), 256);
    const char *name = blamed_name(exchange);

    write_string(&writer, "{\"type\":\"about:blank\",\"title\":\"");
    write_string(&writer, title_of(exchange->status));
    write_string(&writer, "\",\"status\":");
    write_number(&writer, exchange->status);
    if (detail)
        write_string(&sentence, detail);
    else
        write_detail(&sentence, exchange);
    write_member(&writer, "detail", writer_text(&sentence));
    if (exchange->reason != REASON_NONE)
        write_member(&writer, "reason", text_of(reason_name(exchange->reason)));
    if (name)
        write_member(&writer, "call", text_of(name));
    if (exchange->status == 504)
        write_times(&writer, exchange, now);
    write_member(&writer, "request_id", exchange->id);
    write_string(&writer, "}\n");
    return writer_text(&writer);
}

/* hourglass; error=http_response_timeout; details="stock: 300 of 300 ms" */
static struct text proxy_status(struct exchange *exchange, struct instant now)
{
    struct writer writer = writer_on(arena_take(&exchange->arena, 256), 256);
    const char *name = blamed_name(exchange);

    write_string(&writer, "hourglass; error=");
    write_string(&writer, error_type(exchange));
    if (name) {
        const struct ledger_entry *entry = &exchange->plan.ledger[exchange->blamed];
        write_string(&writer, "; details=\"");
        write_string(&writer, name);
        write_string(&writer, ": ");
        write_number(&writer, span_floor_ms(ledger_used(entry, now)));
        write_string(&writer, " of ");
        write_number(&writer, span_floor_ms(entry->granted));
        write_string(&writer, " ms\"");
    }
    return writer_text(&writer);
}

void answer_problem(struct exchange *exchange, const char *allow, const char *detail,
                    struct instant now)
{
    struct text body = document(exchange, detail, now);
    struct header headers[OWN_HEADERS];
    struct chain chain = CHAIN_EMPTY;
    size_t count = 0;

    add(headers, &count, TEXT("Content-Type"), TEXT("application/problem+json"));
    add(headers, &count, TEXT("Cache-Control"), TEXT("no-store"));
    add(headers, &count, TEXT("Proxy-Status"), proxy_status(exchange, now));
    if (exchange->is_trusted && exchange->route)
        add(headers, &count, TEXT("Server-Timing"), timing(exchange, now));
    if (allow)
        add(headers, &count, TEXT("Allow"), text_of(allow));
    add(headers, &count, TEXT("Via"), TEXT("1.1 hourglass"));
    add(headers, &count, TEXT("X-Request-Id"), exchange->id);
    client_reply(exchange->client,
                 &(struct reply){
                     .status = exchange->status,
                     .headers = headers,
                     .headers_count = count,
                     .length = (int64_t)body.count,
                     .closes = exchange->worker->is_draining,
                 },
                 now);
    chain_append(&chain, &exchange->worker->pool, body.at, body.count);
    exchange->bytes_down += body.count;
    /* Short: whether the queue is long does not matter. */
    (void)!client_send(exchange->client, &chain);
}
