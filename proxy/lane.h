/* One attempt of a call that is under way, with all that it holds: its place at the upstream, its
 * time, the address that it tries, and how much of the body it was given. A call has one, and a
 * second while a hedge races the first. Part of the call: nobody else uses it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "budget/ledger.h"
#include "budget/span.h"
#include "proxy/attempt.h"

struct call;

struct lane {
    struct call *call; /* borrowed */
    struct attempt attempt;
    struct instant since;      /* when its attempt began */
    struct instant due;        /* when it is over */
    struct instant connect_by; /* while no connection is there */
    unsigned generation;       /* of the address tried */
    size_t addresses_tried;
    size_t fed;     /* of call->whole, to the attempt */
    bool has_place; /* at the upstream: it is under way */
};

void lane_init(struct lane *lane, struct call *call);

/* Starts its attempt in a place that was taken for it. */
void lane_start(struct lane *lane, struct instant now);

/* It could not connect: nothing was sent, so another address of the upstream does as well. False:
 * there is none that was not tried, or no time for it. */
CHECKED bool lane_try_next_address(struct lane *lane, struct instant now);

/* Gives back the place; the call has ended. Fine when there is none. */
void lane_leave(struct lane *lane, struct instant now);

/* The same while the call goes on: closes the connection and drops what has come. outcome: how the
 * attempt has ended. */
void lane_drop(struct lane *lane, enum call_outcome outcome, struct instant now);

/* Its time is over. If that is the end of the call's grant, what it would still bring is read
 * without it, if the upstream drains (drain.h); and where this is noticed late, the ledger is told
 * whether something has come by then. */
void lane_drain(struct lane *lane, struct instant now);

/* The other lane of its call, if that is under way; NULL: it is not. */
struct lane *lane_rival(const struct lane *lane);

/* Gives the attempt more of call->whole, as much as may wait there. */
void lane_feed(struct lane *lane);

/* When its time is over. Never, when it is not under way. */
struct instant lane_due(const struct lane *lane);

/* What was it waiting for when its time was over? */
enum call_outcome lane_lateness(const struct lane *lane);

/* Notes how long the upstream has taken, or was given in vain. */
void lane_note_time(const struct lane *lane, struct instant now);
