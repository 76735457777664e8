#include "proxy/problem.h"

#include "proxy/account.h"
#include "proxy/exchange.h"
#include "proxy/proxy_status.h"
#include "proxy/worker.h"
#include "proxy/writer_json.h"

enum { HEADERS_MAX = 8, DOCUMENT_ROOM = 1024, SENTENCE_ROOM = 256 };

/* What is said of a call that ended so; NULL where the reason says more. */
static const char *sentence_of(enum call_outcome outcome)
{
    static const char unfilled[] = "the request to the upstream could not be made up: a value is "
                                   "missing, or may not stand where it would";
    static const char *const sentences[] = {
        [CALL_DNS_TIMEOUT] = "the name of the upstream was not resolved in time",
        [CALL_CONNECT_TIMEOUT] = "no connection to the upstream could be made in time",
        [CALL_DNS_ERROR] = "the name of the upstream does not resolve",
        [CALL_REFUSED] = "no connection to the upstream could be made",
        [CALL_BROKEN] = "the upstream ended the connection before its response was complete",
        [CALL_INVALID] = "the upstream sent no valid response",
        [CALL_TOO_LARGE] = "the body of the upstream's response is larger than is kept of one",
        [CALL_UNFILLED] = unfilled,
        [CALL_QUEUE_FULL] = "too many calls wait for the upstream already",
        [CALL_NO_MEMORY] = "there is too little memory to keep the upstream's response",
        [CALL_STATUS] = NULL,
    };

    return sentences[outcome];
}

static const struct ledger_entry *blamed_entry(const struct exchange *exchange)
{
    return exchange->blamed == NO_CALL ? NULL : &exchange->plan.ledger[exchange->blamed];
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
    case 408:
        return "Request Timeout";
    case 413:
        return "Content Too Large";
    case 502:
        return "Bad Gateway";
    case 503:
        return "Service Unavailable";
    default:
        return "Gateway Timeout";
    }
}

/* The name of the call to blame, for those who may know it. */
static const char *blamed_name(const struct exchange *exchange)
{
    return exchange->blamed == NO_CALL || !account_exposes(exchange, EXPOSE_REASON)
               ? NULL
               : exchange->route->calls[exchange->blamed].name;
}

static bool is_badly_asked(const struct exchange *exchange)
{
    const struct ledger_entry *entry = blamed_entry(exchange);

    return entry && entry->outcome == CALL_UNFILLED && exchange->is_badly_asked;
}

void problem_choose(struct exchange *exchange)
{
    if (exchange->reason == REASON_OVERLOAD) {
        exchange->status = 503;
        exchange->ending = ENDING_OVERLOAD;
    } else if (exchange->reason != REASON_FAILED) {
        exchange->status = 504;
        exchange->ending = ENDING_TIMEOUT;
    } else if (is_badly_asked(exchange)) {
        exchange->status = 400;
        exchange->ending = ENDING_REFUSED;
    } else {
        exchange->status = 502;
        exchange->ending = ENDING_FAILED;
    }
}

/* ---- the sentence ----------------------------------------------------------------------------- */

/* How "the budget of 1200 ms ..." goes on. */
static const char *expiry_of(enum reason reason)
{
    switch (reason) {
    case REASON_ARRIVAL:
        return "had run out when the request was read";
    case REASON_INFEASIBLE:
        return "left less than the route still needed";
    case REASON_QUEUE:
        return "left no more time to wait for a free connection";
    case REASON_UPLOAD:
        return "left no more time to wait for the body of the request";
    case REASON_LOCAL:
        return "ran out in the proxy itself";
    case REASON_DRAIN:
        return "was cut short: the proxy is stopping";
    default:
        return "did not suffice";
    }
}

/* "the budget of 1200 ms"; an observed request may take all that any request may. */
static void write_whole(struct writer *writer, const struct exchange *exchange)
{
    write_string(writer, exchange->is_observed ? "the maximum of " : "the budget of ");
    write_ms_short(writer, exchange->plan.budget);
    write_string(writer, " ms");
}

/* A call has used up its own grant, which need not be all of the budget; or its last attempt has
 * used up the limit of one attempt. */
static void write_overrun(struct writer *writer, const struct exchange *exchange, const char *name,
                          struct instant now)
{
    const struct ledger_entry *entry = blamed_entry(exchange);
    bool is_all = instant_reached(ledger_due(entry), now);

    write_string(writer, "call ");
    write_string(writer, name);
    if (is_all) {
        write_string(writer, " used up the ");
    } else {
        write_string(writer, " was cut at the limit of one attempt, after ");
        write_ms(writer, ledger_used(entry, now));
        write_string(writer, " ms of the ");
    }
    write_ms(writer, entry->granted);
    write_string(writer, " ms that it was granted of ");
    write_whole(writer, exchange);
}

/* What the route needs is for those alone who may know its calls. */
static void write_expiry(struct writer *writer, const struct exchange *exchange)
{
    bool is_too_small = exchange->reason == REASON_INFEASIBLE && exchange->blamed == NO_CALL &&
                        account_exposes(exchange, EXPOSE_REASON);

    write_whole(writer, exchange);
    write_char(writer, ' ');
    write_string(writer, is_too_small ? "cannot hold the " : expiry_of(exchange->reason));
    if (!is_too_small)
        return;
    write_ms_short(writer, plan_least(&exchange->plan));
    write_string(writer, " ms that the route needs at least");
}

/* What exactly it was: " ({query.q})" that had no value, or the rule that was broken. */
static void write_cause(struct writer *writer, const struct exchange *exchange)
{
    const struct call *call = &exchange->calls[exchange->blamed];
    enum response_fault fault = call->lane->attempt.response.fault;
    bool is_unfilled = call->entry->outcome == CALL_UNFILLED;

    write_string(writer, " (");
    write_text(writer, is_unfilled ? exchange->unfilled : text_of(response_fault_phrase(fault)));
    write_char(writer, ')');
}

static bool has_cause(const struct ledger_entry *entry)
{
    return entry->outcome == CALL_UNFILLED || entry->outcome == CALL_INVALID;
}

static void write_sentence(struct writer *writer, const struct exchange *exchange,
                           struct instant now)
{
    const struct ledger_entry *entry = blamed_entry(exchange);
    const char *name = blamed_name(exchange);
    const char *failed = entry ? sentence_of(entry->outcome) : NULL;

    if (name && exchange->reason == REASON_CALL && !failed) {
        write_overrun(writer, exchange, name, now);
        return;
    }
    if (failed)
        write_string(writer, failed);
    else
        write_expiry(writer, exchange);
    if (entry && has_cause(entry) && account_exposes(exchange, EXPOSE_REASON))
        write_cause(writer, exchange);
    if (name) {
        write_string(writer, ": call ");
        write_string(writer, name);
    }
}

/* ---- the document and the headers ------------------------------------------------------------- */

static void write_times(struct writer *writer, const struct exchange *exchange, struct instant now)
{
    write_json_span(writer, ",\"budget_ms\":", exchange->plan.asked);
    write_string(writer, ",\"elapsed_ms\":");
    write_ms(writer, span_since(exchange->started, now));
}

static struct text document(struct exchange *exchange, const char *detail, struct instant now)
{
    struct writer writer = writer_on(arena_take(&exchange->arena, DOCUMENT_ROOM), DOCUMENT_ROOM);
    char room[SENTENCE_ROOM];
    struct writer sentence = writer_on(room, sizeof room);
    const char *name = blamed_name(exchange);

    if (detail)
        write_string(&sentence, detail);
    else
        write_sentence(&sentence, exchange, now);
    write_json_name(&writer, "{\"type\":\"about:blank\",\"title\":", title_of(exchange->status));
    write_json_count(&writer, ",\"status\":", (uint64_t)exchange->status);
    write_json_text(&writer, ",\"detail\":", writer_text(&sentence));
    if (exchange->reason != REASON_NONE)
        write_json_name(&writer, ",\"reason\":", reason_name(exchange->reason));
    if (name)
        write_json_name(&writer, ",\"call\":", name);
    if (exchange->status == 504)
        write_times(&writer, exchange, now);
    write_json_text(&writer, ",\"request_id\":", exchange->id);
    write_string(&writer, "}\n");
    return writer_text(&writer);
}

static void add(struct header *headers, size_t *count, struct text name, struct text value)
{
    headers[(*count)++] = (struct header){.name = name, .value = value};
}

void problem_reply(struct exchange *exchange, const char *allow, const char *detail,
                   struct instant now)
{
    struct text body = document(exchange, detail, now);
    struct header headers[HEADERS_MAX];
    struct chain chain = CHAIN_EMPTY;
    size_t count = 0;

    add(headers, &count, TEXT("Content-Type"), TEXT("application/problem+json"));
    add(headers, &count, TEXT("Cache-Control"), TEXT("no-store"));
    add(headers, &count, TEXT("Proxy-Status"), proxy_status_of_problem(exchange, now));
    if (account_exposes(exchange, EXPOSE_LEDGER))
        add(headers, &count, TEXT("Server-Timing"), account_timing(exchange, now));
    if (allow)
        add(headers, &count, TEXT("Allow"), text_of(allow));
    if (exchange->status == 503)
        add(headers, &count, TEXT("Retry-After"), TEXT("1"));
    add(headers, &count, TEXT("Via"), TEXT("1.1 hourglass"));
    add(headers, &count, TEXT("X-Request-Id"), exchange->id);
    client_reply(exchange->client,
                 &(struct reply){
                     .status = exchange->status,
                     .headers = headers,
                     .headers_count = count,
                     .length = (int64_t)body.count,
                     .closes = exchange->worker->is_draining || exchange->status == 408,
                 },
                 now);
    chain_append(&chain, &exchange->worker->pool, body.at, body.count);
    if (!exchange->request->is_head)
        exchange->bytes_down += body.count;
    /* Short: whether the queue is long does not matter. */
    (void)!client_send(exchange->client, &chain);
}
