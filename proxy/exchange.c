/*
 * One client's request, from its arrival to its reply. Read downwards:
 *
 *   on_request            a request has come in: which route, which budget
 *     on_body             several calls get its body: first all of that
 *     take_next_step      ask the plan: start calls, wait, answer, or give up  <--+
 *       on_call_head      an upstream answers: the reply may begin                |
 *       on_call_body      its bytes pass through                                  |
 *       on_call_end       into the ledger; not the answer: again -----------------+
 *     end_reply           the reply is complete
 *   finish                count it, log it, free it: the only way out
 *
 * and from the side: on_body (the client's body goes up), on_deadline, on_gone.
 */
#include "proxy/exchange.h"

#include <assert.h>

#include "proxy/account.h"
#include "proxy/alarm.h"
#include "proxy/answer.h"
#include "proxy/arrival.h"
#include "proxy/calls.h"
#include "proxy/clock.h"
#include "proxy/problem.h"
#include "proxy/worker.h"

static void give_up(struct exchange *exchange, enum reason reason, int blamed, struct instant now);
static void take_next_step(struct exchange *exchange, struct instant now);
static void begin_reply(struct exchange *exchange, struct instant now);
static void continue_reply(struct exchange *exchange, struct instant now);
static void finish(struct exchange *exchange, struct instant now);
static void on_deadline(evutil_socket_t fd, short what, void *arg);
static const struct call_events call_events;

/* The only writer of phase. */
static void enter(struct exchange *exchange, enum phase next)
{
    assert(phase_may_follow(exchange->phase, next));
    exchange->phase = next;
}

/* ---- a request has come in -------------------------------------------------------------------- */

/* Answers with a problem of our own, and is done with it but for the sending. */
static void refuse(struct exchange *exchange, const char *allow, const char *detail,
                   struct instant now)
{
    enter(exchange, PHASE_SENDING);
    problem_reply(exchange, allow, detail, now);
    if (client_end(exchange->client, now))
        finish(exchange, now);
    else
        alarm_arm(exchange, now);
}

/* What the client sends cannot be taken, or does not come. */
static void refuse_body(struct exchange *exchange, const char *detail, struct instant now)
{
    exchange->ending = exchange->status == 503 ? ENDING_OVERLOAD : ENDING_REFUSED;
    refuse(exchange, NULL, detail, now);
}

/* No call is made before all of the body is there, and with too little time it is not waited for. */
static void gather(struct exchange *exchange, struct instant now)
{
    bool is_over = instant_reached(exchange->plan.hard, now);
    const char *refusal;

    if (instant_reached(plan_body_by(&exchange->plan), now)) {
        give_up(exchange, is_over ? REASON_ARRIVAL : REASON_INFEASIBLE, NO_CALL, now);
    } else if ((refusal = gather_begin(exchange))) {
        refuse_body(exchange, refusal, now);
    } else {
        enter(exchange, PHASE_GATHERING);
        alarm_arm(exchange, now);
    }
}

static void begin_calls(struct exchange *exchange, struct instant now)
{
    enter(exchange, PHASE_CALLING);
    take_next_step(exchange, now);
}

static void *on_request(void *arg, struct client *client, const struct request *request,
                        struct instant now)
{
    struct exchange *exchange = arrival_create(arg, client, request);
    const char *allow = NULL;
    const char *refusal;

    alarm_init(exchange, on_deadline);
    refusal = arrival_find_route(exchange, &allow);
    if (!refusal)
        refusal = arrival_open_plan(exchange, &call_events, now);
    if (refusal) {
        refuse(exchange, allow, refusal, now);
        return exchange;
    }
    if (gather_is_needed(exchange))
        gather(exchange, now);
    else
        begin_calls(exchange, now);
    return exchange;
}

/* ---- ask the plan ----------------------------------------------------------------------------- */

static void give_up(struct exchange *exchange, enum reason reason, int blamed, struct instant now)
{
    calls_cancel(exchange, NULL, now);
    exchange->reason = reason;
    exchange->blamed = blamed;
    problem_choose(exchange);
    refuse(exchange, NULL, NULL, now);
}

static void take_next_step(struct exchange *exchange, struct instant now)
{
    for (;;) {
        struct decision decision = plan_next(&exchange->plan, now);

        switch (decision.kind) {
        case DECIDE_CALL:
            calls_start(exchange, decision.step, now);
            continue;
        case DECIDE_WAIT:
            if (calls_allow_reply(exchange, now))
                begin_reply(exchange, now);
            else
                alarm_arm(exchange, now);
            return;
        case DECIDE_ANSWER:
            begin_reply(exchange, now);
            return;
        case DECIDE_GIVE_UP:
            give_up(exchange, decision.reason, decision.call, now);
            return;
        }
    }
}

/* ---- an upstream answers ---------------------------------------------------------------------- */

static void on_call_turn(struct call *call, struct instant now)
{
    alarm_arm(call->owner, now);
}

/* Anything but success from a call that is not the answer, a redirect too: nothing further makes
 * sense, and the client gets it as it is; unless the call is optional, then it leaves a gap. An error
 * of the upstream's own does neither where another call can stand in. */
static bool is_usable(const struct call *call, int status, struct instant now)
{
    const struct exchange *exchange = call->owner;
    size_t index = (size_t)(call - exchange->calls);

    if (status >= 500 && plan_can_fall_back(&exchange->plan, index, now))
        return false;
    return status < 300 || call == exchange->answer || calls_is_required(exchange, index);
}

static void on_call_head(struct call *call, struct instant now)
{
    struct exchange *exchange = call->owner;

    if (call != exchange->answer && call->entry->status >= 300) {
        calls_cancel(exchange, call, now);
        call->is_refusal = true;
        exchange->answer = call;
        begin_reply(exchange, now);
        return;
    }
    take_next_step(exchange, now);
}

static void begin_reply(struct exchange *exchange, struct instant now)
{
    enter(exchange, PHASE_REPLYING);
    answer_begin(exchange, now);
    continue_reply(exchange, now);
}

static void on_call_body(struct call *call, struct instant now)
{
    struct exchange *exchange = call->owner;

    if (call != exchange->answer) {
        chain_clear(call_body(call), &exchange->worker->pool);
        call_resume(call);
    } else if (exchange->phase == PHASE_REPLYING) {
        continue_reply(exchange, now);
    }
}

/* ---- the reply -------------------------------------------------------------------------------- */

static void end_reply(struct exchange *exchange, struct instant now)
{
    enter(exchange, PHASE_SENDING);
    calls_cancel(exchange, NULL, now);
    if (client_end(exchange->client, now))
        finish(exchange, now);
    else
        alarm_arm(exchange, now);
}

/* The client has a part of it and must see that it is not all. */
static void cut_reply(struct exchange *exchange, struct instant now)
{
    exchange->ending = ENDING_CUT;
    if (exchange->phase == PHASE_REPLYING)
        answer_blame(exchange);
    client_cut(exchange->client);
    finish(exchange, now);
}

/* The end of its call does not bind a client that still reads: so the alarm is set anew. */
static void continue_reply(struct exchange *exchange, struct instant now)
{
    switch (answer_go_on(exchange, now)) {
    case ANSWER_GOES_ON:
        alarm_arm(exchange, now);
        break;
    case ANSWER_WHOLE:
        end_reply(exchange, now);
        break;
    case ANSWER_BROKEN:
        cut_reply(exchange, now);
        break;
    }
}

static void on_call_end(struct call *call, struct instant now)
{
    struct exchange *exchange = call->owner;

    if (exchange->phase == PHASE_REPLYING)
        continue_reply(exchange, now);
    else
        take_next_step(exchange, now);
}

static void on_writable(void *owner, struct instant now)
{
    struct exchange *exchange = owner;

    exchange->is_client_full = false;
    if (exchange->phase == PHASE_REPLYING)
        continue_reply(exchange, now);
}

static void on_sent(void *owner, struct instant now)
{
    finish(owner, now);
}

/* ---- the client's body goes up ---------------------------------------------------------------- */

static void on_body(void *owner, const char *bytes, size_t count, struct instant now)
{
    struct exchange *exchange = owner;
    const char *refusal;

    exchange->bytes_up += count;
    if (exchange->phase == PHASE_GATHERING && (refusal = gather_take(exchange, bytes, count)))
        refuse_body(exchange, refusal, now);
    else if (exchange->passing && exchange->phase != PHASE_SENDING)
        call_upload(exchange->passing, bytes, count);
}

static void on_body_end(void *owner, struct instant now)
{
    struct exchange *exchange = owner;

    exchange->body_ended = now;
    if (exchange->phase == PHASE_GATHERING) {
        gather_end(exchange);
        begin_calls(exchange, now);
    } else if (exchange->passing && exchange->phase != PHASE_SENDING) {
        call_upload_end(exchange->passing);
    }
}

static void on_call_room(struct call *call, size_t count, struct instant now)
{
    struct exchange *exchange = call->owner;

    (void)now;
    if (call == exchange->passing)
        client_want(exchange->client, count);
}

static const struct call_events call_events = {on_call_turn, is_usable,    on_call_head,
                                               on_call_body, on_call_room, on_call_end};

/* ---- time is up, or the client has left ------------------------------------------------------- */

static void on_deadline(evutil_socket_t fd, short what, void *arg)
{
    struct exchange *exchange = arg;
    struct instant now = clock_now();

    (void)fd, (void)what;
    if (!alarm_has_come(exchange, now)) {
        alarm_arm(exchange, now);
        return;
    }
    if (exchange->phase == PHASE_REPLYING && exchange->answer && exchange->is_client_full &&
        !instant_reached(exchange->plan.hard, now)) {
        call_excuse(exchange->answer); /* it waits for the client, who has time until hard */
        alarm_arm(exchange, now);
        return;
    }
    if (exchange->phase == PHASE_REPLYING && answer_is_out(exchange)) {
        end_reply(exchange, now);
        return;
    }
    if (exchange->phase == PHASE_GATHERING) {
        exchange->reason = REASON_UPLOAD;
        exchange->status = 408;
        refuse_body(exchange, "the body of the request did not come in time", now);
        return;
    }
    calls_expire(exchange, now);
    if (exchange->phase == PHASE_CALLING)
        take_next_step(exchange, now);
    else
        cut_reply(exchange, now);
}

static void on_gone(void *owner, enum client_loss loss, struct instant now)
{
    struct exchange *exchange = owner;
    bool was_asked = exchange->phase == PHASE_CALLING || exchange->phase == PHASE_GATHERING;

    if (loss == CLIENT_INVALID) {
        exchange->ending = was_asked ? ENDING_REFUSED : ENDING_CUT;
        exchange->status = was_asked ? 400 : exchange->status;
    } else {
        exchange->ending = ENDING_CLIENT_GONE;
        exchange->status = 499;
    }
    exchange->blamed = calls_running(exchange);
    finish(exchange, now);
}

void exchange_end_all(struct worker *worker, struct instant now)
{
    for (struct exchange *next, *exchange = worker->exchanges; exchange; exchange = next) {
        next = exchange->next;
        if (exchange->phase == PHASE_CALLING || exchange->phase == PHASE_GATHERING) {
            give_up(exchange, REASON_DRAIN, NO_CALL, now);
        } else if (exchange->phase == PHASE_REPLYING) {
            exchange->reason = REASON_DRAIN;
            cut_reply(exchange, now);
        }
    }
}

void exchange_drop_all(struct worker *worker, struct instant now)
{
    while (worker->exchanges)
        cut_reply(worker->exchanges, now);
}

/* ---- the only way out ------------------------------------------------------------------------- */

static void finish(struct exchange *exchange, struct instant now)
{
    struct arena arena;

    exchange->reached = exchange->phase;
    enter(exchange, PHASE_FINISHED);
    calls_cancel(exchange, NULL, now);
    gather_drop(exchange);
    alarm_finish(exchange);
    account_close(exchange, now);
    *exchange->link = exchange->next;
    if (exchange->next)
        exchange->next->link = exchange->link;
    arena = exchange->arena;
    arena_finish(&arena);
}

const struct service exchange_service = {
    .on_request = on_request,
    .on_body = on_body,
    .on_body_end = on_body_end,
    .on_writable = on_writable,
    .on_sent = on_sent,
    .on_half_closed = arrival_on_half_closed,
    .on_gone = on_gone,
    .on_refused = account_on_refused,
};
