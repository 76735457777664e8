/* Many transfers stand in several of libcurl's multi handles, and nobody notices. */
#include "proxy/shard.h"

#include <criterion/criterion.h>
#include <sys/socket.h>

#include "test/support/playhouse.h"

TestSuite(shard, .timeout = 300);

enum { MANY = SHARD_TRANSFERS + 40 };

static struct playhouse playhouse;

/* How many transfers the n-th has; -1: there is none. */
static int count_of(int n)
{
    const struct shard *shard = playhouse.handles.shards.first;

    while (shard && n-- > 0)
        shard = shard->next;
    return shard ? (int)shard->count : -1;
}

Test(shard, is_filled_before_the_next_has_any)
{
    playhouse_init(&playhouse);
    cr_expect_eq(count_of(0), 0);
    cr_expect_eq(count_of(1), -1);
    playhouse_begin(&playhouse, SHARD_TRANSFERS);
    cr_expect_eq(count_of(0), SHARD_TRANSFERS);
    cr_expect_eq(count_of(1), -1);
    playhouse_begin(&playhouse, 40);
    cr_expect_eq(count_of(1), 40);
    attempt_cancel(&playhouse.players[3].attempt);
    playhouse_turn(&playhouse);
    playhouse_begin(&playhouse, 1);
    cr_expect_eq(count_of(0), SHARD_TRANSFERS);
    cr_expect_eq(count_of(1), 40);
    playhouse_finish(&playhouse);
}

Test(shard, has_connections_that_are_used_again)
{
    playhouse_init(&playhouse);
    for (size_t first = 0; first < 2 * MANY; first += MANY) {
        playhouse_begin(&playhouse, MANY);
        playhouse_answer(&playhouse);
        playhouse_await(&playhouse, first);
        cr_expect_eq(count_of(0) + count_of(1), 0);
    }
    for (size_t i = 0; i < playhouse.players_count; i++)
        cr_expect_eq(playhouse.players[i].outcome, CALL_OK);
    cr_expect_eq(playhouse.peers_count, MANY, "%zu connections", playhouse.peers_count);
    cr_expect_eq(playhouse_closed(&playhouse), 0);
    playhouse_finish(&playhouse);
}

static void rest(void)
{
    event_active(&playhouse.handles.shards.first->rest, EV_TIMEOUT, 0);
    playhouse_turn(&playhouse);
}

/* Time is not waited for: its timer is said to be due. */
Test(shard, that_is_not_used_for_long_closes_what_it_has)
{
    playhouse_init(&playhouse);
    for (size_t first = 0; first < 4; first += 2) {
        playhouse_begin(&playhouse, 2);
        rest();
        rest();
        playhouse_answer(&playhouse);
        playhouse_await(&playhouse, first);
        cr_expect_eq(playhouse.players[first].outcome, CALL_OK);
        rest();
        cr_expect_eq(playhouse_closed(&playhouse), first);
        rest();
        cr_expect_eq(playhouse_closed(&playhouse), first + 2);
    }
    playhouse_finish(&playhouse);
}

Test(shard, closes_connections_at_once_when_all_are_dead)
{
    const struct shard *shard;

    playhouse_init(&playhouse);
    shard = playhouse.handles.shards.first;
    playhouse_begin(&playhouse, 3);
    playhouse_answer(&playhouse);
    playhouse_await(&playhouse, 0);
    for (size_t i = 0; i < 3; i++) {
        cr_expect_eq(shard->connections, 3);
        cr_expect_eq(shard->dead, i);
        shutdown(playhouse.peers[i], SHUT_WR);
        playhouse_turn(&playhouse);
    }
    cr_expect_eq(shard->connections, 0);
    cr_expect_eq(shard->dead, 0);
    playhouse_begin(&playhouse, 1);
    cr_expect_eq(shard->connections, 1);
    playhouse_finish(&playhouse);
}

Test(shard, needs_two_descriptors)
{
    cr_expect_eq(shards_descriptors(1), 2);
    cr_expect_eq(shards_descriptors(SHARD_TRANSFERS), 2);
    cr_expect_eq(shards_descriptors(SHARD_TRANSFERS + 1), 4);
}
