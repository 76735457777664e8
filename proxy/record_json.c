#include "proxy/record_json.h"

#include "proxy/clock.h"
#include "proxy/termination.h"
#include "proxy/trace_context.h"
#include "proxy/writer_json.h"

static void write_end(struct writer *writer, const struct record *record)
{
    struct termination termination = termination_of(record);

    write_json_count(writer, ",\"status\":", (uint64_t)record->status);
    write_json_name(writer, ",\"outcome\":", ending_name(record->ending));
    write_json_name(writer, ",\"termination\":", termination.code);
    if (record->reason != REASON_NONE)
        write_json_name(writer, ",\"reason\":", reason_name(record->reason));
    if (record->whose != WHOSE_NOBODY)
        write_json_name(writer, ",\"whose\":", whose_name(record->whose));
    if (record->blamed != NO_CALL)
        write_json_name(writer, ",\"call\":", record->calls[record->blamed].conf->name);
    if (record->unfilled.count > 0)
        write_json_text(writer, ",\"unfilled\":", record->unfilled);
    write_json_span(writer, ",\"elapsed_ms\":", record_elapsed(record));
    write_json_span(writer, ",\"upload_ms\":", record->upload);
    write_json_count(writer, ",\"bytes_up\":", record->bytes_up);
    write_json_count(writer, ",\"bytes_down\":", record->bytes_down);
}

static void write_json_call(struct writer *writer, const struct record_call *call)
{
    write_json_name(writer, "{\"name\":", call->conf->name);
    if (call->upstream)
        write_json_name(writer, ",\"upstream\":", call->upstream);
    write_json_name(writer, ",\"outcome\":", call_outcome_name(call->outcome));
    if (call->fault != FAULT_NONE)
        write_json_name(writer, ",\"fault\":", response_fault_name(call->fault));
    if (call->status != 0)
        write_json_count(writer, ",\"status\":", (uint64_t)call->status);
    write_json_count(writer, ",\"attempts\":", call->attempts);
    write_json_span(writer, ",\"begun_ms\":", call->begun);
    write_json_span(writer, ",\"granted_ms\":", call->granted);
    write_json_span(writer, ",\"used_ms\":", call->used);
    write_json_span(writer, ",\"queued_ms\":", call->queued);
    write_char(writer, '}');
}

/* The names of those calls that have a bit. */
static void write_json_calls(struct writer *writer, const char *before, const struct record *record,
                             uint32_t calls)
{
    bool is_first = true;

    write_string(writer, before);
    for (size_t i = 0; i < record->calls_count; i++) {
        if (!verdict_has(calls, i))
            continue;
        write_json_name(writer, is_first ? "" : ",", record->calls[i].conf->name);
        is_first = false;
    }
    write_char(writer, ']');
}

/* What would have become of an observed request, had it been held to its budget. */
static void write_verdict(struct writer *writer, const struct record *record)
{
    const struct verdict *verdict = &record->verdict;

    write_json_name(writer, ",\"would\":", observe_word(verdict->would));
    if (verdict->reason != REASON_NONE)
        write_json_name(writer, ",\"would_reason\":", reason_name(verdict->reason));
    if (verdict->blamed != NO_CALL)
        write_json_name(writer, ",\"would_call\":", record->calls[verdict->blamed].conf->name);
    write_json_calls(writer, ",\"would_cut\":[", record, verdict->cut);
    write_json_calls(writer, ",\"would_skip\":[", record, verdict->skipped);
}

static void write_plan(struct writer *writer, const struct record *record)
{
    bool is_first = true;

    write_json_span(writer, ",\"budget_ms\":", record->budget);
    write_json_name(writer, ",\"source\":", record->source ? record->source->name : "default");
    write_json_span(writer, ",\"local_ms\":", record->local);
    write_json_span(writer, ",\"queue_ms\":", record->queue);
    write_string(writer, ",\"calls\":[");
    for (size_t i = 0; i < record->calls_count; i++) {
        if (record->calls[i].outcome == CALL_WAITING)
            continue;
        write_string(writer, is_first ? "" : ",");
        write_json_call(writer, &record->calls[i]);
        is_first = false;
    }
    write_char(writer, ']');
    write_json_name(writer, ",\"mode\":", record->is_observed ? "observe" : "enforce");
    if (record->verdict.would != WOULD_UNKNOWN)
        write_verdict(writer, record);
}

void record_json_write(struct writer *writer, const struct record *record, int64_t ended_ms)
{
    char time[CLOCK_TEXT_MAX];
    char path[RECORD_PATH_MAX];

    clock_write_iso(ended_ms, time);
    write_json_name(writer, "{\"time\":", time);
    write_json_text(writer, ",\"request_id\":", record->id);
    write_json_name(writer, ",\"trace_id\":", record->trace->id);
    write_json_text(writer, ",\"client\":", record->client);
    if (record->route)
        write_json_name(writer, ",\"route\":", record->route->name);
    write_json_text(writer, ",\"method\":", record->method);
    write_json_text(writer, ",\"path\":", record_shown_path(record, path));
    write_end(writer, record);
    if (record->route)
        write_plan(writer, record);
    write_char(writer, '}');
}
