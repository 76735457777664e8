#include "proxy/watches.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <event2/event.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy/clock.h"

static struct event_base *base;
static struct watches watches;
static int near_end; /* watched */
static int far_end;

static int heard;

static void on_ready(void *arg, evutil_socket_t fd, short what)
{
    (void)arg, (void)fd;
    (void)what;
    heard++;
}

static void connect_ends(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof at;
    int listener = socket(AF_INET, SOCK_STREAM, 0);

    cr_assert_eq(bind(listener, (struct sockaddr *)&at, sizeof at), 0);
    cr_assert_eq(listen(listener, 1), 0);
    getsockname(listener, (struct sockaddr *)&at, &size);
    near_end = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert_eq(connect(near_end, (struct sockaddr *)&at, sizeof at), 0);
    far_end = accept(listener, NULL, NULL);
    cr_assert_geq(far_end, 0);
    close(listener);
}

static void set_up(void)
{
    base = event_base_new();
    watches_init(&watches, base, on_ready, NULL);
    connect_ends();
    watches_open(&watches, near_end, true);
}

static void tear_down(void)
{
    watches_finish(&watches);
    close(near_end);
    close(far_end);
    event_base_free(base);
}

TestSuite(watches, .init = set_up, .fini = tear_down);

static bool arrives(int within_ms)
{
    struct pollfd state = {.fd = far_end, .events = POLLIN};

    return poll(&state, 1, within_ms) == 1;
}

static void say(void)
{
    cr_assert_eq(send(near_end, "hello", 5, 0), 5);
}

/* The kernel lets go by itself after 200 ms: a look that comes late says nothing. */
static bool is_held_back(struct instant since)
{
    bool has_come = arrives(0);

    return !has_come || span_since(since, clock_now()).ns > 100 * NS_PER_MS;
}

Test(watches, what_is_sent_over_a_corked_socket_waits_until_it_is_let_go)
{
    struct watch *watch = watches_find(&watches, near_end);
    struct instant since = clock_now();

    watch_cork(watch);
    say();
    watch_note_sent(watch);
    cr_assert(is_held_back(since));
    watches_let_go(&watches);
    cr_assert(arrives(2000));
    cr_assert_eq(watch->cork, CORK_OUT);
}

Test(watches, what_is_sent_later_goes_at_once)
{
    struct watch *watch = watches_find(&watches, near_end);
    char bytes[8];

    watch_cork(watch);
    say();
    watch_note_sent(watch);
    watches_let_go(&watches);
    cr_assert(arrives(2000));
    cr_assert_eq(recv(far_end, bytes, sizeof bytes, 0), 5);
    say();
    watch_note_sent(watch);
    cr_assert_null(LIST_FIRST(&watches.held));
    cr_assert(arrives(2000));
}

Test(watches, a_corked_socket_that_sends_nothing_holds_nothing)
{
    struct watch *watch = watches_find(&watches, near_end);

    watch_cork(watch);
    watches_let_go(&watches);
    cr_assert_eq(watch->cork, CORK_IN);
}

Test(watches, one_that_is_closed_while_it_holds_something_is_forgotten)
{
    struct watch *watch = watches_find(&watches, near_end);

    watch_cork(watch);
    say();
    watch_note_sent(watch);
    watches_close(&watches, near_end);
    cr_assert_null(LIST_FIRST(&watches.held));
    watches_let_go(&watches);
}

Test(watches, a_socket_that_is_not_tcp_is_not_corked)
{
    int pair[2];

    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    watches_open(&watches, pair[0], false);
    struct watch *watch = watches_find(&watches, pair[0]);
    watch_cork(watch);
    cr_expect_eq(watch->cork, CORK_OUT);
    watches_close(&watches, pair[0]);
    close(pair[0]);
    close(pair[1]);
}

/* ---- what is not to be heard for a while ------------------------------------------------------ */

static void hear_all(void)
{
    event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
}

static void far_end_says_something(void)
{
    struct pollfd state = {.fd = near_end, .events = POLLIN};

    cr_assert_eq(send(far_end, "hello", 5, 0), 5);
    cr_assert_eq(poll(&state, 1, 2000), 1);
}

Test(watches, one_that_is_held_says_nothing_and_does_not_wake_the_loop_twice)
{
    struct watch *watch = watches_find(&watches, near_end);

    cr_assert(watch_set(watch, true, false));
    watch_hold(watch);
    cr_expect(watch_is_set(watch), "it may go on at once");
    far_end_says_something();
    hear_all();
    cr_expect_eq(heard, 0);
    cr_expect_not(watch_is_set(watch), "level-triggered, it would wake the loop for ever");
    cr_assert(watch_set(watch, true, false));
    hear_all();
    cr_expect_eq(heard, 1, "what came meanwhile is still there");
}

Test(watches, one_that_is_held_and_goes_on_before_anything_came_is_heard)
{
    struct watch *watch = watches_find(&watches, near_end);

    cr_assert(watch_set(watch, true, true));
    watch_hold(watch);
    hear_all();
    cr_expect_eq(heard, 0, "that it can be written is not heard either");
    cr_assert(watch_set(watch, true, false));
    far_end_says_something();
    hear_all();
    cr_expect_eq(heard, 1);
}
