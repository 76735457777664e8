#include "proxy/calls.h"

#include "proxy/call.h"
#include "proxy/clock.h"
#include "proxy/exchange.h"
#include "proxy/forward.h"
#include "proxy/result.h"
#include "proxy/worker.h"

static size_t count_of(const struct exchange *exchange)
{
    return exchange->calls ? exchange->route->calls_count : 0;
}

/* Where the body of a call that goes up comes from: it is there, or comes as the client sends it. */
static bool is_streamed(const struct exchange *exchange, const struct call *call)
{
    return call == exchange->passing && exchange->request->body != BODY_NONE;
}

static void start_call(struct exchange *exchange, struct call *call, struct instant now)
{
    struct instant start_by = plan_start_by(&exchange->plan, (size_t)(call - exchange->calls));
    struct attempt_order order;
    struct text body = {.at = NULL};
    bool streams;

    if (!forward_order(exchange, call, &order, &body)) {
        call_fail(call, CALL_UNFILLED, now);
        return;
    }
    streams = order.kind == HANDLE_UPLOAD && is_streamed(exchange, call);
    if (order.kind == HANDLE_UPLOAD && !streams)
        call->whole = body.at ? body : TEXT_NONE;
    if (call_start(call, &order, start_by, now) && streams)
        client_want(exchange->client, ATTEMPT_WINDOW);
}

/* Who stands in for the answer gives it. */
static void choose_answer(struct exchange *exchange)
{
    const struct conf_route *route = exchange->route;

    if (route->answers != ANSWER_CALL)
        return;
    exchange->answer = result_of(exchange, route->answer);
    exchange->answer->held_max = route->buffer_first;
}

void calls_start(struct exchange *exchange, struct step_policy step, struct instant now)
{
    if (step.first >= exchange->route->steps_calls_count)
        choose_answer(exchange);
    for (size_t i = step.first; i < step.first + step.count; i++) {
        if (exchange->calls[i].entry->outcome == CALL_RUNNING)
            start_call(exchange, &exchange->calls[i], now);
    }
}

/* A stand-in is as required as the call at the beginning of its chain. */
bool calls_is_required(const struct exchange *exchange, size_t call)
{
    const struct policy *policy = &exchange->route->policy;

    for (size_t i = 0; call >= exchange->route->steps_calls_count && i < call; i++) {
        if (policy->calls[i].fallback == call)
            return calls_is_required(exchange, i);
    }
    return !policy->calls[call].optional;
}

/* Calls were cancelled for what was known since then. The clock is read for the metric only: nothing
 * is decided by it. */
static void note_cancelled(struct exchange *exchange, struct instant since)
{
    histogram_note_span(&exchange->worker->metrics.cancel_latency, span_since(since, clock_now()));
}

void calls_cancel(struct exchange *exchange, const struct call *but, struct instant now)
{
    bool was_any = false;

    for (size_t i = 0; i < count_of(exchange); i++) {
        struct call *call = &exchange->calls[i];
        if (call == but)
            continue;
        was_any = was_any || call->entry->outcome == CALL_RUNNING;
        call_cancel(call, CALL_CANCELLED, now);
    }
    if (was_any)
        note_cancelled(exchange, now);
}

void calls_expire(struct exchange *exchange, struct instant now)
{
    for (size_t i = 0; i < count_of(exchange); i++) {
        struct call *call = &exchange->calls[i];
        struct instant due = call_due(call);
        if (!instant_reached(due, now))
            continue;
        call_expire(call, now);
        if (call->stage == CALL_STAGE_OVER)
            note_cancelled(exchange, due);
    }
}

struct instant calls_due(const struct exchange *exchange)
{
    struct instant due = INSTANT_NEVER;

    for (size_t i = 0; i < count_of(exchange); i++)
        due = instant_min(due, call_due(&exchange->calls[i]));
    return due;
}

int calls_running(const struct exchange *exchange)
{
    for (size_t i = 0; i < count_of(exchange); i++) {
        if (exchange->calls[i].entry->outcome == CALL_RUNNING)
            return (int)i;
    }
    return NO_CALL;
}

bool calls_allow_reply(const struct exchange *exchange, struct instant now)
{
    if (instant_reached(exchange->plan.reply_by, now))
        return false;
    for (size_t i = 0; i < count_of(exchange); i++) {
        const struct call *call = &exchange->calls[i];
        if (call != exchange->answer && call->entry->outcome == CALL_RUNNING)
            return false;
    }
    return exchange->answer && call_has_head(exchange->answer);
}

bool calls_left_gap(const struct exchange *exchange, size_t call)
{
    enum call_outcome outcome = result_of(exchange, call)->entry->outcome;

    return exchange->route->policy.calls[call].optional && outcome > CALL_RUNNING &&
           outcome != CALL_OK;
}
