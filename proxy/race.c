#include "proxy/race.h"

#include "budget/retry_on.h"
#include "proxy/again.h"
#include "proxy/call.h"

void race_prepare(struct call *call)
{
    if (call->conf->hedge.kind == HEDGE_OFF)
        return;
    call->hedge = (struct hedge){
        .policy = &call->conf->hedge,
        .lately = upstream_lately(call->upstream),
        .allowance = upstream_hedges(call->upstream),
    };
    allowance_earn(call->hedge.allowance);
}

/* Whether the body can be sent twice shows when the time has come. */
void race_arm(struct call *call)
{
    if (call->conf->hedge.kind == HEDGE_OFF)
        return;
    call->retry.replayable = true;
    call->hedge_at = hedge_due(&call->hedge, &call->retry, call->first.since);
}

/* The body must be there as a whole: two attempts that take it at different speeds would make the
 * client wait for the slower. */
static bool has_body(const struct call *call)
{
    return call->order.kind != HANDLE_UPLOAD || call->whole.at ||
           (call->is_upload_whole && again_has_body(call));
}

void race_begin(struct call *call, struct instant now)
{
    struct upstream_metrics *metrics = upstream_metrics_of(call->upstream);

    call->hedge_at = INSTANT_NEVER;
    call->retry.replayable = has_body(call);
    if (!upstream_has_place(call->upstream) || !hedge_begin(&call->hedge, &call->retry, now)) {
        counter_add(&metrics->hedges_refused, 1);
        return;
    }
    upstream_take_place(call->upstream);
    counter_add(&metrics->hedges, 1);
    call->second = arena_take(call->place.arena, sizeof *call->second);
    lane_init(call->second, call);
    lane_start(call->second, now);
}

/* As good as it gets: not one of the failures after which the call would be tried again. */
static bool is_good(const struct lane *lane, enum call_outcome outcome)
{
    int status = lane->attempt.response.status;

    return outcome == CALL_OK && status < 500 &&
           !retry_on_covers(&lane->call->policy.on, outcome, status);
}

bool race_goes_on(struct lane *lane, enum call_outcome outcome, struct instant now)
{
    struct lane *rival = lane_rival(lane);

    if (!rival || is_good(lane, outcome))
        return false;
    lane_drop(lane, outcome, now);
    lane->call->lane = rival;
    return true;
}

void race_win(struct lane *lane, struct instant now)
{
    struct call *call = lane->call;
    struct lane *rival = lane_rival(lane);

    call->lane = lane;
    call->hedge_at = INSTANT_NEVER;
    if (lane == call->second && is_good(lane, CALL_OK))
        counter_add(&upstream_metrics_of(call->upstream)->hedges_won, 1);
    if (!rival)
        return;
    lane_note_time(rival, now);
    lane_drop(rival, CALL_CANCELLED, now);
}
