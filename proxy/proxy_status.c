#include "proxy/proxy_status.h"

#include "proxy/account.h"
#include "proxy/exchange.h"
#include "proxy/worker.h"
#include "proxy/writer.h"

enum { STATUS_ROOM = 256 }; /* two names of 32 bytes, two times, and words */

/* By the registry of proxy error types (RFC 9209 section 2.3), the most specific that is true. */
static const char *error_of_call(enum call_outcome outcome)
{
    static const char *const errors[] = {
        [CALL_TIMEOUT] = "http_response_timeout",
        [CALL_QUEUED_OUT] = "connection_limit_reached",
        [CALL_UNSENT] = "proxy_internal_response",
        [CALL_UPLOAD_OUT] = "connection_write_timeout",
        [CALL_DNS_TIMEOUT] = "dns_timeout",
        [CALL_CONNECT_TIMEOUT] = "connection_timeout",
        [CALL_DNS_ERROR] = "dns_error",
        [CALL_REFUSED] = "connection_refused",
        [CALL_BROKEN] = "connection_terminated",
        [CALL_INVALID] = "http_protocol_error",
        [CALL_TOO_LARGE] = "http_response_body_size",
        [CALL_UNFILLED] = "proxy_internal_response",
        [CALL_QUEUE_FULL] = "connection_limit_reached",
        [CALL_NO_MEMORY] = "proxy_internal_error",
        [CALL_STATUS] = "destination_unavailable",
    };

    return errors[outcome] ? errors[outcome] : "proxy_internal_response";
}

static bool has_called(const struct exchange *exchange)
{
    for (size_t i = 0; exchange->route && i < exchange->route->calls_count; i++) {
        if (exchange->plan.ledger[i].attempts > 0)
            return true;
    }
    return false;
}

/* An internal response is one for which no next hop was tried. */
static const char *error_type(const struct exchange *exchange)
{
    if (exchange->status < 500)
        return "http_request_error";
    if (exchange->blamed != NO_CALL)
        return error_of_call(exchange->plan.ledger[exchange->blamed].outcome);
    return has_called(exchange) ? "proxy_internal_error" : "proxy_internal_response";
}

/* "stock: 300 of 300 ms", or "stock: not sent". */
static void write_use(struct writer *writer, const struct ledger_entry *entry, struct instant now)
{
    if (entry->outcome == CALL_WAITING || entry->outcome == CALL_UNSENT) {
        write_string(writer, ": not sent");
        return;
    }
    write_string(writer, ": ");
    write_number(writer, span_floor_ms(ledger_used(entry, now)));
    write_string(writer, " of ");
    write_number(writer, span_floor_ms(entry->granted));
    write_string(writer, " ms");
}

/* ; next-hop="stock-db"; received-status=200; details="stock: 300 of 300 ms": the upstream by its
 * name, since an address there is only with a connection. */
static void write_call(struct writer *writer, const struct exchange *exchange, int index,
                       struct instant now)
{
    const struct conf_call *call = &exchange->route->calls[index];
    const struct ledger_entry *entry = &exchange->plan.ledger[index];

    write_string(writer, "; next-hop=\"");
    write_string(writer, exchange->worker->conf->upstreams[call->upstream].name);
    write_char(writer, '"');
    if (entry->status != 0) {
        write_string(writer, "; received-status=");
        write_number(writer, entry->status);
    }
    write_string(writer, "; details=\"");
    write_string(writer, call->name);
    write_use(writer, entry, now);
    write_char(writer, '"');
}

struct text proxy_status_of_problem(struct exchange *exchange, struct instant now)
{
    struct writer writer = writer_on(arena_take(&exchange->arena, STATUS_ROOM), STATUS_ROOM);

    write_string(&writer, "hourglass; error=");
    write_string(&writer, error_type(exchange));
    if (!account_exposes(exchange, EXPOSE_REASON) || exchange->status < 500)
        return writer_text(&writer);
    if (exchange->blamed != NO_CALL) {
        write_call(&writer, exchange, exchange->blamed, now);
        return writer_text(&writer);
    }
    write_string(&writer, "; details=\"");
    write_string(&writer, reason_name(exchange->reason));
    write_char(&writer, '"');
    return writer_text(&writer);
}

struct text proxy_status_of_answer(struct exchange *exchange, struct instant now)
{
    const struct call *answer = exchange->answer;

    if (!answer || (answer->entry->status < 500 && !answer->is_refusal) ||
        !account_exposes(exchange, EXPOSE_REASON))
        return TEXT_NONE;

    struct writer writer = writer_on(arena_take(&exchange->arena, STATUS_ROOM), STATUS_ROOM);
    write_string(&writer, "hourglass");
    write_call(&writer, exchange, (int)(answer - exchange->calls), now);
    return writer_text(&writer);
}
