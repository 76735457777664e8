#include "proxy/answer.h"

#include <string.h>

#include "proxy/account.h"
#include "proxy/calls.h"
#include "proxy/exchange.h"
#include "proxy/headers.h"
#include "proxy/merge.h"
#include "proxy/proxy_status.h"
#include "proxy/worker.h"
#include "proxy/writer.h"

enum { OWN_HEADERS = 5, GAPS_ROOM = 1100 }; /* 32 names of 32 bytes, and what is between */

static void add(struct header *headers, size_t *count, struct text name, struct text value)
{
    headers[(*count)++] = (struct header){.name = name, .value = value};
}

/* The optional calls that left a gap: "stock, price"; or how many, to those who may not know the
 * calls. Empty when there is none. */
static struct text gaps(struct exchange *exchange)
{
    struct writer writer = writer_on(arena_take(&exchange->arena, GAPS_ROOM), GAPS_ROOM);
    bool tells_names = account_exposes(exchange, EXPOSE_REASON);
    int64_t count = 0;

    for (size_t i = 0; i < exchange->route->steps_calls_count; i++) {
        if (!calls_left_gap(exchange, i))
            continue;
        if (tells_names) {
            write_string(&writer, count > 0 ? ", " : "");
            write_string(&writer, exchange->route->calls[i].name);
        }
        count++;
    }
    if (count > 0 && !tells_names)
        write_number(&writer, count);
    return writer_text(&writer);
}

static bool has_optional(const struct conf_route *route)
{
    for (size_t i = 0; i < route->steps_calls_count; i++) {
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

/* The length that a response to HEAD tells of comes to nobody who has asked with another method. */
static int64_t length_of(const struct exchange *exchange)
{
    const struct call *answer = exchange->answer;
    bool is_bare = answer->order.kind == HANDLE_HEAD && !exchange->request->is_head;

    if (is_bare || !response_has_body(call_response(answer)->status, false))
        return LENGTH_NO_BODY;
    return call_response(answer)->length;
}

/* What the proxy adds to a reply that is not a problem of its own. */
static void add_own(struct exchange *exchange, struct header *headers, size_t *count,
                    struct instant now)
{
    bool is_refusal = exchange->answer && exchange->answer->is_refusal;
    bool may_lack = has_optional(exchange->route) && !is_refusal;
    struct text partial = may_lack ? gaps(exchange) : TEXT_NONE;
    struct text status = proxy_status_of_answer(exchange, now);
    int minor = exchange->answer ? call_response(exchange->answer)->minor : 1;

    add(headers, count, TEXT("Via"), header_via(minor));
    add(headers, count, TEXT("X-Request-Id"), exchange->id);
    if (partial.count > 0)
        add(headers, count, TEXT("X-Budget-Partial"), partial);
    if (status.count > 0)
        add(headers, count, TEXT("Proxy-Status"), status);
    if (account_exposes(exchange, EXPOSE_LEDGER))
        add(headers, count, TEXT("Server-Timing"), account_timing(exchange, now));
}

/* ---- its head ---------------------------------------------------------------------------------- */

static void begin_relay(struct exchange *exchange, struct instant now)
{
    const struct response *response = call_response(exchange->answer);
    struct header *headers =
        arena_take(&exchange->arena, (response->headers_count + OWN_HEADERS) * sizeof *headers);
    size_t count = copy_crossing(response, headers);

    add_own(exchange, headers, &count, now);
    exchange->answer->is_relayed = true;
    client_reply(exchange->client,
                 &(struct reply){
                     .status = response->status,
                     .phrase = response->phrase,
                     .headers = headers,
                     .headers_count = count,
                     .length = length_of(exchange),
                     .closes = exchange->worker->is_draining,
                     .may_wait = plan_may_put_off(&exchange->plan, now),
                 },
                 now);
}

static void begin_merge(struct exchange *exchange, struct instant now)
{
    struct header headers[1 + OWN_HEADERS];
    size_t count = 0;

    add(headers, &count, TEXT("Content-Type"), TEXT("application/json"));
    add_own(exchange, headers, &count, now);
    client_reply(exchange->client,
                 &(struct reply){
                     .status = 200,
                     .headers = headers,
                     .headers_count = count,
                     .length = merge_length(exchange),
                     .closes = exchange->worker->is_draining,
                     .may_wait = plan_may_put_off(&exchange->plan, now),
                 },
                 now);
}

void answer_begin(struct exchange *exchange, struct instant now)
{
    exchange->ending = ENDING_OK;
    exchange->answered = now;
    if (!exchange->answer) {
        exchange->status = 200;
        begin_merge(exchange, now);
        return;
    }
    exchange->status = exchange->answer->entry->status;
    if (exchange->status >= 500)
        exchange->ending = ENDING_UPSTREAM_5XX;
    if (exchange->answer->is_refusal)
        exchange->blamed = (int)(exchange->answer - exchange->calls);
    begin_relay(exchange, now);
}

/* ---- its body ---------------------------------------------------------------------------------- */

/* Sends what the answer has brought, and ends as the answer has ended. */
static enum answer_progress relay(struct exchange *exchange, struct instant now)
{
    struct call *answer = exchange->answer;
    struct chain *body = call_body(answer);
    enum call_outcome outcome = answer->entry->outcome;

    if (body->count > 0 && !exchange->is_client_full) {
        if (!exchange->request->is_head)
            exchange->bytes_down += body->count;
        exchange->is_client_full = !client_send(exchange->client, body);
        call_resume(answer);
    }
    if (call_has_more(answer))
        return ANSWER_GOES_ON;
    if (exchange->request->is_head)
        return ANSWER_WHOLE; /* the head is all that it gets, however long the body still takes */
    if (outcome == CALL_RUNNING || body->count > 0) {
        client_flush(exchange->client, now);
        return ANSWER_GOES_ON;
    }
    return outcome == CALL_OK || outcome == CALL_STATUS ? ANSWER_WHOLE : ANSWER_BROKEN;
}

/* Sends piece after piece, as fast as the client takes them. */
static enum answer_progress send_merge(struct exchange *exchange, struct instant now)
{
    bool has_more = true;

    while (has_more && !exchange->is_client_full) {
        struct chain piece = CHAIN_EMPTY;
        has_more = merge_next(exchange, &piece);
        if (!exchange->request->is_head)
            exchange->bytes_down += piece.count;
        exchange->is_client_full = !client_send(exchange->client, &piece);
    }
    if (has_more)
        client_flush(exchange->client, now);
    return has_more ? ANSWER_GOES_ON : ANSWER_WHOLE;
}

bool answer_is_out(const struct exchange *exchange)
{
    return exchange->answer && call_has_brought_all(exchange->answer) &&
           call_body(exchange->answer)->count == 0;
}

enum answer_progress answer_go_on(struct exchange *exchange, struct instant now)
{
    if (instant_reached(exchange->plan.hard, now) && !answer_is_out(exchange)) {
        calls_expire(exchange, now); /* the timer is as late as this */
        return ANSWER_BROKEN;
    }
    return exchange->answer ? relay(exchange, now) : send_merge(exchange, now);
}

void answer_blame(struct exchange *exchange)
{
    enum call_outcome outcome = exchange->answer ? exchange->answer->entry->outcome : CALL_OK;

    if (outcome <= CALL_OK || outcome == CALL_CANCELLED)
        return;
    exchange->reason = plan_reason(outcome);
    exchange->blamed = (int)(exchange->answer - exchange->calls);
}
