#include "proxy/observe.h"

#include <assert.h>

#include "budget/rehearsal.h"
#include "proxy/exchange.h"
#include "proxy/trace.h"
#include "proxy/worker.h"

static_assert(PLAN_CALLS_MAX <= 32, "each call of a plan has a bit in a verdict");

bool observe_chooses(const struct exchange *exchange)
{
    int32_t share = exchange->route->enforce_share;

    return share < SHARE_WHOLE && trace_lot(exchange->id, SHARE_WHOLE) >= (uint32_t)share;
}

static bool is_out_of_time(const struct decision *end)
{
    return end->kind == DECIDE_GIVE_UP && end->reason != REASON_FAILED &&
           end->reason != REASON_OVERLOAD;
}

static uint32_t calls_that_end(const struct rehearsal *rehearsal, size_t count,
                               enum call_outcome outcome)
{
    uint32_t calls = 0;

    for (size_t i = 0; i < count; i++) {
        if (rehearsal->ledger[i].outcome == outcome)
            calls |= UINT32_C(1) << i;
    }
    return calls;
}

/* Would the head of its answer have gone out before it was given up? As long after the begin of its
 * call as it did. */
static bool has_begun_to_answer(const struct exchange *exchange, const struct rehearsal *rehearsal)
{
    const struct call *answer = exchange->answer;

    if (!answer)
        return rehearsal->is_late;
    const struct ledger_entry *again = &rehearsal->ledger[answer - exchange->calls];
    struct span waited = span_since(answer->entry->started, exchange->answered);
    return rehearsal->is_late || (again->outcome > CALL_RUNNING && again->outcome != CALL_SKIPPED &&
                                  instant_after(again->started, waited).ns < rehearsal->over.ns);
}

struct verdict observe_judge(const struct exchange *exchange, struct instant now)
{
    size_t count = exchange->route->calls_count;
    struct rehearsal rehearsal;

    rehearse_again(&rehearsal, &exchange->plan, now);
    struct verdict verdict = {
        .would = WOULD_GO_ON,
        .blamed = NO_CALL,
        .cut = calls_that_end(&rehearsal, count, CALL_TIMEOUT),
        .skipped = calls_that_end(&rehearsal, count, CALL_SKIPPED),
    };
    if (is_out_of_time(&rehearsal.end)) {
        verdict.would =
            has_begun_to_answer(exchange, &rehearsal) ? WOULD_BREAK_OFF : WOULD_TIME_OUT;
        verdict.reason = rehearsal.end.reason;
        verdict.blamed = rehearsal.end.call;
    }
    return verdict;
}

bool observe_would_time_out(const struct verdict *verdict)
{
    return verdict->would == WOULD_TIME_OUT || verdict->would == WOULD_BREAK_OFF;
}

void observe_count(const struct exchange *exchange, const struct verdict *verdict)
{
    const struct worker *worker = exchange->worker;
    const struct metrics *metrics = &worker->metrics;
    struct route_metrics *route = metrics_of_route(metrics, worker->conf, exchange->route);
    struct call_metrics *calls = metrics->calls[exchange->route - worker->conf->routes];

    counter_add(&route->observed, 1);
    if (observe_would_time_out(verdict))
        counter_add(&route->would_time_out[verdict->reason], 1);
    for (size_t i = 0; i < exchange->route->calls_count; i++) {
        if (verdict_has(verdict->cut, i))
            counter_add(&calls[i].would_cut, 1);
        else if (verdict_has(verdict->skipped, i))
            counter_add(&calls[i].would_skip, 1);
    }
}

const char *observe_word(enum would would)
{
    static const char *const words[] = {
        [WOULD_UNKNOWN] = "unknown",
        [WOULD_GO_ON] = "go_on",
        [WOULD_TIME_OUT] = "time_out",
        [WOULD_BREAK_OFF] = "break_off",
    };

    assert(would < WOULDS);
    return words[would];
}
