#include "proxy/account.h"

#include "proxy/clock.h"
#include "proxy/exchange.h"
#include "proxy/exporter.h"
#include "proxy/observe.h"
#include "proxy/recent.h"
#include "proxy/record.h"
#include "proxy/request_line.h"
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

bool account_exposes(const struct exchange *exchange, enum expose what)
{
    return exchange->is_trusted && exchange->route && exchange->route->expose >= what;
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

void account_on_refused(void *service_arg, const struct peer *peer, int status, const char *why)
{
    const struct worker *worker = service_arg;

    request_line_log_refused(worker->log, &worker->conf->proxy,
                             &(struct request_refusal){.peer = peer, .status = status, .why = why});
}

void account_close(const struct exchange *exchange, struct instant now)
{
    const struct worker *worker = exchange->worker;
    struct metrics *metrics = &exchange->worker->metrics;
    struct record record;
    int64_t ended_ms = clock_realtime_ms();

    record_fill(&record, exchange, now);
    metrics_note(metrics, worker->conf, &record);
    /* What was refused for what it says has nothing to do with its budget. */
    if (exchange->is_observed && exchange->ending != ENDING_REFUSED) {
        record.verdict = observe_judge(exchange, now);
        observe_count(exchange, &record.verdict);
    }
    if (worker->recent)
        recent_keep(worker->recent, &record, ended_ms);
    if (exchange->notes)
        exporter_take(worker->exporter, &record);
    /* Last: who sees none in flight sees all of them counted, and kept. */
    counter_sub(&metrics_of_route(metrics, worker->conf, exchange->route)->in_flight, 1);
    if (log_is_on(worker->log))
        request_line_log(worker->log, &worker->conf->proxy, &record, ended_ms);
}
