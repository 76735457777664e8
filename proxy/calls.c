#include "proxy/calls.h"

#include "proxy/call.h"
#include "proxy/exchange.h"
#include "proxy/forward.h"

static size_t count_of(const struct exchange *exchange)
{
    return exchange->calls ? exchange->route->calls_count : 0;
}

bool calls_start(struct exchange *exchange, struct step_policy step, struct instant now)
{
    bool all_go_on = true;

    for (size_t i = step.first; i < step.first + step.count; i++) {
        struct call *call = &exchange->calls[i];
        if (call->entry->outcome != CALL_RUNNING)
            continue;
        struct attempt_order order = forward_order(exchange, call);
        if (!call_start(call, &order, plan_start_by(&exchange->plan, i), now))
            all_go_on = false;
        else if (call == exchange->passing && order.kind == HANDLE_UPLOAD &&
                 exchange->request->body != BODY_NONE)
            client_want(exchange->client, ATTEMPT_WINDOW);
        else if (order.kind == HANDLE_UPLOAD)
            call_upload_end(call);
    }
    return all_go_on;
}

void calls_cancel(struct exchange *exchange, const struct call *but, struct instant now)
{
    for (size_t i = 0; i < count_of(exchange); i++) {
        if (&exchange->calls[i] != but)
            call_cancel(&exchange->calls[i], CALL_CANCELLED, now);
    }
}

void calls_expire(struct exchange *exchange, struct instant now)
{
    for (size_t i = 0; i < count_of(exchange); i++) {
        if (instant_reached(call_due(&exchange->calls[i]), now))
            call_expire(&exchange->calls[i], now);
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

bool calls_allow_reply(const struct exchange *exchange)
{
    for (size_t i = 0; i < count_of(exchange); i++) {
        const struct call *call = &exchange->calls[i];
        if (call != exchange->answer && call->entry->outcome == CALL_RUNNING)
            return false;
    }
    return call_has_head(exchange->answer);
}
