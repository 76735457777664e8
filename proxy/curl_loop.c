#include "proxy/curl_loop.h"

#include <assert.h>
#include <curl/curl.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy/attempt.h"
#include "proxy/attempt_bytes.h"
#include "proxy/clock.h"
#include "proxy/handles.h"
#include "proxy/leftovers.h"
#include "proxy/memory.h"
#include "proxy/watches.h"

enum { KICKS_IN_A_ROW = 2, STARTS_IN_A_ROW = 64, SENT_TOGETHER = 8 };

struct curl_loop {
    struct event_base *base; /* borrowed */
    CURLM *multi;            /* owned */
    struct event timer;
    struct event kick;  /* at once */
    struct event later; /* the same, after a look at all sockets */
    unsigned kicks;     /* in a row, without such a look */
    struct attempt_list touched;
    struct attempt_list starting; /* not known to libcurl yet */
    struct attempt_list resuming; /* paused, and to go on */
    bool is_adding;               /* libcurl is told of one of them */
    bool is_due;                  /* libcurl has asked for a turn at once */
    bool is_busy;                 /* several were begun in the last turn */
    struct watches watches;
};

/* ---- the end of a response ------------------------------------------------------------------ */

/* The next request may take this connection before the loop looks at the socket again. */
static void refuse_leftovers(struct watch *watch, evutil_socket_t fd, struct attempt *attempt)
{
    int64_t response_bytes = attempt_bytes_down(attempt);

    attempt->is_settled = response_bytes >= 0;
    if (leftovers_are_there(fd, response_bytes, &watch->used))
        shutdown(fd, SHUT_RDWR);
}

/* Of a response that was there at once, or whose end was read before it was paused, libcurl has not
 * said that it wants its socket no more. If it asks for it already, then for another request. */
static void settle(struct curl_loop *loop, CURL *easy, struct attempt *attempt)
{
    curl_socket_t fd = CURL_SOCKET_BAD;

    if (attempt->is_settled)
        return;
    curl_easy_getinfo(easy, CURLINFO_ACTIVESOCKET, &fd);
    struct watch *watch = watches_find(&loop->watches, fd);
    if (!watch || (!watch->is_idle && watch_is_set(watch)))
        return;
    watch->is_idle = true;
    if (!watch_set(watch, true, false))
        shutdown(fd, SHUT_RDWR);
    refuse_leftovers(watch, fd, attempt);
}

/* ---- after libcurl has returned ------------------------------------------------------------ */

static struct attempt *attempt_of(CURL *easy);

static void collect_ends(struct curl_loop *loop)
{
    int left;

    for (CURLMsg *message; (message = curl_multi_info_read(loop->multi, &left));) {
        struct attempt *attempt = attempt_of(message->easy_handle);
        if (message->data.result == CURLE_OK)
            settle(loop, message->easy_handle, attempt);
        attempt_note_end(attempt, (int)message->data.result);
    }
}

/* One piece of news at a time, since hearing it may end any attempt, this one included. */
static void service(struct curl_loop *loop, struct instant now)
{
    struct attempt *attempt;

    collect_ends(loop);
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

/* The clock is read when libcurl has returned: what it has read may have come since the call. */
static void turn(struct curl_loop *loop, curl_socket_t fd, int what)
{
    int running;

    loop->is_due = false;
    CURLMcode code = curl_multi_socket_action(loop->multi, fd, what, &running);

    assert(code == CURLM_OK);
    service(loop, clock_now());
}

static void start_next(struct curl_loop *loop)
{
    struct attempt *attempt = TAILQ_FIRST(&loop->starting);

    TAILQ_REMOVE(&loop->starting, attempt, starting);
    attempt->is_starting = false;
    loop->is_adding = true;
    CURLMcode code = curl_multi_add_handle(loop->multi, attempt->handle->easy);
    loop->is_adding = false;
    assert(code == CURLM_OK);
}

/* One after the other, and none together with what may end meanwhile: libcurl would run all of them
 * behind each other, on the same connection too, without a look at what lies between two of them.
 * What is due before has its turn before. */
static void start_all(struct curl_loop *loop)
{
    int started = 0;

    for (int i = 0; i < STARTS_IN_A_ROW && !TAILQ_EMPTY(&loop->starting); i++) {
        if (!loop->is_due) {
            start_next(loop);
            started++;
        }
        turn(loop, CURL_SOCKET_TIMEOUT, 0);
        if (started % SENT_TOGETHER == 0)
            watches_let_go(&loop->watches);
    }
    loop->is_busy = started > 1;
}

static void take_turn(struct curl_loop *loop)
{
    bool had_turn = !TAILQ_EMPTY(&loop->starting);
    struct attempt *attempt;

    start_all(loop);
    while ((attempt = TAILQ_FIRST(&loop->resuming))) {
        unresume(loop, attempt);
        attempt_go_on(attempt);
        loop->is_due = true;
    }
    if (loop->is_due || !had_turn)
        turn(loop, CURL_SOCKET_TIMEOUT, 0);
    watches_let_go(&loop->watches);
    if (!TAILQ_EMPTY(&loop->starting) || !TAILQ_EMPTY(&loop->resuming))
        curl_loop_kick(loop);
}

static void on_timer_due(evutil_socket_t fd, short what, void *arg)
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

static void on_socket_ready(void *arg, evutil_socket_t fd, short what)
{
    struct curl_loop *loop = arg;

    loop->kicks = 0;
    turn(loop, fd, what == EV_WRITE ? CURL_CSELECT_OUT : CURL_CSELECT_IN);
    watches_let_go(&loop->watches);
}

/* ---- libcurl asks --------------------------------------------------------------------------- */

/* Nothing would be heard of this socket: nobody may wait for it, now or later. libcurl may not be
 * told, since it would give up all transfers. */
static void give_up_socket(struct watch *watch, evutil_socket_t fd, struct attempt *attempt)
{
    if (watch->is_idle)
        shutdown(fd, SHUT_RDWR);
    else if (attempt)
        attempt_note_end(attempt,
                         attempt_is_sent(attempt) ? CURLE_RECV_ERROR : CURLE_COULDNT_CONNECT);
}

/* NULL when nobody uses the handle, and for those that libcurl has of its own. */
static struct attempt *attempt_of(CURL *easy)
{
    char *private = NULL;

    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &private);
    return private ? ((struct handle *)(void *)private)->attempt : NULL;
}

/* libcurl asks for a socket to be watched. When it asks for nothing any more because a transfer
 * has ended, the socket stays registered; when because the transfer is paused, it must not, since
 * what lies there unread would wake the loop for ever; nor when it was never connected, since
 * libcurl has then closed it already, without a call to curl_closes_socket. */
static int curl_wants_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *unused)
{
    const struct curl_loop *loop = arg;
    struct watch *watch = watches_find(&loop->watches, fd);
    struct attempt *attempt = attempt_of(easy);

    (void)unused;
    if (!watch)
        return 0;
    bool is_reading = what == CURL_POLL_IN || what == CURL_POLL_INOUT;
    bool is_writing = what == CURL_POLL_OUT || what == CURL_POLL_INOUT;
    bool is_paused = attempt && attempt_is_paused(attempt);

    watch->was_read = watch->was_read || is_reading;
    watch->is_idle = what == CURL_POLL_REMOVE && !is_paused && watch->was_read;
    if (watch->is_idle && attempt)
        refuse_leftovers(watch, fd, attempt);
    if (watch->is_idle && loop->is_busy)
        watch_cork(watch);
    else if (is_reading)
        watch_note_sent(watch);
    if (!watch_set(watch, is_reading || watch->is_idle, is_writing))
        give_up_socket(watch, fd, attempt);
    if (attempt && is_reading)
        attempt->is_watched = true;
    else if (attempt && !is_paused)
        attempt_note_read_out(attempt);
    return 0;
}

/* libcurl asks for a timer; it may not be called from here. */
static int curl_wants_timer(CURLM *multi, long timeout_ms, void *arg)
{
    struct curl_loop *loop = arg;

    (void)multi;
    if (timeout_ms == 0) {
        loop->is_due = !loop->is_adding; /* else it has its turn in any case */
        if (loop->is_due)
            curl_loop_kick(loop);
    } else if (timeout_ms < 0) {
        event_del(&loop->timer);
    } else {
        struct timeval wait = clock_timeval(span_ms(timeout_ms));
        event_add(&loop->timer, &wait);
    }
    return 0;
}

static curl_socket_t curl_opens_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *at)
{
    struct curl_loop *loop = arg;
    int fd = socket(at->family, at->socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, at->protocol);

    (void)purpose;
    if (fd < 0)
        return CURL_SOCKET_BAD;
    watches_open(&loop->watches, fd, at->family != AF_UNIX);
    return fd;
}

/* The last that is heard of a socket: nothing may stay registered under its number. */
static int curl_closes_socket(void *arg, curl_socket_t fd)
{
    struct curl_loop *loop = arg;

    watches_close(&loop->watches, fd);
    leftovers_drop(fd);
    return close(fd);
}

/* ---- asked by attempts ---------------------------------------------------------------------- */

void curl_loop_bind(struct curl_loop *loop, void *easy)
{
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, curl_opens_socket);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, loop);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, curl_closes_socket);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, loop);
}

void curl_loop_add(struct curl_loop *loop, struct attempt *attempt)
{
    attempt->is_starting = true;
    TAILQ_INSERT_TAIL(&loop->starting, attempt, starting);
    curl_loop_kick(loop);
}

void curl_loop_remove(struct curl_loop *loop, struct attempt *attempt)
{
    if (attempt->is_starting) {
        attempt->is_starting = false;
        TAILQ_REMOVE(&loop->starting, attempt, starting);
        return;
    }
    CURLMcode code = curl_multi_remove_handle(loop->multi, attempt->handle->easy);

    assert(code == CURLM_OK);
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

struct curl_loop *curl_loop_create(struct event_base *base, size_t connections_max)
{
    struct curl_loop *loop = memory_take_clear(1, sizeof *loop);

    loop->base = base;
    loop->multi = curl_multi_init();
    assert(loop->multi);
    TAILQ_INIT(&loop->touched);
    TAILQ_INIT(&loop->starting);
    TAILQ_INIT(&loop->resuming);
    watches_init(&loop->watches, base, on_socket_ready, loop);
    evtimer_assign(&loop->timer, base, on_timer_due, loop);
    evtimer_assign(&loop->kick, base, on_kick, loop);
    evtimer_assign(&loop->later, base, on_timer_due, loop);
    curl_multi_setopt(loop->multi, CURLMOPT_SOCKETFUNCTION, curl_wants_socket);
    curl_multi_setopt(loop->multi, CURLMOPT_SOCKETDATA, loop);
    curl_multi_setopt(loop->multi, CURLMOPT_TIMERFUNCTION, curl_wants_timer);
    curl_multi_setopt(loop->multi, CURLMOPT_TIMERDATA, loop);
    curl_multi_setopt(loop->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
    curl_multi_setopt(loop->multi, CURLMOPT_MAXCONNECTS, (long)connections_max);
    return loop;
}

void curl_loop_destroy(struct curl_loop *loop)
{
    if (!loop)
        return;
    assert(TAILQ_EMPTY(&loop->touched) && TAILQ_EMPTY(&loop->starting));
    assert(TAILQ_EMPTY(&loop->resuming));
    curl_multi_cleanup(loop->multi);
    event_del(&loop->timer);
    event_del(&loop->kick);
    event_del(&loop->later);
    watches_finish(&loop->watches);
    free(loop);
}
