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

bool observe_would_time_out(const struct rehearsal *verdict)
{
    return verdict->end.kind == DECIDE_GIVE_UP && verdict->end.reason != REASON_FAILED &&
           verdict->end.reason != REASON_OVERLOAD;
}

void observe_count(const struct exchange *exchange, const struct rehearsal *verdict)
{
    const struct metrics *metrics = &exchange->worker->metrics;
    size_t route = (size_t)(exchange->route - exchange->worker->conf->routes);

    counter_add(&metrics->routes[route].observed, 1);
    if (observe_would_time_out(verdict))
        counter_add(&metrics->routes[route].would_time_out[verdict->end.reason], 1);
    for (size_t i = 0; i < exchange->route->calls_count; i++) {
        if (verdict->ledger[i].outcome == CALL_TIMEOUT)
            counter_add(&metrics->calls[route][i].would_cut, 1);
        else if (verdict->ledger[i].outcome == CALL_SKIPPED)
            counter_add(&metrics->calls[route][i].would_skip, 1);
    }
}

const char *observe_word(const struct rehearsal *verdict)
{
    if (!observe_would_time_out(verdict))
        return "go_on";
    return verdict->is_late ? "break_off" : "time_out";
}
