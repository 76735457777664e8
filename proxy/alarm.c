#include "proxy/alarm.h"

#include "proxy/calls.h"
#include "proxy/clock.h"
#include "proxy/exchange.h"
#include "proxy/worker.h"

void alarm_init(struct exchange *exchange, event_callback_fn on_due)
{
    evtimer_assign(&exchange->timer, exchange->worker->base, on_due, exchange);
}

void alarm_finish(struct exchange *exchange)
{
    event_del(&exchange->timer);
}

bool alarm_has_come(struct exchange *exchange, struct instant now)
{
    bool has_come = instant_reached(exchange->alarm, now);

    exchange->alarm = INSTANT_NEVER;
    return has_come;
}

static bool is_problem_of_ours(const struct exchange *exchange)
{
    return exchange->ending == ENDING_TIMEOUT || exchange->ending == ENDING_FAILED ||
           exchange->ending == ENDING_REFUSED || exchange->ending == ENDING_OVERLOAD;
}

void alarm_arm(struct exchange *exchange, struct instant now)
{
    struct instant alarm;

    if (exchange->phase == PHASE_GATHERING) {
        alarm = plan_body_by(&exchange->plan);
    } else if (exchange->phase == PHASE_CALLING) {
        alarm = instant_min(plan_alarm(&exchange->plan), calls_due(exchange));
    } else {
        alarm = plan_cut_at(&exchange->plan, is_problem_of_ours(exchange), now);
        if (exchange->phase == PHASE_REPLYING && exchange->answer)
            alarm = instant_min(alarm, call_due(exchange->answer));
    }
    if (alarm.ns == exchange->alarm.ns)
        return;
    struct timeval wait = clock_timeval(span_until(alarm, now));
    exchange->alarm = alarm;
    event_add(&exchange->timer, &wait);
}
