#include "proxy/record.h"

#include "proxy/call.h"
#include "proxy/exchange.h"
#include "proxy/worker.h"
#include "proxy/writer.h"

/* Was the client still sending a body that goes up as it comes? Whose time ran out meanwhile has an
 * outcome of its own, unless it was the upstream that did not take what had come. */
static bool is_uploading(const struct call *call)
{
    return call->order.kind == HANDLE_UPLOAD && !call->whole.at && !call->is_upload_whole &&
           call->entry->outcome != CALL_TIMEOUT;
}

/* What an attempt was at that was broken off, or ran out of time. */
static enum reach reach_of_attempt(const struct call *call)
{
    if (call->entry->status != 0)
        return REACH_BODY;
    if (call->entry->attempts == 0)
        return upstream_is_named(call->upstream) ? REACH_QUEUE : REACH_NAME;
    if (!attempt_is_sent(&call->lane->attempt))
        return REACH_CONNECT;
    return is_uploading(call) ? REACH_SEND : REACH_HEAD;
}

static enum reach reach_of(const struct call *call)
{
    switch (call->entry->outcome) {
    case CALL_WAITING:
    case CALL_SKIPPED:
    case CALL_UNFILLED:
        return REACH_NOTHING;
    case CALL_DNS_TIMEOUT:
    case CALL_DNS_ERROR:
        return REACH_NAME;
    case CALL_QUEUED_OUT:
    case CALL_QUEUE_FULL:
        return REACH_QUEUE;
    case CALL_CONNECT_TIMEOUT:
    case CALL_REFUSED:
        return REACH_CONNECT;
    case CALL_UNSENT:
    case CALL_UPLOAD_OUT:
        return REACH_SEND;
    case CALL_OK:
    case CALL_STATUS:
    case CALL_TOO_LARGE:
    case CALL_NO_MEMORY:
        return REACH_BODY;
    case CALL_RUNNING:
    case CALL_CANCELLED:
    case CALL_TIMEOUT:
    case CALL_BROKEN:
    case CALL_INVALID:
        break;
    }
    return reach_of_attempt(call);
}

static void fill_call(struct record_call *record, const struct call *call, struct instant started,
                      struct instant now)
{
    const struct ledger_entry *entry = call->entry;

    *record = (struct record_call){
        .conf = call->conf,
        .outcome = entry->outcome,
        .reach = reach_of(call),
        .status = entry->status,
        .attempts = entry->attempts,
        .granted = entry->granted,
        .used = ledger_used(entry, now),
        .queued = call->waiter.waited,
    };
    if (entry->outcome == CALL_INVALID)
        record->fault = call->lane->attempt.response.fault;
    if (entry->outcome != CALL_WAITING)
        record->begun = span_since(started, entry->started);
}

static enum whose whose_of(const struct exchange *exchange)
{
    const struct whose_end end = {
        .reason = exchange->reason,
        .call = exchange->blamed,
        .has_asked = exchange->asked.any,
    };

    if (exchange->ending != ENDING_TIMEOUT && exchange->ending != ENDING_CUT)
        return WHOSE_NOBODY;
    return whose_limit(&exchange->plan, &end);
}

static void fill_plan(struct record *record, const struct exchange *exchange, struct instant now)
{
    const struct wire_field *fields = exchange->worker->conf->budget_headers;

    record->budget = exchange->plan.asked;
    record->source = exchange->asked.any ? &fields[exchange->asked.field] : NULL;
    record->local = plan_local_used(&exchange->plan, now);
    record->whose = whose_of(exchange);
    record->is_observed = exchange->is_observed;
    record->calls_count = exchange->calls ? exchange->route->calls_count : 0;
    for (size_t i = 0; i < record->calls_count; i++) {
        fill_call(&record->calls[i], &exchange->calls[i], exchange->started, now);
        record->queue = span_add(record->queue, record->calls[i].queued);
    }
}

/* The calls are filled in one by one: most routes have few of them. */
void record_fill(struct record *record, const struct exchange *exchange, struct instant now)
{
    record->route = exchange->route;
    record->source = NULL;
    record->id = exchange->id;
    record->trace = &exchange->trace;
    record->notes = exchange->notes;
    record->client = text_of(exchange->peer);
    record->method = exchange->method;
    record->path = exchange->path;
    record->query = exchange->query;
    record->shows_query = exchange->worker->conf->proxy.shows_queries;
    record->status = exchange->status;
    record->ending = exchange->ending;
    record->reason = exchange->reason;
    record->whose = WHOSE_NOBODY;
    record->blamed = exchange->blamed;
    record->phase = exchange->reached;
    record->unfilled = exchange->unfilled;
    record->started = exchange->started;
    record->ended = now;
    record->budget = SPAN_NONE;
    record->local = SPAN_NONE;
    record->upload = span_since(exchange->started, instant_min(exchange->body_ended, now));
    record->queue = SPAN_NONE;
    record->bytes_up = exchange->bytes_up;
    record->bytes_down = exchange->bytes_down;
    record->is_observed = false;
    record->verdict = (struct verdict){.would = WOULD_UNKNOWN, .blamed = NO_CALL};
    record->is_trusted = exchange->is_trusted;
    record->calls_count = 0;
    if (exchange->route)
        fill_plan(record, exchange, now);
}

struct span record_elapsed(const struct record *record)
{
    return span_since(record->started, record->ended);
}

struct text record_shown_path(const struct record *record, char room[static RECORD_PATH_MAX])
{
    struct writer writer = writer_on(room, RECORD_PATH_MAX);

    if (!record->shows_query || record->query.count == 0) {
        size_t count = record->path.count < RECORD_PATH_MAX ? record->path.count : RECORD_PATH_MAX;
        return (struct text){.at = record->path.at, .count = count};
    }
    write_text(&writer, record->path);
    write_char(&writer, '?');
    write_text(&writer, record->query);
    return writer_text(&writer);
}
