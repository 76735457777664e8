#include "proxy/curl_loop.h"

#include <assert.h>
#include <curl/curl.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdlib.h>

#include "proxy/attempt.h"
#include "proxy/attempt_bytes.h"
#include "proxy/clock.h"
#include "proxy/curl_sockets.h"
#include "proxy/handles.h"
#include "proxy/memory.h"
#include "proxy/shard.h"
#include "proxy/watches.h"

enum { KICKS_IN_A_ROW = 2, STARTS_IN_A_ROW = 64, SENT_TOGETHER = 8 };

struct curl_loop {
    struct event_base *base; /* borrowed */
    struct event kick;       /* at once */
    struct event later;      /* the same, after a look at all sockets */
    unsigned kicks;          /* in a row, without such a look */
    struct attempt_list touched;
    struct attempt_list starting; /* not known to libcurl yet */
    struct attempt_list resuming; /* paused, and to go on */
    struct shard_list due;        /* libcurl has asked for a turn at once */
    bool is_adding;               /* libcurl is told of one that starts */
    struct watches watches;
};

/* ---- after libcurl has returned ------------------------------------------------------------ */

static void collect_ends(struct shard *shard)
{
    int left;

    for (CURLMsg *message; (message = curl_multi_info_read(shard->multi, &left));) {
        struct handle *handle = handle_of(message->easy_handle);
        struct attempt *attempt = handle->attempt;
        if (!attempt) { /* an orphan */
            handle->is_worn = true;
            continue;
        }
        if (message->data.result == CURLE_OK)
            curl_sockets_settle(shard, message->easy_handle, attempt);
        attempt_note_end(attempt, (int)message->data.result);
    }
}

/* One piece of news at a time, since hearing it may end any attempt, this one included. */
static void service(struct shard *shard, struct instant now)
{
    struct curl_loop *loop = shard->loop;
    struct attempt *attempt;

    collect_ends(shard);
    while ((attempt = TAILQ_FIRST(&loop->touched)))
        attempt_deliver(attempt, now);
}

void curl_loop_touch(struct curl_loop *loop, struct attempt *attempt)
{
    if (attempt->is_touched)
        return;
    attempt->is_touched = true;
    TAILQ_INSERT_TAIL(&loop->touched, attempt, touched);
}

void curl_loop_untouch(struct curl_loop *loop, struct attempt *attempt)
{
    if (!attempt->is_touched)
        return;
    attempt->is_touched = false;
    TAILQ_REMOVE(&loop->touched, attempt, touched);
}

static void unresume(struct curl_loop *loop, struct attempt *attempt)
{
    if (!attempt->is_resuming)
        return;
    attempt->is_resuming = false;
    TAILQ_REMOVE(&loop->resuming, attempt, resuming);
}

void curl_loop_resume(struct curl_loop *loop, struct attempt *attempt)
{
    if (!attempt->is_resuming)
        TAILQ_INSERT_TAIL(&loop->resuming, attempt, resuming);
    attempt->is_resuming = true;
    curl_loop_kick(loop);
}

void curl_loop_forget(struct curl_loop *loop, struct attempt *attempt)
{
    curl_loop_untouch(loop, attempt);
    unresume(loop, attempt);
}

/* ---- events -> libcurl ---------------------------------------------------------------------- */

static void set_due(struct shard *shard)
{
    if (!shard->is_due)
        TAILQ_INSERT_TAIL(&shard->loop->due, shard, due);
    shard->is_due = true;
}

static void set_not_due(struct shard *shard)
{
    if (shard->is_due)
        TAILQ_REMOVE(&shard->loop->due, shard, due);
    shard->is_due = false;
}

/* The clock is read when libcurl has returned: what it has read may have come since the call. */
static void turn(struct shard *shard, curl_socket_t fd, int what)
{
    int running;

    set_not_due(shard);
    CURLMcode code = curl_multi_socket_action(shard->multi, fd, what, &running);

    assert(code == CURLM_OK);
    service(shard, clock_now());
}

/* Each that is due now has one turn. */
static void turn_due(struct curl_loop *loop)
{
    const struct shard *last = TAILQ_LAST(&loop->due, shard_list);
    struct shard *shard = NULL;

    while (shard != last) {
        shard = TAILQ_FIRST(&loop->due);
        turn(shard, CURL_SOCKET_TIMEOUT, 0);
    }
}

static void start_next(struct curl_loop *loop)
{
    struct attempt *attempt = TAILQ_FIRST(&loop->starting);
    struct shard *shard = shards_with_room(&attempt->handles->shards);

    TAILQ_REMOVE(&loop->starting, attempt, starting);
    attempt->is_starting = false;
    attempt->handle->shard = shard;
    shard->count++;
    loop->is_adding = true;
    CURLMcode code = curl_multi_add_handle(shard->multi, attempt->handle->easy);
    loop->is_adding = false;
    assert(code == CURLM_OK);
    turn(shard, CURL_SOCKET_TIMEOUT, 0);
}

/* One after the other, and none together with what may end meanwhile: libcurl would run all of them
 * behind each other, on the same connection too, without a look at what lies between two of them.
 * What is due before has its turn before. */
static void start_all(struct curl_loop *loop)
{
    int started = 0;

    for (int i = 0; i < STARTS_IN_A_ROW && !TAILQ_EMPTY(&loop->starting); i++) {
        if (!TAILQ_EMPTY(&loop->due)) {
            turn(TAILQ_FIRST(&loop->due), CURL_SOCKET_TIMEOUT, 0);
        } else {
            start_next(loop);
            started++;
        }
        if (started % SENT_TOGETHER == 0)
            watches_let_go(&loop->watches);
    }
    loop->watches.is_busy = started > 1;
}

static void take_turn(struct curl_loop *loop)
{
    struct attempt *attempt;

    start_all(loop);
    while ((attempt = TAILQ_FIRST(&loop->resuming))) {
        unresume(loop, attempt);
        set_due(attempt->handle->shard);
        attempt_go_on(attempt);
    }
    turn_due(loop);
    watches_let_go(&loop->watches);
    if (!TAILQ_EMPTY(&loop->starting) || !TAILQ_EMPTY(&loop->resuming))
        curl_loop_kick(loop);
}

static void on_timer_due(evutil_socket_t fd, short what, void *arg)
{
    struct shard *shard = arg;

    (void)fd, (void)what;
    shard->loop->kicks = 0;
    set_due(shard);
    take_turn(shard->loop);
}

static void on_later(evutil_socket_t fd, short what, void *arg)
{
    struct curl_loop *loop = arg;

    (void)fd, (void)what;
    loop->kicks = 0;
    take_turn(loop);
}

static void on_kick(evutil_socket_t fd, short what, void *arg)
{
    struct curl_loop *loop = arg;

    (void)fd, (void)what;
    loop->kicks++;
    take_turn(loop);
}

static void on_socket_ready(void *owner, evutil_socket_t fd, short what)
{
    struct shard *shard = owner;

    shard->loop->kicks = 0;
    turn(shard, fd, what == EV_WRITE ? CURL_CSELECT_OUT : CURL_CSELECT_IN);
    watches_let_go(shard->watches);
}

static void on_connection_dead(void *owner)
{
    shard_note_dead(owner);
}

/* ---- libcurl asks --------------------------------------------------------------------------- */

/* libcurl asks for a timer; it may not be called from here. */
static int curl_wants_timer(CURLM *multi, long timeout_ms, void *arg)
{
    struct shard *shard = arg;

    (void)multi;
    if (timeout_ms == 0) {
        if (shard->loop->is_adding)
            return 0; /* it has its turn in any case */
        set_due(shard);
        curl_loop_kick(shard->loop);
    } else if (timeout_ms < 0) {
        event_del(&shard->timer);
    } else {
        struct timeval wait = clock_timeval(span_ms(timeout_ms));
        event_add(&shard->timer, &wait);
    }
    return 0;
}

/* ---- asked by attempts ---------------------------------------------------------------------- */

void curl_loop_bind(struct curl_loop *loop, void *easy)
{
    curl_sockets_bind(&loop->watches, easy);
}

void curl_loop_add(struct curl_loop *loop, struct attempt *attempt)
{
    attempt->is_starting = true;
    TAILQ_INSERT_TAIL(&loop->starting, attempt, starting);
    curl_loop_kick(loop);
}

void curl_loop_end(struct handle *handle)
{
    CURLMcode code = curl_multi_remove_handle(handle->shard->multi, handle->easy);

    assert(code == CURLM_OK);
    handle->shard->count--;
}

void curl_loop_remove(struct curl_loop *loop, struct attempt *attempt)
{
    if (attempt->is_starting) {
        attempt->is_starting = false;
        TAILQ_REMOVE(&loop->starting, attempt, starting);
        return;
    }
    curl_loop_end(attempt->handle);
}

/* Activated directly, it runs in this turn of the event loop, without a look at the sockets. One
 * transfer that is always ready for more would so keep all others waiting: after a few, it waits
 * too. */
void curl_loop_kick(struct curl_loop *loop)
{
    struct timeval at_once = {0, 0};

    if (loop->kicks < KICKS_IN_A_ROW)
        event_active(&loop->kick, EV_TIMEOUT, 0);
    else if (!event_pending(&loop->later, EV_TIMEOUT, NULL))
        event_add(&loop->later, &at_once);
}

/* ---- all of it -------------------------------------------------------------------------------- */

void curl_loop_adopt(struct curl_loop *loop, struct shard *shard)
{
    evtimer_assign(&shard->timer, loop->base, on_timer_due, shard);
    curl_sockets_adopt(&loop->watches, shard);
    curl_multi_setopt(shard->multi, CURLMOPT_TIMERFUNCTION, curl_wants_timer);
    curl_multi_setopt(shard->multi, CURLMOPT_TIMERDATA, shard);
}

void curl_loop_release(struct shard *shard)
{
    set_not_due(shard);
    event_del(&shard->timer);
}

struct curl_loop *curl_loop_create(struct event_base *base)
{
    struct curl_loop *loop = memory_take_clear(1, sizeof *loop);

    loop->base = base;
    TAILQ_INIT(&loop->touched);
    TAILQ_INIT(&loop->starting);
    TAILQ_INIT(&loop->resuming);
    TAILQ_INIT(&loop->due);
    watches_init(&loop->watches, base, on_socket_ready, on_connection_dead);
    evtimer_assign(&loop->kick, base, on_kick, loop);
    evtimer_assign(&loop->later, base, on_later, loop);
    return loop;
}

void curl_loop_destroy(struct curl_loop *loop)
{
    if (!loop)
        return;
    assert(TAILQ_EMPTY(&loop->touched) && TAILQ_EMPTY(&loop->starting));
    assert(TAILQ_EMPTY(&loop->resuming) && TAILQ_EMPTY(&loop->due));
    event_del(&loop->kick);
    event_del(&loop->later);
    watches_finish(&loop->watches);
    free(loop);
}
