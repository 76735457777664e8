/* Replies that wait for what else there is to do, so that they are sent together. */
#include <criterion/criterion.h>
#include <event2/event.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy/clock.h"
#include "test/support/http1_rig.h"

#define GET "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
#define ANSWER "HTTP/1.1 200 OK\r\nDate: now\r\nContent-Length: 0\r\n\r\n"
#define LAST_ANSWER "HTTP/1.1 200 OK\r\nDate: now\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"

static struct rig *rig;
static struct event *other;

static void on_other(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what, (void)arg;
}

static void set_up(void)
{
    rig = rig_create(&(struct rig_options){.mode = RIG_HOLD});
    other = evtimer_new(rig->base, on_other, NULL);
    rig_say(rig, GET);
}

static void tear_down(void)
{
    event_free(other);
    rig_destroy(rig);
}

TestSuite(http1_together, .init = set_up, .fini = tear_down);

static void be_busy(void)
{
    event_active(other, EV_TIMEOUT, 0);
}

/* Ends a reply. Has all of it been sent by then? */
static bool answer(bool may_wait)
{
    const struct reply reply = {.status = 200, .may_wait = may_wait};

    client_reply(rig->client, &reply, clock_now());
    return client_end(rig->client, clock_now());
}

/* Without a turn of the loop. */
static bool has_come(void)
{
    char byte;

    return recv(rig->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 1;
}

Test(http1_together, a_reply_waits_while_there_is_more_to_do_and_is_sent_in_the_same_turn)
{
    be_busy();
    cr_assert_not(answer(true));
    cr_assert_not(has_come());
    rig_turn(rig);
    cr_assert_str_eq(rig_heard(rig), ANSWER);
    cr_assert_str_eq(rig->told, "request GET /|sent|");
}

Test(http1_together, one_that_may_not_wait_is_sent_at_once)
{
    be_busy();
    cr_assert(answer(false));
    cr_assert(has_come());
}

Test(http1_together, with_nothing_else_to_do_it_is_sent_at_once)
{
    cr_assert(answer(true));
    cr_assert(has_come());
}

Test(http1_together, a_client_that_ends_its_side_while_its_reply_waits_gets_it)
{
    be_busy();
    cr_assert_not(answer(true));
    shutdown(rig->fd, SHUT_WR);
    rig_turn(rig);
    cr_assert_str_eq(rig_heard(rig), ANSWER);
    cr_assert(rig->has_ended && !rig->was_reset);
    cr_assert_str_eq(rig->told, "request GET /|sent|");
}

Test(http1_together, the_next_request_is_served_when_the_reply_that_waited_has_gone)
{
    be_busy();
    cr_assert_not(answer(true));
    rig_say(rig, GET);
    cr_assert(rig_waits_told(rig, "request GET /|sent|request GET /|"));
    cr_assert(answer(true));
    cr_assert_str_eq(rig_heard(rig), ANSWER ANSWER);
}

Test(http1_together, a_reply_that_waited_when_the_drain_began_is_not_the_last)
{
    be_busy();
    cr_assert_not(answer(true));
    http1_drain(rig->set, clock_now());
    rig_turn(rig);
    cr_assert_str_eq(rig_heard(rig), ANSWER);
    cr_assert_not(rig->has_ended);
    rig_forget(rig);
    rig_say(rig, GET);
    cr_assert(answer(true));
    cr_assert_str_eq(rig_heard(rig), LAST_ANSWER);
    cr_assert(rig->has_ended);
}

Test(http1_together, what_has_begun_to_go_out_is_not_held_up)
{
    const struct reply reply = {.status = 200, .length = 5, .may_wait = true};

    client_reply(rig->client, &reply, clock_now());
    client_flush(rig->client, clock_now());
    cr_assert(rig_send(rig, "hello"));
    be_busy();
    cr_assert(rig_end(rig));
    cr_assert(has_come());
}

/* A close would be a reset, which takes the reply with it. */
Test(http1_together, behind_a_last_reply_that_waited_what_the_client_sends_is_awaited)
{
    tear_down();
    rig = rig_create(&(struct rig_options){.mode = RIG_HOLD});
    other = evtimer_new(rig->base, on_other, NULL);
    rig_say(rig, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" GET);
    be_busy();
    cr_assert_not(answer(true));
    rig_turn(rig);
    cr_assert_eq(http1_count(rig->set), 1);
    rig_say(rig, GET);
    cr_assert_str_eq(rig_heard(rig), LAST_ANSWER);
    cr_assert(rig->has_ended && !rig->was_reset);
}

Test(http1_together, a_client_that_resets_while_its_reply_waits_is_gone)
{
    struct linger at_once = {.l_onoff = 1};

    rig_destroy(rig);
    rig = rig_create(&(struct rig_options){.mode = RIG_HOLD, .is_tcp = true});
    event_free(other);
    other = evtimer_new(rig->base, on_other, NULL);
    rig_say(rig, GET);
    cr_assert(rig_waits_told(rig, "request GET /|"));
    be_busy();
    cr_assert_not(answer(true));
    setsockopt(rig->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(rig->fd);
    rig->fd = -1;
    cr_assert(rig_waits_told(rig, "request GET /|gone"));
}
