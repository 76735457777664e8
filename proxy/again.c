#include "proxy/again.h"

#include "proxy/call.h"
#include "proxy/clock.h"
#include "proxy/headers.h"
#include "proxy/retry_after.h"
#include "proxy/trace.h"

static struct span retry_after(const struct lane *lane)
{
    const struct response *response = &lane->attempt.response;
    const struct header *header =
        header_find(response->headers, response->headers_count, TEXT("retry-after"));

    return header ? retry_after_read(header->value, clock_realtime_ms()) : SPAN_NONE;
}

/* An answer that was to be better is gone with its attempt: without another it is as if none had
 * come in time. */
static struct attempt_end end_of(const struct lane *lane, enum call_outcome outcome)
{
    return (struct attempt_end){
        .outcome = outcome == CALL_OK ? CALL_TIMEOUT : outcome,
        .fault = lane->attempt.response.fault,
        .sends = lane->attempt.sends,
        .status = lane->call->entry->status,
    };
}

static void pause_until(struct call *call, struct instant again_at)
{
    chain_clear(&call->kept, call->place.pool);
    json_check_init(&call->check);
    call->body = (struct text){.at = NULL};
    lane_init(&call->first, call);
    call->lane = &call->first;
    call->hedge_at = INSTANT_NEVER;
    call->entry->status = 0;
    call->stage = CALL_STAGE_PAUSE;
    call->again_at = again_at;
}

bool again_has_body(const struct call *call)
{
    return call->whole.at || replay_is_possible(&call->replay);
}

bool again_tries(struct lane *lane, enum call_outcome outcome, struct instant now)
{
    struct call *call = lane->call;
    struct upstream_metrics *metrics = upstream_metrics_of(call->upstream);
    struct attempt_result result = {
        .outcome = outcome,
        .status = lane->attempt.response.status,
        .ran_out = lane->attempt.response.status == 504,
        .told_all = call->order.tells_count > 0 && lane->due.ns == call->retry.by.ns,
    };

    if (call->policy.retries == 0 || call->is_announced)
        return false;
    if (outcome == CALL_OK)
        result.retry_after = retry_after(lane);
    call->retry.replayable = again_has_body(call);
    struct retry_decision decision =
        retry_decide(&call->retry, &result, trace_random(call->place.random), now);
    if (decision.verdict != RETRY_AFTER) {
        if (decision.verdict != RETRY_NO_CONDITION)
            counter_add(&metrics->retries_refused[decision.verdict], 1);
        return false;
    }
    counter_add(&metrics->retries, 1);
    call->failed = end_of(lane, outcome);
    lane_drop(lane, outcome, now);
    pause_until(call, instant_after(now, decision.delay));
    return true;
}

bool again_fits(const struct call *call, struct instant now)
{
    return retry_attempt_fits(&call->retry, now);
}

void again_give_up(struct call *call, struct instant now)
{
    struct attempt *attempt = &call->lane->attempt;

    attempt->response.fault = call->failed.fault;
    attempt->sends = call->failed.sends;
    call->entry->status = call->failed.status;
    call_cancel(call, call->failed.outcome, now);
}
