/* One call of a request's plan: its wait for a place, its attempts, its grant. The clock of its
 * grant is the exchange's; a call is told when it is over. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "budget/hedge.h"
#include "budget/ledger.h"
#include "budget/retry.h"
#include "budget/span.h"
#include "conf/conf.h"
#include "conf/json_check.h"
#include "proxy/attempt.h"
#include "proxy/lane.h"
#include "proxy/replay.h"
#include "proxy/upstream.h"

struct call;

/* Heard in this order, never from within call_start, call_expire or call_cancel. Each but the
 * question may end any call. */
struct call_events {
    void (*on_turn)(struct call *call, struct instant now); /* call_due has changed */
    /* A question: may a response with this status be used? No: the call ends, as CALL_STATUS. */
    bool (*is_usable)(const struct call *call, int status, struct instant now);
    void (*on_head)(struct call *call, struct instant now); /* call_response is complete */
    void (*on_body)(struct call *call, struct instant now); /* more in call_body */
    void (*on_room)(struct call *call, size_t count, struct instant now); /* of the upload */
    /* Once, last, unless it was cancelled or expired: the ledger says how. */
    void (*on_end)(struct call *call, struct instant now);
};

enum call_stage {
    CALL_STAGE_NEW,
    CALL_STAGE_QUEUE, /* waits for a name or a place */
    CALL_STAGE_TRY,   /* an attempt is under way, or two */
    CALL_STAGE_PAUSE, /* between two attempts */
    CALL_STAGE_OVER,
};

/* How an attempt ended that another one is to follow: so the call ends if there is no time for that. */
struct attempt_end {
    enum call_outcome outcome;
    enum response_fault fault;
    unsigned sends;
    int status;
};

struct call {
    const struct conf_call *conf;     /* borrowed */
    struct upstream *upstream;        /* borrowed */
    struct ledger_entry *entry;       /* borrowed */
    const struct call_events *events; /* borrowed */
    struct call_metrics *metrics;     /* borrowed */
    void *owner;                      /* borrowed */
    struct attempt_place place;
    enum call_stage stage;
    struct waiter waiter;
    struct lane first;
    struct lane *second; /* in the arena: races the first; NULL: none has */
    struct lane *lane;   /* whose response counts: the winner, and until there is one, the first */
    struct attempt_order order;
    struct retry_policy policy; /* of retry */
    struct retry retry;
    struct hedge hedge;
    struct instant hedge_at; /* when a second attempt begins to race; never, if none does */
    struct text whole;       /* the body that goes up; at NULL: it is streamed */
    struct replay replay;    /* of what was streamed */
    uint64_t room_told; /* the most of it that went up in any attempt: on_room has told of it */
    size_t held_max;    /* of the response's body: held back before on_head */
    struct chain kept;  /* what is held back, or kept for a later call or the merge */
    struct json_check check; /* of what is kept */
    struct text body;        /* what was kept, as one text in the exchange's arena, when a template
                                looks into it; at NULL: kept has it, or there is none */
    struct instant start_by; /* later than this it is not started: its min would not be left */
    struct instant again_at; /* CALL_STAGE_PAUSE: the next attempt */
    bool is_upload_whole;    /* the client has sent all of the body */
    bool is_announced;       /* on_head was told: it is not tried again */
    bool is_relayed;         /* the client has a part of it */
    bool is_json;            /* its body must be JSON */
    bool has_json;           /* and is */
    bool is_excused;         /* call_excuse */
    bool is_refusal;         /* its response ends the request: CALL_STATUS, however well it ends */
    struct attempt_end failed; /* CALL_STAGE_PAUSE: how its last attempt ended */
};

/* place->handles is filled in by the call. conf, entry, events, metrics and owner, which the caller
 * sets, must outlive it. */
void call_init(struct call *call, const struct attempt_place *place, struct upstream *upstream,
               const struct conf_call *conf);

/* Starts a call that the ledger has running; waits for a place until start_by. order: as for
 * attempt_start, copied; tells are filled in. False: it ended at once, which is in the ledger; no
 * event will come. */
CHECKED bool call_start(struct call *call, const struct attempt_order *order,
                        struct instant start_by, struct instant now);

/* Ends a call that could not even be put together. */
void call_fail(struct call *call, enum call_outcome outcome, struct instant now);

/* What is due at call_due is done: a hedge, the next attempt, the next address, or the end, with an
 * outcome that says what it was waiting for. */
void call_expire(struct call *call, struct instant now);

/* Nobody waits for it any more: the connection closes now, and what it has brought is dropped. Fine
 * when it is over. */
void call_cancel(struct call *call, enum call_outcome outcome, struct instant now);

/* When call_expire is due. Never, when it is not under way. */
struct instant call_due(const struct call *call);

/* From now on the end of its grant does not end it: it has brought what it could, and waits for
 * those who take it. */
void call_excuse(struct call *call);

/* Body for the upstream, when it is streamed. */
void call_upload(struct call *call, const char *bytes, size_t count);
void call_upload_end(struct call *call);

const struct response *call_response(const struct call *call);

/* Is its response there, to the last byte that its head announces? False where that says nothing. */
bool call_has_brought_all(const struct call *call);

/* What has come of its body and was not taken. When some was: call_resume. */
struct chain *call_body(struct call *call);
void call_resume(struct call *call);

/* Has the response's head come, and will it stay? */
bool call_has_head(const struct call *call);

/* Will another event follow in this turn? */
bool call_has_more(const struct call *call);

/* For its lanes: where their attempts are heard. */
extern const struct attempt_events call_attempt_events;
