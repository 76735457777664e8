#include "proxy/otlp.h"

#include <string.h>

#include "proxy/call.h"
#include "proxy/termination.h"
#include "proxy/writer_json.h"

/* Of SpanKind, StatusCode and SpanFlags in trace.proto. */
enum { KIND_SERVER = 2, KIND_CLIENT = 3 };
enum { STATUS_ERROR = 2 };
enum { FLAG_SAMPLED = 0x1, FLAG_REMOTE_KNOWN = 0x100, FLAG_REMOTE = 0x200 };

enum { PATH_MAX_SHOWN = 2048, METHOD_MAX_SHOWN = 64 };

/* ---- attributes ------------------------------------------------------------------------------- */

static struct text at_most(struct text text, size_t most)
{
    return (struct text){.at = text.at, .count = text.count < most ? text.count : most};
}

/* Keys are ours, and plain. All but the first of a list begin with a comma. */
static void write_key(struct writer *writer, const char *key, const char *type)
{
    write_string(writer, writer->at[-1] == '[' ? "{\"key\":\"" : ",{\"key\":\"");
    write_string(writer, key);
    write_string(writer, "\",\"value\":{\"");
    write_string(writer, type);
    write_string(writer, "\":");
}

static void add_text(struct writer *writer, const char *key, struct text value)
{
    write_key(writer, key, "stringValue");
    write_json_text(writer, "", value);
    write_string(writer, "}}");
}

static void add_name(struct writer *writer, const char *key, const char *value)
{
    add_text(writer, key, text_of(value));
}

/* An int64, and so a string. */
static void add_count(struct writer *writer, const char *key, uint64_t value)
{
    write_key(writer, key, "intValue");
    write_char(writer, '"');
    write_number(writer, (int64_t)value);
    write_string(writer, "\"}}");
}

static void add_ms(struct writer *writer, const char *key, struct span value)
{
    if (value.ns == SPAN_FOREVER.ns)
        return;
    write_key(writer, key, "doubleValue");
    write_ms_short(writer, value);
    write_string(writer, "}}");
}

static void add_yes(struct writer *writer, const char *key)
{
    write_key(writer, key, "boolValue");
    write_string(writer, "true}}");
}

/* ---- what both kinds of spans have ------------------------------------------------------------ */

/* Those of RFC 9110 and PATCH: the others are "_OTHER", so that strangers cannot invent more. */
static bool is_known_method(struct text method)
{
    static const char *const known[] = {"GET",     "HEAD",    "POST",  "PUT",  "DELETE",
                                        "CONNECT", "OPTIONS", "TRACE", "PATCH"};

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (text_is(method, text_of(known[i])))
            return true;
    }
    return false;
}

static void add_method(struct writer *writer, struct text method)
{
    bool is_known = is_known_method(method);

    add_text(writer, "http.request.method", is_known ? method : TEXT("_OTHER"));
    if (!is_known)
        add_text(writer, "http.request.method_original", at_most(method, METHOD_MAX_SHOWN));
}

/* host, host:port or [address]:port, as in a Host header; without a port it is the scheme's. */
static void add_server(struct writer *writer, struct text authority)
{
    const char *colon = memrchr(authority.at, ':', authority.count);
    const char *bracket = memrchr(authority.at, ']', authority.count);
    struct text host = authority;
    uint64_t port = 0;

    if (colon && colon > bracket) {
        host.count = (size_t)(colon - authority.at);
        for (const char *digit = colon + 1; digit < authority.at + authority.count; digit++)
            port = port * 10 + (uint64_t)(*digit - '0');
    }
    if (bracket && host.at[0] == '[')
        host = (struct text){.at = host.at + 1, .count = (size_t)(bracket - host.at) - 1};
    if (host.count == 0)
        return;
    add_text(writer, "server.address", host);
    add_count(writer, "server.port", port > 0 && port <= UINT16_MAX ? port : 80);
}

static void write_time(struct writer *writer, const char *before, struct instant at,
                       int64_t epoch_ns)
{
    write_string(writer, before);
    write_number(writer, epoch_ns + at.ns);
    write_char(writer, '"');
}

/* What makes one span differ from another but for what it is about. */
struct identity {
    const char *id;
    const char *parent; /* empty: there is none */
    unsigned flags;
    int kind;
    struct instant begun;
    struct instant ended;
};

static void write_identity(struct writer *writer, const struct record *record,
                           const struct identity *identity, int64_t epoch_ns)
{
    write_json_name(writer, "{\"traceId\":", record->trace->id);
    write_json_name(writer, ",\"spanId\":", identity->id);
    if (record->notes->state.count > 0)
        write_json_text(writer, ",\"traceState\":", record->notes->state);
    if (identity->parent[0])
        write_json_name(writer, ",\"parentSpanId\":", identity->parent);
    write_json_count(writer, ",\"flags\":", identity->flags);
    write_json_count(writer, ",\"kind\":", (uint64_t)identity->kind);
    write_time(writer, ",\"startTimeUnixNano\":\"", identity->begun, epoch_ns);
    write_time(writer, ",\"endTimeUnixNano\":\"", identity->ended, epoch_ns);
}

/* Ends the attributes and the span. error: NULL, or the value of error.type, which is the last of
 * them. */
static void write_end(struct writer *writer, const char *error)
{
    if (error)
        add_name(writer, "error.type", error);
    write_string(writer, "],\"status\":{");
    if (error)
        write_json_count(writer, "\"code\":", STATUS_ERROR);
    write_string(writer, "}}");
}

/* ---- the request ------------------------------------------------------------------------------ */

/* The template of its path, if its route has one: a route that ends in * takes paths of which those
 * behind it know more. */
static struct text template_of(const struct record *record)
{
    const char *path = record->route ? strchr(record->route->match, '/') : NULL;

    return path && !strchr(path, '*') ? text_of(path) : TEXT_NONE;
}

static void write_name(struct writer *writer, struct text method, struct text template)
{
    write_string(writer, ",\"name\":\"");
    write_quoted(writer, is_known_method(method) ? method : TEXT("HTTP"));
    if (template.count > 0) {
        write_char(writer, ' ');
        write_quoted(writer, template);
    }
    write_char(writer, '"');
}

/* Status 4xx is the client's mistake, not the server's; the client's leaving is nobody's answer. */
static const char *error_of_request(const struct record *record, char digits[static 4])
{
    if (record->ending == ENDING_CLIENT_GONE || record->ending == ENDING_CUT)
        return ending_name(record->ending);
    if (record->status < 500)
        return NULL;
    struct writer writer = writer_on(digits, 3);
    write_number(&writer, record->status);
    digits[3] = '\0';
    return digits;
}

static void add_http(struct writer *writer, const struct record *record)
{
    const struct trace_notes *notes = record->notes;
    struct text template = template_of(record);

    add_method(writer, record->method);
    add_text(writer, "url.path", at_most(record->path, PATH_MAX_SHOWN));
    add_name(writer, "url.scheme", "http");
    add_server(writer, notes->host);
    add_name(writer, "network.protocol.version", notes->minor > 0 ? "1.1" : "1.0");
    if (!text_is(record->client, TEXT("unix")))
        add_text(writer, "client.address", record->client);
    if (notes->agent.count > 0)
        add_text(writer, "user_agent.original", notes->agent);
    if (template.count > 0)
        add_text(writer, "http.route", template);
    if (record->status >= 100 && record->ending != ENDING_CLIENT_GONE)
        add_count(writer, "http.response.status_code", (uint64_t)record->status);
}

static void add_budget(struct writer *writer, const struct record *record)
{
    add_name(writer, "hourglass.route", record->route->name);
    add_name(writer, "hourglass.mode", record->is_observed ? "observe" : "enforce");
    add_ms(writer, "hourglass.budget_ms", record->budget);
    add_name(writer, "hourglass.budget_source", record->source ? record->source->name : "default");
    add_ms(writer, "hourglass.local_ms", record->local);
    add_ms(writer, "hourglass.queue_ms", record->queue);
}

void otlp_write_request(struct writer *writer, const struct record *record, int64_t epoch_ns)
{
    struct termination termination = termination_of(record);
    bool is_given = record->trace->is_given;
    char digits[4];
    const struct identity identity = {
        .id = record->notes->id,
        .parent = is_given ? record->trace->parent : "",
        .flags = FLAG_SAMPLED | FLAG_REMOTE_KNOWN | (is_given ? FLAG_REMOTE : 0),
        .kind = KIND_SERVER,
        .begun = record->started,
        .ended = record->ended,
    };

    write_identity(writer, record, &identity, epoch_ns);
    write_name(writer, record->method, template_of(record));
    write_string(writer, ",\"attributes\":[");
    add_http(writer, record);
    add_text(writer, "hourglass.request_id", record->id);
    add_name(writer, "hourglass.outcome", ending_name(record->ending));
    add_name(writer, "hourglass.termination", termination.code);
    if (record->reason != REASON_NONE)
        add_name(writer, "hourglass.reason", reason_name(record->reason));
    if (record->whose != WHOSE_NOBODY)
        add_name(writer, "hourglass.whose", whose_name(record->whose));
    if (record->blamed != NO_CALL)
        add_name(writer, "hourglass.call", record->calls[record->blamed].conf->name);
    add_ms(writer, "hourglass.used_ms", record_elapsed(record));
    add_ms(writer, "hourglass.upload_ms", record->upload);
    if (record->route)
        add_budget(writer, record);
    write_end(writer, error_of_request(record, digits));
}

/* ---- an attempt ------------------------------------------------------------------------------- */

/* Without the query, which may hold what is nobody's business. */
static struct text path_of(const struct attempt_order *order)
{
    struct text path = {.at = order->target, .count = strcspn(order->target, "?")};

    return at_most(path, PATH_MAX_SHOWN);
}

static void add_url(struct writer *writer, const struct trace_attempt *attempt)
{
    const struct conf_upstream *upstream = upstream_conf(attempt->call->upstream);

    write_key(writer, "url.full", "stringValue");
    write_string(writer, "\"http://");
    write_quoted(writer, text_of(upstream->authority));
    write_quoted(writer, path_of(&attempt->call->order));
    write_string(writer, "\"}}");
    if (upstream->path)
        add_name(writer, "server.address", upstream->path);
    else
        add_server(writer, text_of(upstream->authority));
    if (attempt->address[0])
        add_name(writer, "network.peer.address", attempt->address);
}

/* For who called, 4xx is an error too. One that nobody waited for any more is none: it may have lost
 * a race. */
static const char *error_of_attempt(const struct trace_attempt *attempt, char digits[static 4])
{
    struct writer writer = writer_on(digits, 3);

    if (attempt->outcome == CALL_CANCELLED)
        return NULL;
    if (attempt->status < 400)
        return attempt->outcome == CALL_OK || attempt->outcome == CALL_STATUS
                   ? NULL
                   : call_outcome_name(attempt->outcome);
    write_number(&writer, attempt->status);
    digits[3] = '\0';
    return digits;
}

static void add_grant(struct writer *writer, const struct trace_attempt *attempt)
{
    const struct call *call = attempt->call;

    add_name(writer, "hourglass.call", call->conf->name);
    add_name(writer, "hourglass.upstream", upstream_conf(call->upstream)->name);
    add_name(writer, "hourglass.outcome", call_outcome_name(attempt->outcome));
    add_ms(writer, "hourglass.granted_ms", attempt->granted);
    add_ms(writer, "hourglass.used_ms", span_since(attempt->begun, attempt->ended));
    add_ms(writer, "hourglass.call_granted_ms", call->entry->granted);
    if (attempt->is_hedge)
        add_yes(writer, "hourglass.hedge");
}

void otlp_write_attempt(struct writer *writer, const struct record *record,
                        const struct trace_attempt *attempt, int64_t epoch_ns)
{
    struct text method = attempt->call->order.method;
    char digits[4];
    const struct identity identity = {
        .id = attempt->id,
        .parent = record->notes->id,
        .flags = FLAG_SAMPLED | FLAG_REMOTE_KNOWN,
        .kind = KIND_CLIENT,
        .begun = attempt->begun,
        .ended = attempt->ended,
    };

    write_identity(writer, record, &identity, epoch_ns);
    write_name(writer, method, TEXT_NONE);
    write_string(writer, ",\"attributes\":[");
    add_method(writer, method);
    add_url(writer, attempt);
    add_name(writer, "network.protocol.version", "1.1");
    if (attempt->number > 0)
        add_count(writer, "http.request.resend_count", attempt->number);
    if (attempt->status > 0)
        add_count(writer, "http.response.status_code", (uint64_t)attempt->status);
    add_grant(writer, attempt);
    write_end(writer, error_of_attempt(attempt, digits));
}

/* ---- around them ------------------------------------------------------------------------------ */

void otlp_write_head(struct writer *writer, const char *service)
{
    write_string(writer, "{\"resourceSpans\":[{\"resource\":{\"attributes\":[");
    add_name(writer, "service.name", service);
    write_string(writer, "]},\"scopeSpans\":[{\"scope\":{\"name\":\"hourglass\",\"version\":\"");
    write_string(writer, HOURGLASS_VERSION);
    write_string(writer, "\"},\"spans\":[");
}

void otlp_write_tail(struct writer *writer)
{
    write_string(writer, "]}]}]}");
}
