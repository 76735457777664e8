#include "proxy/observe.h"

#include "proxy/exchange.h"
#include "proxy/trace.h"
#include "proxy/worker.h"

bool observe_chooses(const struct exchange *exchange)
{
    int32_t share = exchange->route->enforce_share;

    return share < SHARE_WHOLE && trace_lot(exchange->id, SHARE_WHOLE) >= (uint32_t)share;
}

void observe_judge(const struct exchange *exchange, struct instant now, struct rehearsal *verdict)
{
    rehearse_again(verdict, &exchange->plan, now);
}

static bool would_time_out(const struct rehearsal *verdict)
{
    return verdict->end.kind == DECIDE_GIVE_UP && verdict->end.reason != REASON_FAILED &&
           verdict->end.reason != REASON_OVERLOAD;
}

void observe_count(const struct exchange *exchange, const struct rehearsal *verdict)
{
    const struct metrics *metrics = &exchange->worker->metrics;
    size_t route = (size_t)(exchange->route - exchange->worker->conf->routes);

    counter_add(&metrics->routes[route].observed, 1);
    if (would_time_out(verdict))
        counter_add(&metrics->routes[route].would_time_out[verdict->end.reason], 1);
    for (size_t i = 0; i < exchange->route->calls_count; i++) {
        if (verdict->ledger[i].outcome == CALL_TIMEOUT)
            counter_add(&metrics->calls[route][i].would_cut, 1);
        else if (verdict->ledger[i].outcome == CALL_SKIPPED)
            counter_add(&metrics->calls[route][i].would_skip, 1);
    }
}

/* would_cut="advice price": the calls that would have been cut. */
static void write_cuts(struct writer *writer, const struct exchange *exchange,
                       const struct rehearsal *verdict)
{
    bool is_first = true;

    for (size_t i = 0; i < exchange->route->calls_count; i++) {
        if (verdict->ledger[i].outcome != CALL_TIMEOUT)
            continue;
        write_string(writer, is_first ? " would_cut=\"" : " ");
        write_string(writer, exchange->route->calls[i].name);
        is_first = false;
    }
    write_string(writer, is_first ? "" : "\"");
}

void observe_write(struct writer *writer, const struct exchange *exchange,
                   const struct rehearsal *verdict)
{
    write_string(writer, " mode=observe would=");
    if (!would_time_out(verdict)) {
        write_string(writer, "go_on");
    } else {
        write_string(writer, verdict->is_late ? "break_off" : "time_out");
        write_string(writer, " would_reason=");
        write_string(writer, reason_name(verdict->end.reason));
        if (verdict->end.call != NO_CALL) {
            write_string(writer, " would_call=");
            write_string(writer, exchange->route->calls[verdict->end.call].name);
        }
    }
    write_cuts(writer, exchange, verdict);
}
