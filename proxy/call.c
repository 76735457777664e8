#include "proxy/call.h"

#include <assert.h>
#include <stddef.h>

static const struct attempt_events attempt_events;

void call_init(struct call *call, const struct attempt_place *place, struct upstream *upstream,
               const struct conf_call *conf)
{
    struct attempt_place mine = *place;

    mine.handles = upstream_handles(upstream);
    call->conf = conf;
    call->upstream = upstream;
    call->stage = CALL_STAGE_NEW;
    call->waiter.is_waiting = false;
    call->connect_by = INSTANT_NEVER;
    call->is_upload_whole = false;
    call->is_refusal = false;
    call->is_excused = false;
    call->addresses_tried = 0;
    attempt_init(&call->attempt, &mine, &attempt_events, call);
}

/* ---- the wait for a place --------------------------------------------------------------------- */

static void begin_attempt(struct call *call, struct instant now)
{
    const char *address = upstream_address(call->upstream, &call->generation);

    call->stage = CALL_STAGE_TRY;
    call->addresses_tried++;
    call->connect_by = instant_after(now, upstream_conf(call->upstream)->connect);
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

bool call_start(struct call *call, const struct attempt_order *order, struct instant start_by,
                struct instant now)
{
    const struct conf_upstream *upstream = upstream_conf(call->upstream);

    call->order = *order;
    call->order.tells = upstream->tells;
    call->order.tells_count = upstream->tells_count;
    call->order.due = ledger_due(call->entry);
    call->start_by = start_by;
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
    case ADMISSION_NO_NAME:
        break;
    }
    end(call, CALL_DNS_ERROR, now);
    return false;
}

/* ---- the attempt tells ------------------------------------------------------------------------ */

static void on_head(void *owner, struct instant now)
{
    struct call *call = owner;

    call->entry->status = call->attempt.response.status;
    call->events->on_head(call, now);
}

static void on_body(void *owner, struct instant now)
{
    struct call *call = owner;

    call->events->on_body(call, now);
}

static void on_room(void *owner, size_t count, struct instant now)
{
    struct call *call = owner;

    call->events->on_room(call, count, now);
}

/* Could not connect: nothing was sent, so another address of the upstream does as well, if there is
 * one that was not tried and time for it. */
static bool try_next_address(struct call *call, struct instant now)
{
    upstream_avoid(call->upstream, call->generation);
    if (attempt_is_sent(&call->attempt) ||
        call->addresses_tried >= upstream_addresses(call->upstream) ||
        instant_reached(ledger_due(call->entry), now))
        return false;
    attempt_rewind(&call->attempt);
    begin_attempt(call, now);
    return true;
}

static void on_end(void *owner, enum call_outcome outcome, struct instant now)
{
    struct call *call = owner;

    if (outcome == CALL_REFUSED && try_next_address(call, now)) {
        call->events->on_turn(call, now);
        return;
    }
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
    if (call->stage == CALL_STAGE_QUEUE)
        return call->waiter.due;
    if (call->stage != CALL_STAGE_TRY || call->is_excused)
        return INSTANT_NEVER;
    struct instant due = ledger_due(call->entry);
    return is_connecting(call) ? instant_min(due, call->connect_by) : due;
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

    if (outcome == CALL_CONNECT_TIMEOUT && try_next_address(call, now))
        return;
    call_cancel(call, outcome, now);
}

void call_cancel(struct call *call, enum call_outcome outcome, struct instant now)
{
    bool is_under_way = call->stage == CALL_STAGE_QUEUE || call->stage == CALL_STAGE_TRY;

    attempt_cancel(&call->attempt);
    if (is_under_way)
        end(call, outcome, now);
}

void call_excuse(struct call *call)
{
    call->is_excused = true;
}

void call_upload(struct call *call, const char *bytes, size_t count)
{
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
    return call->attempt.response.progress == RESPONSE_DONE;
}

bool call_has_more(const struct call *call)
{
    return call->attempt.news != 0;
}
