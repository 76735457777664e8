#include "proxy/drain.h"

#include <assert.h>
#include <event2/event.h>
#include <event2/event_struct.h>

#include "proxy/attempt.h"
#include "proxy/clock.h"
#include "proxy/curl_loop.h"

struct drain {
    struct drains *drains; /* borrowed */
    struct attempt attempt;
    struct attempt_order order; /* what can still be asked of it: which kind, and not again */
    struct arena arena;         /* of the response's head, if that is still to come */
    struct event timer;         /* the most that it may take */
    struct instant due;         /* the end of the call's grant */
    struct histogram *late;     /* borrowed: the call's; NULL: it is told by another */
    uint64_t received_max;      /* by attempt, what came before included */
    TAILQ_ENTRY(drain) linked;
};

static const enum pool_size BLOCK_SIZE = POOL_1K;

static_assert(sizeof(struct drain) <= 1024, "it must fit into its block");

/* ---- its end ---------------------------------------------------------------------------------- */

static void drain_destroy(struct drain *drain)
{
    struct pool *pool = drain->attempt.pool;

    TAILQ_REMOVE(&drain->drains->all, drain, linked);
    drain->drains->count--;
    event_del(&drain->timer);
    attempt_cancel(&drain->attempt);
    arena_finish(&drain->arena);
    pool_give(pool, BLOCK_SIZE, drain);
}

static void give_up(struct drain *drain)
{
    counter_add(&drain->drains->metrics->drains_given_up, 1);
    drain_destroy(drain);
}

static void on_time_over(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    give_up(arg);
}

/* ---- its attempt tells ------------------------------------------------------------------------ */

/* Has the head announced more than may be read? */
static bool is_too_long(const struct attempt *attempt, uint64_t received_max)
{
    const struct response *response = &attempt->response;

    return response->progress == RESPONSE_DONE && response->length != LENGTH_UNKNOWN &&
           response_has_body(response->status, attempt->order->kind == HANDLE_HEAD) &&
           (uint64_t)response->length > received_max;
}

static void on_head(void *owner, struct instant now)
{
    struct drain *drain = owner;

    (void)now;
    if (is_too_long(&drain->attempt, drain->received_max))
        give_up(drain);
}

static void on_body(void *owner, struct instant now)
{
    struct drain *drain = owner;
    struct attempt *attempt = &drain->attempt;

    (void)now;
    if (attempt->received > drain->received_max) {
        give_up(drain);
        return;
    }
    chain_clear(&attempt->body, attempt->pool);
    attempt_resume(attempt);
}

/* Nobody waits for room: all has gone up. */
static void on_room(void *owner, struct instant now)
{
    (void)owner, (void)now;
}

static void on_end(void *owner, enum call_outcome outcome, struct instant now)
{
    struct drain *drain = owner;
    struct upstream_metrics *metrics = drain->drains->metrics;
    struct span late = span_since(drain->due, now);
    bool is_error = drain->attempt.response.status >= 500;

    if (outcome != CALL_OK) {
        give_up(drain);
        return;
    }
    counter_add(&metrics->drained, 1);
    histogram_note_span(&metrics->late, late);
    if (drain->late && !is_error) /* an error would have been no answer with more time, either */
        histogram_note_span(drain->late, late);
    drain_destroy(drain);
}

static const struct attempt_events events = {on_head, on_body, on_room, on_end};

/* ---- its beginning ---------------------------------------------------------------------------- */

/* The same transfer goes on as another attempt. What the first has borrowed from its request, and
 * what was read into its arena, goes with the request. */
static void take_over(struct drain *drain, struct attempt *from)
{
    struct attempt *attempt = &drain->attempt;

    curl_loop_forget(from->loop, from);
    *attempt = *from;
    attempt->events = &events;
    attempt->owner = drain;
    attempt->order = &drain->order;
    attempt->note = NULL;
    attempt->body = attempt->upload = CHAIN_EMPTY;
    attempt->is_upload_sent = true;
    attempt->response.arena = &drain->arena;
    attempt->response.phrase = TEXT_NONE;
    attempt->response.headers = NULL;
    attempt->response.headers_count = 0;
    handle_pass_on(attempt->handle, attempt);
    from->handle = NULL;
    from->chunked = NULL;
    from->news = 0;
}

static void begin(struct drains *drains, struct attempt *from, struct instant due,
                  struct histogram *late)
{
    struct drain *drain = pool_take(from->pool, BLOCK_SIZE);
    struct timeval most = clock_timeval(drains->conf->drain_time);

    *drain = (struct drain){
        .drains = drains,
        .order = {.kind = from->order->kind, .may_resend = false},
        .due = due,
        .late = late,
        .received_max = from->received + drains->conf->drain_size,
    };
    arena_init(&drain->arena, from->pool);
    take_over(drain, from);
    evtimer_assign(&drain->timer, drains->base, on_time_over, drain);
    event_add(&drain->timer, &most);
    TAILQ_INSERT_TAIL(&drains->all, drain, linked);
    drains->count++;
    if (drain->attempt.news)
        curl_loop_touch(drain->attempt.loop, &drain->attempt);
    attempt_resume(&drain->attempt);
}

/* libcurl does not ask for the end of a body whose length it knows. */
static bool is_sent_whole(const struct attempt *attempt)
{
    const struct attempt_order *order = attempt->order;

    return attempt->handle && attempt_is_sent(attempt) &&
           (order->kind != HANDLE_UPLOAD || attempt->is_upload_sent ||
            (int64_t)attempt->went_up == order->upload_length);
}

void drains_take(struct drains *drains, struct attempt *attempt, struct instant due,
                 struct histogram *late)
{
    if (!drains->conf->drains || !is_sent_whole(attempt))
        return;
    if (is_too_long(attempt, attempt->received + drains->conf->drain_size))
        counter_add(&drains->metrics->drains_given_up, 1);
    else
        begin(drains, attempt, due, late);
}

/* ---- all of them ------------------------------------------------------------------------------ */

void drains_init(struct drains *drains, struct event_base *base, const struct conf_upstream *conf,
                 struct upstream_metrics *metrics)
{
    *drains = (struct drains){.base = base, .conf = conf, .metrics = metrics};
    TAILQ_INIT(&drains->all);
}

void drains_yield(struct drains *drains, size_t most)
{
    while (drains->count > most)
        give_up(TAILQ_FIRST(&drains->all));
}

void drains_finish(struct drains *drains)
{
    drains_yield(drains, 0);
}
