#include "proxy/account.h"

#include "proxy/clock.h"
#include "proxy/exchange.h"
#include "proxy/observe.h"
#include "proxy/record.h"
#include "proxy/termination.h"
#include "proxy/worker.h"

static void write_call_timing(struct writer *writer, const struct exchange *exchange, size_t call,
                              struct instant now)
{
    const struct ledger_entry *entry = &exchange->plan.ledger[call];

    if (entry->outcome == CALL_WAITING)
        return;
    write_string(writer, ", ");
    write_string(writer, exchange->route->calls[call].name);
    write_string(writer, ";dur=");
    write_ms(writer, ledger_used(entry, now));
    if (entry->outcome == CALL_OK || entry->outcome == CALL_RUNNING)
        return;
    write_string(writer, ";desc=\"");
    write_string(writer, call_outcome_name(entry->outcome));
    write_char(writer, '"');
}

struct text account_timing(struct exchange *exchange, struct instant now)
{
    size_t room = 64 + exchange->route->calls_count * 100;
    struct writer writer = writer_on(arena_take(&exchange->arena, room), room);

    write_string(&writer, "budget;dur=");
    write_ms_short(&writer, exchange->plan.asked);
    for (size_t i = 0; i < exchange->route->calls_count; i++)
        write_call_timing(&writer, exchange, i, now);
    write_string(&writer, ", local;dur=");
    write_ms(&writer, plan_local_used(&exchange->plan, now));
    return writer_text(&writer);
}

static void write_field(struct writer *writer, const char *name, struct text value)
{
    write_string(writer, name);
    write_logfmt(writer, value);
}

static void write_count(struct writer *writer, const char *name, uint64_t count)
{
    write_string(writer, name);
    write_number(writer, (int64_t)count);
}

/* calls="session:ok:31.2/300.0 stock:timeout:300.0/300.0": outcome, used / granted, and how many
 * attempts when that is not one. */
static void write_calls(struct writer *writer, const struct record *record)
{
    bool is_first = true;

    write_string(writer, " calls=\"");
    for (size_t i = 0; i < record->calls_count; i++) {
        const struct record_call *call = &record->calls[i];
        if (call->outcome == CALL_WAITING)
            continue;
        if (!is_first)
            write_char(writer, ' ');
        is_first = false;
        write_string(writer, call->conf->name);
        write_char(writer, ':');
        write_string(writer, call_outcome_name(call->outcome));
        write_char(writer, ':');
        write_ms(writer, call->used);
        write_char(writer, '/');
        write_ms(writer, call->granted);
        if (call->status >= 300)
            write_count(writer, ":status=", (uint64_t)call->status);
        if (call->attempts > 1)
            write_count(writer, ":attempts=", call->attempts);
    }
    write_char(writer, '"');
}

static void write_plan(struct writer *writer, const struct record *record)
{
    write_string(writer, " budget_ms=");
    write_ms_short(writer, record->budget);
    write_string(writer, " source=");
    write_string(writer, record->source ? record->source->name : "default");
    write_string(writer, " local_ms=");
    write_ms(writer, record->local);
    write_calls(writer, record);
}

/* 2026-11-22T14:11:50.123Z */
static void write_time(struct writer *writer, int64_t realtime_ms)
{
    char text[CLOCK_TEXT_MAX];

    clock_write_iso(realtime_ms, text);
    write_string(writer, text);
}

/* In a line there is place for so much of a path, all of it escaped, and for the longest ledger: 32
 * calls of up to 93 bytes each, and 33 more for each that would have been cut. */
enum { PATH_MAX_SHOWN = 512, LINE_ROOM = 8192 };

/* The begin of a path: what is behind it in the line is worth more than its end. */
static struct text shown(struct text path)
{
    size_t count = path.count < PATH_MAX_SHOWN ? path.count : PATH_MAX_SHOWN;

    return (struct text){.at = path.at, .count = count};
}

/* The line of a request that is over (logfmt). */
static void write_record(struct writer *writer, const struct record *record, struct text unfilled)
{
    struct termination termination = termination_of(record);

    write_string(writer, "time=");
    write_time(writer, clock_realtime_ms());
    write_field(writer, " request_id=", record->id);
    write_field(writer, " trace_id=", text_of(record->trace->id));
    write_field(writer, " client=", record->client);
    write_field(writer, " route=", text_of(record->route ? record->route->name : "-"));
    write_field(writer, " method=", record->method);
    write_field(writer, " path=", shown(record->path));
    write_count(writer, " status=", (uint64_t)record->status);
    write_field(writer, " outcome=", text_of(ending_name(record->ending)));
    write_field(writer, " termination=", text_of(termination.code));
    if (record->reason != REASON_NONE)
        write_field(writer, " reason=", text_of(reason_name(record->reason)));
    if (record->blamed != NO_CALL)
        write_field(writer, " call=", text_of(record->calls[record->blamed].conf->name));
    if (unfilled.count > 0)
        write_field(writer, " unfilled=", unfilled);
    write_string(writer, " elapsed_ms=");
    write_ms(writer, record_elapsed(record));
    write_count(writer, " bytes_up=", record->bytes_up);
    write_count(writer, " bytes_down=", record->bytes_down);
    if (record->route)
        write_plan(writer, record);
}

static void count_it(const struct exchange *exchange)
{
    struct metrics *metrics = &exchange->worker->metrics;
    const struct conf *conf = exchange->worker->conf;
    size_t index = exchange->route ? (size_t)(exchange->route - conf->routes) : conf->routes_count;

    for (size_t i = 0; exchange->route && exchange->calls && i < exchange->route->calls_count;
         i++) {
        const struct call *call = &exchange->calls[i];
        if (call->entry->outcome == CALL_SKIPPED) /* the others have counted themselves */
            counter_add(&upstream_metrics_of(call->upstream)->calls[CALL_SKIPPED], 1);
    }
    counter_add(&metrics->routes[index].requests[exchange->ending], 1);
    if (exchange->ending == ENDING_TIMEOUT)
        counter_add(&metrics->routes[index].timeouts[exchange->reason], 1);
}

void account_on_refused(void *service_arg, const struct peer *peer, int status, const char *why)
{
    const struct worker *worker = service_arg;
    char line[512];
    struct writer writer = writer_on(line, sizeof line);

    if (!log_is_on(worker->log))
        return;
    write_string(&writer, "time=");
    write_time(&writer, clock_realtime_ms());
    write_field(&writer, " client=", text_of(peer->address));
    write_count(&writer, " status=", (uint64_t)status);
    write_field(&writer, " outcome=", TEXT("bad_request"));
    write_field(&writer, " detail=", text_of(why));
    log_line(worker->log, line, writer_text(&writer).count);
}

void account_close(const struct exchange *exchange, struct instant now)
{
    char line[LINE_ROOM];
    struct writer writer = writer_on(line, sizeof line);
    struct text text;
    struct record record;
    struct rehearsal verdict;
    /* What was refused for what it says has nothing to do with its budget. */
    bool is_judged = exchange->is_observed && exchange->ending != ENDING_REFUSED;

    count_it(exchange);
    if (is_judged) {
        observe_judge(exchange, now, &verdict);
        observe_count(exchange, &verdict);
    }
    /* Last: who sees none in flight sees all of them counted. */
    counter_sub(&exchange->worker->metrics.in_flight, 1);
    if (!log_is_on(exchange->worker->log))
        return;
    record_fill(&record, exchange, now);
    write_record(&writer, &record, exchange->unfilled);
    if (is_judged)
        observe_write(&writer, exchange, &verdict);
    text = writer_text(&writer);
    log_line(exchange->worker->log, text.at, text.count);
}
