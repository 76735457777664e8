#include "proxy/lane.h"

#include "budget/whose.h"
#include "proxy/call.h"
#include "proxy/drain.h"
#include "proxy/trace_notes.h"
#include "proxy/upstream.h"

/* All that has come of a streamed body until now is for this attempt too. */
void lane_init(struct lane *lane, struct call *call)
{
    *lane = (struct lane){.call = call, .connect_by = INSTANT_NEVER};
    attempt_init(&lane->attempt, &call->place, &call_attempt_events, lane);
    if (call->replay.copy.count > 0)
        replay_copy(&call->replay, call->place.pool, &lane->attempt.upload);
    lane->attempt.is_upload_ended = call->is_upload_whole;
}

/* ---- the body --------------------------------------------------------------------------------- */

void lane_feed(struct lane *lane)
{
    struct text whole = lane->call->whole;

    while (lane->fed < whole.count && lane->attempt.upload.count < ATTEMPT_WINDOW) {
        size_t step = whole.count - lane->fed;
        if (step > ATTEMPT_WINDOW)
            step = ATTEMPT_WINDOW;
        attempt_upload(&lane->attempt, whole.at + lane->fed, step);
        lane->fed += step;
    }
    if (lane->fed == whole.count)
        attempt_upload_end(&lane->attempt);
}

/* ---- its span ----------------------------------------------------------------------------------- */

static void note_end(struct lane *lane, enum call_outcome outcome, struct instant now)
{
    const struct response *response = &lane->attempt.response;
    int status = response->progress == RESPONSE_DONE ? response->status : 0;

    if (lane->attempt.note)
        trace_notes_end(lane->attempt.note, outcome, status, now);
}

/* ---- its start -------------------------------------------------------------------------------- */

static void begin(struct lane *lane, struct instant now)
{
    struct call *call = lane->call;
    struct attempt_way way = {.address = upstream_address(call->upstream, &lane->generation)};

    way.generation = lane->generation;
    way.due = retry_attempt_due(&call->retry, now);
    lane->since = now;
    lane->due = way.due;
    lane->connect_by = instant_after(now, upstream_conf(call->upstream)->connect);
    lane->addresses_tried++;
    call->entry->attempts++;
    if (call->place.notes)
        lane->attempt.note = trace_notes_begin(call->place.notes, lane, way.address);
    attempt_start(&lane->attempt, &call->order, &way);
}

void lane_start(struct lane *lane, struct instant now)
{
    lane->has_place = true;
    if (lane->call->whole.at)
        lane_feed(lane);
    begin(lane, now);
}

bool lane_try_next_address(struct lane *lane, struct instant now)
{
    struct upstream *upstream = lane->call->upstream;

    upstream_avoid(upstream, lane->generation);
    if (attempt_is_sent(&lane->attempt) || lane->addresses_tried >= upstream_addresses(upstream) ||
        instant_reached(lane->due, now))
        return false;
    /* One that has no handle any more was refused; else it has waited long enough for this address. */
    note_end(lane, lane->attempt.handle ? CALL_CONNECT_TIMEOUT : CALL_REFUSED, now);
    attempt_rewind(&lane->attempt);
    begin(lane, now);
    return true;
}

/* ---- its end ---------------------------------------------------------------------------------- */

void lane_leave(struct lane *lane, struct instant now)
{
    const struct call *call = lane->call;

    if (!lane->has_place)
        return;
    note_end(lane, lane == call->lane ? call->entry->outcome : CALL_CANCELLED, now);
    lane->has_place = false;
    if (lane->attempt.sends > 1) /* by libcurl itself, on a kept connection that was dead */
        lane->call->entry->attempts += lane->attempt.sends - 1;
    upstream_leave(lane->call->upstream, now);
}

struct lane *lane_rival(const struct lane *lane)
{
    struct call *call = lane->call;
    struct lane *other = lane == &call->first ? call->second : &call->first;

    return other && other->has_place ? other : NULL;
}

/* Of two that race, the last tells how late the call was: it counts once. */
void lane_drain(struct lane *lane, struct instant now)
{
    struct call *call = lane->call;
    struct instant due = ledger_due(call->entry);
    struct histogram *late = lane_rival(lane) ? NULL : &call->metrics->late;

    if (!instant_reached(due, now))
        return;
    if (span_covers(span_since(due, now), span_ms(WHOSE_LATE_MS)))
        call->entry->came_late |= attempt_has_unread(&lane->attempt);
    drains_take(upstream_drains(call->upstream), &lane->attempt, due, late);
}

void lane_drop(struct lane *lane, enum call_outcome outcome, struct instant now)
{
    note_end(lane, outcome, now);
    attempt_cancel(&lane->attempt);
    lane_leave(lane, now);
}

/* ---- its time --------------------------------------------------------------------------------- */

static bool is_connecting(const struct lane *lane)
{
    return !attempt_is_sent(&lane->attempt);
}

struct instant lane_due(const struct lane *lane)
{
    if (!lane->has_place)
        return INSTANT_NEVER;
    return is_connecting(lane) ? instant_min(lane->due, lane->connect_by) : lane->due;
}

enum call_outcome lane_lateness(const struct lane *lane)
{
    const struct call *call = lane->call;
    bool is_upload = call->order.kind == HANDLE_UPLOAD && !call->whole.at && !call->is_upload_whole;

    if (is_connecting(lane))
        return CALL_CONNECT_TIMEOUT;
    if (is_upload && !call->is_announced && lane->attempt.upload.count == 0)
        return CALL_UPLOAD_OUT;
    return CALL_TIMEOUT;
}

void lane_note_time(const struct lane *lane, struct instant now)
{
    const struct conf_upstream *upstream = upstream_conf(lane->call->upstream);

    if (upstream->is_measured)
        lately_note(upstream_lately(lane->call->upstream), span_since(lane->since, now));
}
