/*
 * The life of a call:
 *
 *   call_start            waits for a place at the upstream, then sends its first attempt
 *     on_head             its answer is used, or it is tried again  <--+
 *     on_body             is kept, held back or handed on              |
 *     on_end              the same question once more: again ----------+
 *   end                   gives back whatever is held: the only way out
 *
 * and from the side: call_expire, when something is due, and call_cancel.
 */
#include "proxy/call.h"

#include <assert.h>
#include <stddef.h>

#include "proxy/again.h"
#include "proxy/keep.h"
#include "proxy/race.h"

void call_init(struct call *call, const struct attempt_place *place, struct upstream *upstream,
               const struct conf_call *conf)
{
    bool may_repeat = conf->retry.retries > 0 || conf->hedge.kind != HEDGE_OFF;

    *call = (struct call){
        .conf = conf,
        .upstream = upstream,
        .place = *place,
        .stage = CALL_STAGE_NEW,
        .policy = conf->retry,
        .hedge_at = INSTANT_NEVER,
        .kept = CHAIN_EMPTY,
        .lane = &call->first,
    };
    call->place.handles = upstream_handles(upstream);
    replay_init(&call->replay, may_repeat);
    json_check_init(&call->check);
    lane_init(&call->first, call);
}

/* ---- the way to an attempt -------------------------------------------------------------------- */

static void begin_attempt(struct call *call, struct instant now)
{
    call->stage = CALL_STAGE_TRY;
    lane_start(&call->first, now);
    race_arm(call);
}

/* The only way to the end: gives back whatever is held, and writes the ledger. */
static void end(struct call *call, enum call_outcome outcome, struct instant now)
{
    assert(call->stage != CALL_STAGE_OVER);
    call->stage = CALL_STAGE_OVER;
    upstream_forget(call->upstream, &call->waiter, now);
    replay_finish(&call->replay, call->place.pool);
    ledger_end(call->entry, outcome, now);
    counter_add(&upstream_metrics_of(call->upstream)->calls[outcome], 1);
    if (call->second)
        lane_leave(call->second, now);
    lane_leave(&call->first, now);
}

static void on_turn(struct waiter *waiter, enum admission admission, struct instant now)
{
    struct call *call = (struct call *)(void *)((char *)waiter - offsetof(struct call, waiter));

    if (admission == ADMISSION_GRANTED) {
        begin_attempt(call, now);
        call->events->on_turn(call, now);
        return;
    }
    end(call, CALL_DNS_ERROR, now);
    call->events->on_end(call, now);
}

/* False: it cannot even wait, and the call is over. */
static bool enter(struct call *call, struct instant now)
{
    enum call_outcome outcome = CALL_DNS_ERROR;

    call->waiter.on_turn = on_turn;
    call->waiter.since = now;
    call->waiter.due = call->start_by;
    switch (upstream_enter(call->upstream, &call->waiter)) {
    case ADMISSION_GRANTED:
        begin_attempt(call, now);
        return true;
    case ADMISSION_WAITING:
        call->stage = CALL_STAGE_QUEUE;
        return true;
    case ADMISSION_FULL:
        outcome = CALL_QUEUE_FULL;
        break;
    case ADMISSION_NO_NAME:
        break;
    }
    end(call, outcome, now);
    return false;
}

bool call_start(struct call *call, const struct attempt_order *order, struct instant start_by,
                struct instant now)
{
    const struct conf_upstream *upstream = upstream_conf(call->upstream);

    call->order = *order;
    call->order.tells = upstream->tells;
    call->order.tells_count = upstream->tells_count;
    call->start_by = start_by;
    call->retry = (struct retry){
        .policy = &call->policy,
        .allowance = upstream_retries(call->upstream),
        .by = ledger_due(call->entry),
        .safe = order->is_idempotent,
    };
    allowance_earn(call->retry.allowance);
    race_prepare(call);
    return enter(call, now);
}

void call_fail(struct call *call, enum call_outcome outcome, struct instant now)
{
    end(call, outcome, now);
}

/* ---- an attempt tells ------------------------------------------------------------------------- */

/* The loop was late: what is found after the end of the grant has not come, whether its timer has
 * fired yet or not; but what the client has a part of it may have until the budget ends. True: the
 * call is over. */
static bool comes_late(struct call *call, struct instant now)
{
    if (call->is_relayed || !instant_reached(call->retry.by, now))
        return false;
    call->entry->came_late = true;
    call_expire(call, now);
    call->events->on_end(call, now);
    return true;
}

/* Is the body wanted by a later call or the merge, and not by the client as it comes? Then nobody
 * hears of the response before it is complete, and until then it may be asked for again. */
static bool keeps_body(const struct call *call)
{
    return call->conf->is_read && !call->is_refusal;
}

/* From here on it is handed on as it comes. What was held back comes first. */
static void announce(struct call *call, struct instant now)
{
    call->is_announced = true;
    chain_move(&call->lane->attempt.body, &call->kept, call->place.pool);
    call->events->on_head(call, now);
}

static void on_head(void *owner, struct instant now)
{
    struct lane *lane = owner;
    struct call *call = lane->call;
    int status = lane->attempt.response.status;

    lane_note_time(lane, now);
    counter_add(&upstream_metrics_of(call->upstream)->responses[status / 100 - 1], 1);
    if (comes_late(call, now))
        return;
    if (race_goes_on(lane, CALL_OK, now) || again_tries(lane, CALL_OK, now)) {
        call->events->on_turn(call, now);
        return;
    }
    race_win(lane, now);
    call->entry->status = status;
    if (!call->events->is_usable(call, status, now)) {
        call->is_announced = true;
        call_cancel(call, CALL_STATUS, now);
        call->events->on_end(call, now);
    } else if (!(keeps_body(call) && status < 300) && call->held_max == 0) {
        announce(call, now);
    }
}

static void on_kept(struct call *call, struct instant now)
{
    enum call_outcome outcome = keep_more(call);

    if (outcome == CALL_OK) {
        attempt_resume(&call->lane->attempt);
        return;
    }
    call_cancel(call, outcome, now);
    call->events->on_end(call, now);
}

/* Until there is more of it than is held back, or than can be. */
static void on_held(struct call *call, struct instant now)
{
    chain_move(&call->kept, &call->lane->attempt.body, call->place.pool);
    if (call->kept.count > call->held_max || !pool_allows(call->place.pool, call->kept.count))
        announce(call, now);
    else
        attempt_resume(&call->lane->attempt);
}

static void on_body(void *owner, struct instant now)
{
    struct call *call = ((struct lane *)owner)->call;

    if (comes_late(call, now))
        return;
    if (call->is_announced)
        call->events->on_body(call, now);
    else if (keeps_body(call))
        on_kept(call, now);
    else
        on_held(call, now);
}

static void on_room(void *owner, struct instant now)
{
    struct lane *lane = owner;
    struct call *call = lane->call;

    if (call->whole.at) {
        lane_feed(lane);
        return;
    }
    uint64_t before = call->room_told;
    if (lane->attempt.went_up <= before)
        return; /* sent once more: the client was given room for it before */
    call->room_told = lane->attempt.went_up;
    call->events->on_room(call, (size_t)(call->room_told - before), now);
}

static void on_end(void *owner, enum call_outcome outcome, struct instant now)
{
    struct lane *lane = owner;
    struct call *call = lane->call;

    if (outcome == CALL_OK && comes_late(call, now))
        return;
    if (outcome == CALL_OK && keeps_body(call))
        outcome = keep_end(call);
    if ((outcome == CALL_REFUSED && lane_try_next_address(lane, now)) ||
        (outcome != CALL_OK &&
         (race_goes_on(lane, outcome, now) || again_tries(lane, outcome, now)))) {
        call->events->on_turn(call, now);
        return;
    }
    if (outcome == CALL_OK) {
        call->is_announced = true;
        if (!keeps_body(call)) /* what was held back, all of it */
            chain_move(&call->lane->attempt.body, &call->kept, call->place.pool);
        if (call->is_refusal)
            outcome = CALL_STATUS;
    }
    end(call, outcome, now);
    call->events->on_end(call, now);
}

const struct attempt_events call_attempt_events = {on_head, on_body, on_room, on_end};

/* ---- asked by the exchange -------------------------------------------------------------------- */

struct instant call_due(const struct call *call)
{
    struct instant due;

    switch (call->stage) {
    case CALL_STAGE_QUEUE:
        return call->waiter.due;
    case CALL_STAGE_PAUSE:
        return instant_min(call->again_at, ledger_due(call->entry));
    case CALL_STAGE_TRY:
        if (call->is_excused)
            return INSTANT_NEVER;
        due = instant_min(lane_due(&call->first), call->hedge_at);
        return call->second ? instant_min(due, lane_due(call->second)) : due;
    case CALL_STAGE_NEW:
    case CALL_STAGE_OVER:
        break;
    }
    return INSTANT_NEVER;
}

/* The time of an attempt is over. */
static void expire_lane(struct lane *lane, struct instant now)
{
    enum call_outcome outcome = lane_lateness(lane);

    if (outcome == CALL_CONNECT_TIMEOUT && lane_try_next_address(lane, now))
        return;
    if (lane->attempt.response.progress != RESPONSE_DONE)
        lane_note_time(lane, now);
    lane_drain(lane, now);
    if (!race_goes_on(lane, outcome, now) && !again_tries(lane, outcome, now))
        call_cancel(lane->call, outcome, now);
}

static void expire_attempts(struct call *call, struct instant now)
{
    if (instant_reached(call->hedge_at, now))
        race_begin(call, now);
    if (instant_reached(lane_due(&call->first), now))
        expire_lane(&call->first, now);
    if (call->stage == CALL_STAGE_TRY && call->second &&
        instant_reached(lane_due(call->second), now))
        expire_lane(call->second, now);
}

void call_expire(struct call *call, struct instant now)
{
    bool is_named = upstream_is_named(call->upstream);

    switch (call->stage) {
    case CALL_STAGE_QUEUE:
        call_cancel(call, is_named ? CALL_QUEUED_OUT : CALL_DNS_TIMEOUT, now);
        break;
    case CALL_STAGE_PAUSE:
        if (!again_fits(call, now))
            again_give_up(call, now);
        else
            (void)enter(call, now);
        break;
    case CALL_STAGE_TRY:
        expire_attempts(call, now);
        break;
    case CALL_STAGE_NEW:
    case CALL_STAGE_OVER:
        break;
    }
}

void call_cancel(struct call *call, enum call_outcome outcome, struct instant now)
{
    bool is_under_way = call->stage != CALL_STAGE_NEW && call->stage != CALL_STAGE_OVER;

    attempt_cancel(&call->first.attempt);
    if (call->second)
        attempt_cancel(&call->second->attempt);
    chain_clear(&call->kept, call->place.pool);
    if (is_under_way)
        end(call, outcome, now);
    else
        replay_finish(&call->replay, call->place.pool);
}

void call_excuse(struct call *call)
{
    call->is_excused = true;
}

void call_upload(struct call *call, const char *bytes, size_t count)
{
    replay_note(&call->replay, call->place.pool, bytes, count);
    attempt_upload(&call->lane->attempt, bytes, count);
}

void call_upload_end(struct call *call)
{
    call->is_upload_whole = true;
    attempt_upload_end(&call->lane->attempt);
}

const struct response *call_response(const struct call *call)
{
    return &call->lane->attempt.response;
}

bool call_has_brought_all(const struct call *call)
{
    const struct attempt *attempt = &call->lane->attempt;
    const struct response *response = &attempt->response;

    if (!response_has_body(response->status, attempt->order->kind == HANDLE_HEAD))
        return true;
    return !response->is_chunked && response->length != LENGTH_UNKNOWN &&
           attempt->received >= (uint64_t)response->length;
}

struct chain *call_body(struct call *call)
{
    return &call->lane->attempt.body;
}

void call_resume(struct call *call)
{
    attempt_resume(&call->lane->attempt);
}

bool call_has_head(const struct call *call)
{
    return call->is_announced;
}

bool call_has_more(const struct call *call)
{
    return attempt_brings_more(&call->lane->attempt);
}
