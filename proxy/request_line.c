#include "proxy/request_line.h"

#include <assert.h>

#include "budget/rehearsal.h"
#include "proxy/client.h"
#include "proxy/clock.h"
#include "proxy/observe.h"
#include "proxy/record_json.h"
#include "proxy/termination.h"
#include "proxy/trace.h"
#include "proxy/trace_context.h"
#include "proxy/writer_json.h"

/* ---- which -------------------------------------------------------------------------------------- */

/* What was not held to its budget may have used more than all of it. */
static bool is_slow(const struct log_when *when, const struct record *record)
{
    struct span elapsed = record_elapsed(record);

    if (when->kind != LOG_WHEN_SLOW || !record->route)
        return false;
    return (__int128)elapsed.ns * SHARE_WHOLE > (__int128)record->budget.ns * when->share;
}

/* enforce-share draws from the same ids: unless they are dealt anew, most of what is logged would be
 * what is enforced. The factor has no divisor in common with SHARE_WHOLE, so that each number comes
 * from one other. */
static bool is_sampled(struct text id, int32_t share)
{
    uint64_t lot = trace_lot(id, SHARE_WHOLE);

    return lot * 618033 % SHARE_WHOLE < (uint64_t)share;
}

bool request_line_is_due(const struct conf_proxy *conf, const struct record *record)
{
    return record->ending != ENDING_OK || conf->log_sample == SHARE_WHOLE ||
           is_slow(&conf->log_when, record) || is_sampled(record->id, conf->log_sample);
}

/* ---- logfmt ------------------------------------------------------------------------------------- */

static void write_field(struct writer *writer, const char *name, struct text value)
{
    write_string(writer, name);
    write_logfmt(writer, value);
}

static void write_word(struct writer *writer, const char *name, const char *word)
{
    write_string(writer, name);
    write_string(writer, word);
}

static void write_count(struct writer *writer, const char *name, uint64_t count)
{
    write_string(writer, name);
    write_number(writer, (int64_t)count);
}

static void write_span(struct writer *writer, const char *name, struct span span)
{
    write_string(writer, name);
    write_ms(writer, span);
}

/* stock:timeout:300.0/300.0: outcome, used / granted, and what is not as usual. */
static void write_call(struct writer *writer, const struct record_call *call)
{
    write_string(writer, call->conf->name);
    write_word(writer, ":", call_outcome_name(call->outcome));
    write_span(writer, ":", call->used);
    write_span(writer, "/", call->granted);
    if (call->fault != FAULT_NONE)
        write_word(writer, ":fault=", response_fault_name(call->fault));
    if (call->status >= 300)
        write_count(writer, ":status=", (uint64_t)call->status);
    if (call->attempts > 1)
        write_count(writer, ":attempts=", call->attempts);
    if (!span_is_none(call->queued))
        write_span(writer, ":queued=", call->queued);
}

static void write_calls(struct writer *writer, const struct record *record)
{
    bool is_first = true;

    write_string(writer, " calls=\"");
    for (size_t i = 0; i < record->calls_count; i++) {
        if (record->calls[i].outcome == CALL_WAITING)
            continue;
        if (!is_first)
            write_char(writer, ' ');
        is_first = false;
        write_call(writer, &record->calls[i]);
    }
    write_char(writer, '"');
}

/* would_cut="advice price": the names of those calls that have a bit, if there are any. */
static void write_some_calls(struct writer *writer, const char *before, const struct record *record,
                             uint32_t calls)
{
    bool is_first = true;

    for (size_t i = 0; i < record->calls_count; i++) {
        if (!verdict_has(calls, i))
            continue;
        write_word(writer, is_first ? before : " ", record->calls[i].conf->name);
        is_first = false;
    }
    write_string(writer, is_first ? "" : "\"");
}

static void write_verdict(struct writer *writer, const struct record *record)
{
    const struct verdict *verdict = &record->verdict;

    write_word(writer, " would=", observe_word(verdict->would));
    if (verdict->reason != REASON_NONE)
        write_word(writer, " would_reason=", reason_name(verdict->reason));
    if (verdict->blamed != NO_CALL)
        write_word(writer, " would_call=", record->calls[verdict->blamed].conf->name);
    write_some_calls(writer, " would_cut=\"", record, verdict->cut);
    write_some_calls(writer, " would_skip=\"", record, verdict->skipped);
}

static void write_plan(struct writer *writer, const struct record *record)
{
    write_string(writer, " budget_ms=");
    write_ms_short(writer, record->budget);
    write_word(writer, " source=", record->source ? record->source->name : "default");
    write_span(writer, " local_ms=", record->local);
    write_span(writer, " queue_ms=", record->queue);
    write_calls(writer, record);
    write_word(writer, " mode=", record->is_observed ? "observe" : "enforce");
    if (record->verdict.would != WOULD_UNKNOWN)
        write_verdict(writer, record);
}

/* 2026-11-22T14:11:50.123Z */
static void write_time(struct writer *writer, int64_t realtime_ms)
{
    char text[CLOCK_TEXT_MAX];

    clock_write_iso(realtime_ms, text);
    write_word(writer, "time=", text);
}

static void write_end(struct writer *writer, const struct record *record)
{
    struct termination termination = termination_of(record);

    write_count(writer, " status=", (uint64_t)record->status);
    write_word(writer, " outcome=", ending_name(record->ending));
    write_word(writer, " termination=", termination.code);
    if (record->reason != REASON_NONE)
        write_word(writer, " reason=", reason_name(record->reason));
    if (record->whose != WHOSE_NOBODY)
        write_word(writer, " whose=", whose_name(record->whose));
    if (record->blamed != NO_CALL)
        write_word(writer, " call=", record->calls[record->blamed].conf->name);
    if (record->unfilled.count > 0)
        write_field(writer, " unfilled=", record->unfilled);
    write_span(writer, " elapsed_ms=", record_elapsed(record));
    write_span(writer, " upload_ms=", record->upload);
    write_count(writer, " bytes_up=", record->bytes_up);
    write_count(writer, " bytes_down=", record->bytes_down);
}

void request_line_write(struct writer *writer, const struct record *record, int64_t ended_ms)
{
    char path[RECORD_PATH_MAX];

    write_time(writer, ended_ms);
    write_field(writer, " request_id=", record->id);
    write_word(writer, " trace_id=", record->trace->id);
    write_field(writer, " client=", record->client);
    write_word(writer, " route=", record->route ? record->route->name : "-");
    write_field(writer, " method=", record->method);
    write_field(writer, " path=", record_shown_path(record, path));
    write_end(writer, record);
    if (record->route)
        write_plan(writer, record);
}

/* ---- into the log ------------------------------------------------------------------------------- */

void request_line_log(struct log_buffer *log, const struct conf_proxy *conf,
                      const struct record *record, int64_t ended_ms)
{
    char line[REQUEST_LINE_MAX];
    struct writer writer = writer_on(line, sizeof line);

    if (!log_is_on(log) || !request_line_is_due(conf, record))
        return;
    if (conf->logs_json)
        record_json_write(&writer, record, ended_ms);
    else
        request_line_write(&writer, record, ended_ms);
    assert(!writer.is_cut);
    log_line(log, line, writer_text(&writer).count);
}

/* A head that did not come in time is the client's fault, all else the rules'. */
static const char *termination_of_refusal(const struct request_refusal *refusal)
{
    return refusal->status == 408 ? "CA" : "RA";
}

static void write_refusal(struct writer *writer, const struct request_refusal *refusal)
{
    write_time(writer, clock_realtime_ms());
    write_word(writer, " client=", refusal->peer->address);
    write_count(writer, " status=", (uint64_t)refusal->status);
    write_word(writer, " outcome=", "bad_request");
    write_word(writer, " termination=", termination_of_refusal(refusal));
    write_field(writer, " detail=", text_of(refusal->why));
}

static void write_json_refusal(struct writer *writer, const struct request_refusal *refusal)
{
    char time[CLOCK_TEXT_MAX];

    clock_write_iso(clock_realtime_ms(), time);
    write_json_name(writer, "{\"time\":", time);
    write_json_name(writer, ",\"client\":", refusal->peer->address);
    write_json_count(writer, ",\"status\":", (uint64_t)refusal->status);
    write_json_name(writer, ",\"outcome\":", "bad_request");
    write_json_name(writer, ",\"termination\":", termination_of_refusal(refusal));
    write_json_name(writer, ",\"detail\":", refusal->why);
    write_char(writer, '}');
}

void request_line_log_refused(struct log_buffer *log, const struct conf_proxy *conf,
                              const struct request_refusal *refusal)
{
    char line[512];
    struct writer writer = writer_on(line, sizeof line);

    if (!log_is_on(log))
        return;
    if (conf->logs_json)
        write_json_refusal(&writer, refusal);
    else
        write_refusal(&writer, refusal);
    assert(!writer.is_cut);
    log_line(log, line, writer_text(&writer).count);
}
