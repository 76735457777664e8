/* Transfers that are cancelled: they end behind what was due, so many in each turn, all of them, and
 * nothing is heard of them meanwhile. */
#include "proxy/orphan.h"

#include <criterion/criterion.h>
#include <sys/socket.h>
#include <unistd.h>

#include "test/support/playhouse.h"

TestSuite(orphan, .timeout = 300);

static struct playhouse playhouse;

static size_t left(void)
{
    return playhouse.handles.orphans.count;
}

static size_t kept_handles(void)
{
    size_t count = 0;

    for (const struct handle *handle = playhouse.handles.free[HANDLE_PLAIN]; handle;
         handle = handle->next)
        count++;
    return count;
}

static void on_cancelled(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what, (void)arg;
    playhouse_cancel(&playhouse, 0);
}

static void on_due_behind(evutil_socket_t fd, short what, void *arg)
{
    size_t *ret_left = arg;

    (void)fd, (void)what;
    *ret_left = left();
}

Test(orphan, ends_in_the_same_turn_behind_all_that_was_due)
{
    const struct timeval at_once = {0, 0};
    size_t left_behind = 0;

    playhouse_init(&playhouse);
    playhouse_begin(&playhouse, 10);
    event_base_once(playhouse.base, -1, EV_TIMEOUT, on_cancelled, NULL, &at_once);
    usleep(10 * 1000);
    event_base_once(playhouse.base, -1, EV_TIMEOUT, on_due_behind, &left_behind, &at_once);
    usleep(10 * 1000);
    playhouse_turn(&playhouse);
    cr_expect_eq(left_behind, 10);
    cr_expect_eq(left(), 0);
    cr_expect_eq(playhouse_closed(&playhouse), 10);
    playhouse_finish(&playhouse);
}

static void on_other(evutil_socket_t fd, short what, void *arg)
{
    size_t *turns = arg;

    (void)fd, (void)what;
    (*turns)++;
}

Test(orphan, of_very_many_ends_in_turns_in_which_others_are_heard)
{
    const struct timeval at_once = {0, 0};
    size_t others = 0;

    playhouse_init(&playhouse);
    playhouse_begin(&playhouse, 2 * ORPHANS_IN_A_TURN + 10);
    playhouse_cancel(&playhouse, 0);
    for (size_t turn = 1; turn <= 3; turn++) {
        event_base_once(playhouse.base, -1, EV_TIMEOUT, on_other, &others, &at_once);
        playhouse_turn(&playhouse);
        cr_expect_eq(others, turn);
        size_t closed = turn < 3 ? turn * ORPHANS_IN_A_TURN : playhouse.players_count;
        cr_expect_eq(playhouse_closed(&playhouse), closed);
        cr_expect_eq(left(), playhouse.players_count - closed, "turn %zu: %zu left", turn, left());
    }
    playhouse_finish(&playhouse);
}

/* Their answers are there before they have ended; libcurl reads them, and nobody else. */
Test(orphan, hears_nothing_of_the_answer_that_comes)
{
    playhouse_init(&playhouse);
    playhouse_begin(&playhouse, ORPHANS_IN_A_TURN + 30);
    playhouse_answer(&playhouse);
    playhouse_cancel(&playhouse, 0);
    playhouse_turn(&playhouse);
    cr_expect_eq(left(), 30);
    playhouse_turn(&playhouse);
    cr_expect_eq(left(), 0);
    cr_expect_eq(playhouse_closed(&playhouse), playhouse.players_count);
    for (size_t i = 0; i < playhouse.players_count; i++)
        cr_expect_not(playhouse.players[i].has_ended);
    cr_expect_eq(kept_handles(), ORPHANS_IN_A_TURN, "those that libcurl saw fail are not kept");
    playhouse_finish(&playhouse);
}

Test(orphan, makes_room_at_once_for_who_asks_for_it_the_oldest_first)
{
    char byte;

    playhouse_init(&playhouse);
    playhouse_begin(&playhouse, 3);
    (void)playhouse_closed(&playhouse); /* takes the requests */
    playhouse_cancel(&playhouse, 0);
    cr_expect_eq(playhouse_closed(&playhouse), 0);
    orphans_yield(&playhouse.handles.orphans, 1);
    cr_expect_eq(left(), 1);
    cr_expect_eq(playhouse_closed(&playhouse), 2);
    cr_expect_eq(recv(playhouse.peers[2], &byte, 1, MSG_DONTWAIT), -1);
    playhouse_turn(&playhouse);
    cr_expect_eq(playhouse_closed(&playhouse), 3);
    playhouse_finish(&playhouse);
}

Test(orphan, leaves_a_handle_whose_next_connection_is_kept)
{
    playhouse_init(&playhouse);
    playhouse_begin(&playhouse, 1);
    playhouse_cancel(&playhouse, 0);
    playhouse_turn(&playhouse);
    for (size_t i = 1; i <= 2; i++) {
        playhouse_begin(&playhouse, 1);
        playhouse_answer(&playhouse);
        playhouse_await(&playhouse, i);
        cr_expect_eq(playhouse.players[i].outcome, CALL_OK);
    }
    cr_expect_eq(playhouse.peers_count, 2, "%zu connections", playhouse.peers_count);
    cr_expect_eq(kept_handles(), 1);
    playhouse_finish(&playhouse);
}
