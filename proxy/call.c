#include "proxy/call.h"

#include <assert.h>
#include <stddef.h>

#include "conf/json.h"
#include "proxy/clock.h"
#include "proxy/headers.h"
#include "proxy/retry_after.h"
#include "proxy/trace.h"

static const struct attempt_events attempt_events;

void call_init(struct call *call, const struct attempt_place *place, struct upstream *upstream,
               const struct conf_call *conf)
{
    *call = (struct call){
        .conf = conf,
        .upstream = upstream,
        .place = *place,
        .stage = CALL_STAGE_NEW,
        .kept = CHAIN_EMPTY,
        .connect_by = INSTANT_NEVER,
    };
    call->place.handles = upstream_handles(upstream);
    replay_init(&call->replay, conf->retry.retries > 0);
    attempt_init(&call->attempt, &call->place, &attempt_events, call);
}

/* ---- the way to an attempt -------------------------------------------------------------------- */

static void begin_attempt(struct call *call, struct instant now)
{
    const char *address = upstream_address(call->upstream, &call->generation);

    call->stage = CALL_STAGE_TRY;
    call->addresses_tried++;
    call->connect_by = instant_after(now, upstream_conf(call->upstream)->connect);
    call->attempt_by = retry_attempt_due(&call->retry, now);
    call->order.due = call->attempt_by;
    call->entry->attempts++;
    attempt_start(&call->attempt, &call->order, address, call->generation);
}

/* The only way to the end: gives back whatever is held, and writes the ledger. */
static void end(struct call *call, enum call_outcome outcome, struct instant now)
{
    bool had_place = call->stage == CALL_STAGE_TRY;

    assert(call->stage != CALL_STAGE_OVER);
    call->stage = CALL_STAGE_OVER;
    if (call->attempt.sends > 1)
        call->entry->attempts += call->attempt.sends - 1;
    ledger_end(call->entry, outcome, now);
    counter_add(&upstream_metrics_of(call->upstream)->calls[outcome], 1);
    upstream_forget(call->upstream, &call->waiter);
    replay_finish(&call->replay, call->place.pool);
    if (had_place)
        upstream_leave(call->upstream, now);
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

/* False: the upstream has no name, and the call is over. */
static bool enter(struct call *call, struct instant now)
{
    call->waiter.on_turn = on_turn;
    call->waiter.since = now;
    call->waiter.due = call->start_by;
    call->addresses_tried = 0;
    switch (upstream_enter(call->upstream, &call->waiter)) {
    case ADMISSION_GRANTED:
        begin_attempt(call, now);
        return true;
    case ADMISSION_WAITING:
        call->stage = CALL_STAGE_QUEUE;
        return true;
    case ADMISSION_NO_NAME:
        break;
    }
    end(call, CALL_DNS_ERROR, now);
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
        .policy = &call->conf->retry,
        .allowance = upstream_retries(call->upstream),
        .by = ledger_due(call->entry),
        .safe = order->is_idempotent,
    };
    allowance_earn(call->retry.allowance);
    return enter(call, now);
}

void call_fail(struct call *call, enum call_outcome outcome, struct instant now)
{
    end(call, outcome, now);
}

/* ---- once more -------------------------------------------------------------------------------- */

/* Could not connect: nothing was sent, so another address of the upstream does as well, if there is
 * one that was not tried and time for it. */
static bool try_next_address(struct call *call, struct instant now)
{
    upstream_avoid(call->upstream, call->generation);
    if (attempt_is_sent(&call->attempt) ||
        call->addresses_tried >= upstream_addresses(call->upstream) ||
        instant_reached(call->attempt_by, now))
        return false;
    attempt_rewind(&call->attempt);
    begin_attempt(call, now);
    return true;
}

static struct span retry_after(const struct call *call)
{
    const struct response *response = &call->attempt.response;
    const struct header *header =
        header_find(response->headers, response->headers_count, TEXT("retry-after"));

    return header ? retry_after_read(header->value, clock_realtime_ms()) : SPAN_NONE;
}

/* Takes the call back to before its attempt. The place is given back: others may use the wait. */
static void pause_until(struct call *call, struct instant again_at, struct instant now)
{
    unsigned resends = call->attempt.sends > 1 ? call->attempt.sends - 1 : 0;

    call->entry->attempts += resends;
    attempt_cancel(&call->attempt);
    chain_clear(&call->kept, call->place.pool);
    call->body = (struct text){.at = NULL};
    attempt_init(&call->attempt, &call->place, &attempt_events, call);
    replay_copy(&call->replay, call->place.pool, &call->attempt.upload);
    call->attempt.is_upload_ended = call->is_upload_whole;
    call->went_up = 0;
    call->entry->status = 0;
    call->stage = CALL_STAGE_PAUSE;
    call->again_at = again_at;
    upstream_leave(call->upstream, now);
}

/* An attempt has ended so, or its answer begins with status. True: there will be another. */
static bool tries_again(struct call *call, enum call_outcome outcome, struct instant now)
{
    struct upstream_metrics *metrics = upstream_metrics_of(call->upstream);
    struct attempt_result result = {
        .outcome = outcome,
        .status = call->attempt.response.status,
        .ran_out = call->attempt.response.status == 504,
        .told_all = call->order.tells_count > 0 && call->attempt_by.ns == call->retry.by.ns,
    };

    if (call->conf->retry.retries == 0 || call->is_announced || call->stage != CALL_STAGE_TRY)
        return false;
    if (outcome == CALL_OK)
        result.retry_after = retry_after(call);
    call->retry.replayable = replay_is_possible(&call->replay);
    struct retry_decision decision =
        retry_decide(&call->retry, &result, trace_random(call->random), now);
    if (decision.verdict != RETRY_AFTER) {
        if (decision.verdict != RETRY_NO_CONDITION)
            counter_add(&metrics->retries_refused[decision.verdict], 1);
        return false;
    }
    counter_add(&metrics->retries, 1);
    pause_until(call, instant_after(now, decision.delay), now);
    return true;
}

/* The wait is over. False: it came to nothing. */
static bool go_on(struct call *call, struct instant now)
{
    return retry_attempt_fits(&call->retry, now) && enter(call, now);
}

/* ---- the attempt tells ------------------------------------------------------------------------ */

/* Is the body wanted by a later call or the merge, and not by the client as it comes? Then nobody
 * hears of the response before it is complete, and until then it may be asked for again. */
static bool keeps_body(const struct call *call)
{
    return call->conf->is_read && !call->is_refusal;
}

static void on_head(void *owner, struct instant now)
{
    struct call *call = owner;

    if (tries_again(call, CALL_OK, now)) {
        call->events->on_turn(call, now);
        return;
    }
    call->entry->status = call->attempt.response.status;
    if (keeps_body(call) && call->entry->status < 300)
        return;
    call->is_announced = true;
    call->events->on_head(call, now);
}

static void on_body(void *owner, struct instant now)
{
    struct call *call = owner;

    if (!keeps_body(call)) {
        call->events->on_body(call, now);
        return;
    }
    chain_move(&call->kept, &call->attempt.body);
    if (call->kept.count <= call->conf->body_max) {
        attempt_resume(&call->attempt);
        return;
    }
    call_cancel(call, CALL_TOO_LARGE, now);
    call->events->on_end(call, now);
}

static void on_room(void *owner, size_t count, struct instant now)
{
    struct call *call = owner;

    call->went_up += count;
    if (call->went_up <= call->room_told)
        return; /* sent once more: the client was given room for it before */
    count = call->went_up - call->room_told;
    call->room_told = call->went_up;
    call->events->on_room(call, count, now);
}

/* The body is complete: as one text, and checked. */
static enum call_outcome take_body(struct call *call)
{
    size_t count;
    char *bytes;

    chain_move(&call->kept, &call->attempt.body);
    count = call->kept.count;
    if (count > call->conf->body_max)
        return CALL_TOO_LARGE;
    bytes = arena_take(call->place.arena, count + 1);
    chain_take(&call->kept, call->place.pool, bytes, count);
    bytes[count] = '\0';
    call->body = (struct text){.at = bytes, .count = count};
    struct text rest = call->body;
    struct text value;
    call->has_json = json_take_value(&rest, &value) && rest.count == 0;
    if (call->has_json)
        call->body = value; /* without the blanks around it: it is not looked through again */
    return call->is_json && !call->has_json ? CALL_INVALID : CALL_OK;
}

static void on_end(void *owner, enum call_outcome outcome, struct instant now)
{
    struct call *call = owner;

    if (outcome == CALL_OK && keeps_body(call))
        outcome = take_body(call);
    if ((outcome == CALL_REFUSED && try_next_address(call, now)) ||
        (outcome != CALL_OK && tries_again(call, outcome, now))) {
        call->events->on_turn(call, now);
        return;
    }
    call->is_announced = call->is_announced || outcome == CALL_OK;
    if (outcome == CALL_OK && call->is_refusal)
        outcome = CALL_STATUS;
    end(call, outcome, now);
    call->events->on_end(call, now);
}

static const struct attempt_events attempt_events = {on_head, on_body, on_room, on_end};

/* ---- asked by the exchange -------------------------------------------------------------------- */

static bool is_connecting(const struct call *call)
{
    return call->stage == CALL_STAGE_TRY && !attempt_is_sent(&call->attempt);
}

struct instant call_due(const struct call *call)
{
    switch (call->stage) {
    case CALL_STAGE_QUEUE:
        return call->waiter.due;
    case CALL_STAGE_PAUSE:
        return instant_min(call->again_at, ledger_due(call->entry));
    case CALL_STAGE_TRY:
        if (call->is_excused)
            return INSTANT_NEVER;
        return is_connecting(call) ? instant_min(call->attempt_by, call->connect_by)
                                   : call->attempt_by;
    case CALL_STAGE_NEW:
    case CALL_STAGE_OVER:
        break;
    }
    return INSTANT_NEVER;
}

/* What was it waiting for when its time was over? */
static enum call_outcome lateness(const struct call *call)
{
    bool is_upload = call->order.kind == HANDLE_UPLOAD && !call->is_upload_whole;

    if (call->stage == CALL_STAGE_QUEUE)
        return upstream_is_named(call->upstream) ? CALL_QUEUED_OUT : CALL_DNS_TIMEOUT;
    if (is_connecting(call))
        return CALL_CONNECT_TIMEOUT;
    if (is_upload && !call_has_head(call) && call->attempt.upload.count == 0)
        return CALL_UPLOAD_OUT;
    return CALL_TIMEOUT;
}

void call_expire(struct call *call, struct instant now)
{
    enum call_outcome outcome = lateness(call);

    if (call->stage == CALL_STAGE_PAUSE && go_on(call, now))
        return;
    if (outcome == CALL_CONNECT_TIMEOUT && try_next_address(call, now))
        return;
    if (call->stage == CALL_STAGE_TRY && tries_again(call, outcome, now))
        return;
    call_cancel(call, outcome, now);
}

void call_cancel(struct call *call, enum call_outcome outcome, struct instant now)
{
    bool is_under_way = call->stage != CALL_STAGE_NEW && call->stage != CALL_STAGE_OVER;

    attempt_cancel(&call->attempt);
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
    attempt_upload(&call->attempt, bytes, count);
}

void call_upload_end(struct call *call)
{
    call->is_upload_whole = true;
    attempt_upload_end(&call->attempt);
}

const struct response *call_response(const struct call *call)
{
    return &call->attempt.response;
}

struct chain *call_body(struct call *call)
{
    return &call->attempt.body;
}

void call_resume(struct call *call)
{
    attempt_resume(&call->attempt);
}

bool call_has_head(const struct call *call)
{
    return call->is_announced;
}

bool call_has_more(const struct call *call)
{
    return call->attempt.news != 0;
}
