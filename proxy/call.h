/* One call of a request's plan: its wait for a place, its attempt, its grant. The clock of its
 * grant is the exchange's; a call is told when it is over. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "budget/ledger.h"
#include "budget/span.h"
#include "conf/conf.h"
#include "proxy/attempt.h"
#include "proxy/upstream.h"

struct call;

/* Heard in this order, never from within call_start, call_expire or call_cancel. Each may end any
 * call. */
struct call_events {
    void (*on_turn)(struct call *call, struct instant now); /* its wait for a place is over */
    void (*on_head)(struct call *call, struct instant now); /* call_response is complete */
    void (*on_body)(struct call *call, struct instant now); /* more in call_body */
    void (*on_room)(struct call *call, size_t count, struct instant now); /* of the upload */
    /* Once, last, unless it was cancelled or expired: the ledger says how. */
    void (*on_end)(struct call *call, struct instant now);
};

enum call_stage {
    CALL_STAGE_NEW,
    CALL_STAGE_QUEUE, /* waits for a name or a place */
    CALL_STAGE_TRY,   /* an attempt is under way */
    CALL_STAGE_OVER,
};

struct call {
    const struct conf_call *conf;     /* borrowed */
    struct upstream *upstream;        /* borrowed */
    struct ledger_entry *entry;       /* borrowed */
    const struct call_events *events; /* borrowed */
    void *owner;                      /* borrowed */
    enum call_stage stage;
    struct waiter waiter;
    struct attempt attempt;
    struct attempt_order order;
    unsigned generation; /* of the address tried */
    size_t addresses_tried;
    struct instant start_by;   /* later than this it is not started: its min would not be left */
    struct instant connect_by; /* while no connection is there */
    bool is_upload_whole;      /* the client has sent all of the body */
    bool is_excused;           /* call_excuse */
    bool is_refusal; /* its response ends the request: CALL_STATUS, however well it ends */
};

/* place->handles is filled in by the call. conf, entry, events and owner must outlive it. */
void call_init(struct call *call, const struct attempt_place *place, struct upstream *upstream,
               const struct conf_call *conf);

/* Starts a call that the ledger has running; waits for a place until start_by. order: as for attempt_start, copied; tells and due are
 * filled in. False: it ended at once, which is in the ledger; no event will come. */
CHECKED bool call_start(struct call *call, const struct attempt_order *order,
                        struct instant start_by, struct instant now);

/* Its time is over: ends it, with an outcome that says what it was waiting for. When only the time
 * to connect is over, it goes on with the next address of the upstream, if there is one. */
void call_expire(struct call *call, struct instant now);

/* Nobody waits for it any more: the connection closes now. Fine when it is over. */
void call_cancel(struct call *call, enum call_outcome outcome, struct instant now);

/* When call_expire is due: the end of its grant, or of the time it has to connect. Never, when it
 * is not under way. */
struct instant call_due(const struct call *call);

/* From now on the end of its grant does not end it: it has brought what it could, and waits for
 * those who take it. */
void call_excuse(struct call *call);

/* Body for the upstream. */
void call_upload(struct call *call, const char *bytes, size_t count);
void call_upload_end(struct call *call);

const struct response *call_response(const struct call *call);

/* What has come of its body and was not taken. When some was: call_resume. */
struct chain *call_body(struct call *call);
void call_resume(struct call *call);

/* Has the response's head come? */
bool call_has_head(const struct call *call);

/* Will another event follow in this turn? */
bool call_has_more(const struct call *call);
