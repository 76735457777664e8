#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/replay.h"

static struct pool pool;
static char body[REPLAY_MAX + 1];

static void begin(void)
{
    pool_init(&pool);
    for (size_t i = 0; i < sizeof(body); i++)
        body[i] = (char)(i * 7 + i / 251);
}

static void finish(void)
{
    pool_finish(&pool);
}

TestSuite(replay, .init = begin, .fini = finish, .timeout = 300);

static void note_in_pieces(struct replay *replay, size_t count, size_t piece)
{
    for (size_t at = 0; at < count; at += piece)
        replay_note(replay, &pool, body + at, piece < count - at ? piece : count - at);
}

/* The copy is the first count bytes of body. */
static void expect_copy(const struct replay *replay, size_t count)
{
    static char out[sizeof(body)];
    struct chain chain = CHAIN_EMPTY;

    replay_copy(replay, &pool, &chain);
    cr_expect_eq(chain.count, count, "%zu bytes, not %zu", chain.count, count);
    cr_expect_eq(chain_take(&chain, &pool, out, sizeof(out)), count);
    cr_expect_eq(memcmp(out, body, count), 0);
    chain_clear(&chain, &pool);
}

Test(replay, gives_back_what_it_was_told_however_it_came)
{
    static const size_t pieces[] = {1, 7, 500, 513, 1400, 4096, 16384, 16385, REPLAY_MAX};

    for (size_t i = 0; i < sizeof(pieces) / sizeof(*pieces); i++) {
        struct replay replay;
        replay_init(&replay, true);
        note_in_pieces(&replay, REPLAY_MAX, pieces[i]);
        cr_expect(replay_is_possible(&replay), "in pieces of %zu", pieces[i]);
        expect_copy(&replay, REPLAY_MAX);
        replay_finish(&replay, &pool);
    }
}

/* Each piece fills a segment and begins another, as far as a size of pieces can do that. */
Test(replay, gives_back_pieces_of_mixed_sizes)
{
    static const size_t steps[] = {3500, 1, 600, 4000, 12000, 511, 512, 16000, 3};
    struct replay replay;
    size_t at = 0;

    replay_init(&replay, true);
    for (size_t i = 0; at + steps[i % 9] <= REPLAY_MAX; i++) {
        replay_note(&replay, &pool, body + at, steps[i % 9]);
        at += steps[i % 9];
    }
    cr_expect(replay_is_possible(&replay));
    expect_copy(&replay, at);
    replay_finish(&replay, &pool);
}

Test(replay, empty_body_can_be_sent_again)
{
    struct replay replay;

    replay_init(&replay, true);
    cr_expect(replay_is_possible(&replay));
    expect_copy(&replay, 0);
    replay_note(&replay, &pool, body, 0);
    cr_expect(replay_is_possible(&replay));
    expect_copy(&replay, 0);
    replay_finish(&replay, &pool);
}

Test(replay, copy_stays_for_the_attempt_after_the_next)
{
    struct replay replay;

    replay_init(&replay, true);
    note_in_pieces(&replay, 20000, 1000);
    expect_copy(&replay, 20000);
    expect_copy(&replay, 20000);
    replay_note(&replay, &pool, body + 20000, 20000);
    expect_copy(&replay, 40000);
    replay_finish(&replay, &pool);
}

Test(replay, copy_comes_behind_what_is_there)
{
    struct chain chain = CHAIN_EMPTY;
    struct replay replay;
    char out[8];

    replay_init(&replay, true);
    replay_note(&replay, &pool, "cde", 3);
    chain_append(&chain, &pool, "ab", 2);
    replay_copy(&replay, &pool, &chain);
    cr_assert_eq(chain_take(&chain, &pool, out, sizeof(out)), 5);
    cr_expect_eq(memcmp(out, "abcde", 5), 0);
    replay_finish(&replay, &pool);
}

Test(replay, one_byte_too_many_and_nothing_is_kept)
{
    static const size_t pieces[] = {1, 1000, REPLAY_MAX, REPLAY_MAX + 1};

    for (size_t i = 0; i < sizeof(pieces) / sizeof(*pieces); i++) {
        struct replay replay;
        replay_init(&replay, true);
        note_in_pieces(&replay, REPLAY_MAX + 1, pieces[i]);
        cr_expect_not(replay_is_possible(&replay), "in pieces of %zu", pieces[i]);
        cr_expect_eq(replay.copy.count, 0);
        replay_finish(&replay, &pool);
    }
}

/* What comes later must not look like the beginning. */
Test(replay, body_that_was_too_long_does_not_become_possible_again)
{
    struct replay replay;

    replay_init(&replay, true);
    note_in_pieces(&replay, REPLAY_MAX + 1, 5000);
    replay_note(&replay, &pool, "x", 1);
    cr_expect_not(replay_is_possible(&replay));
    cr_expect_eq(replay.copy.count, 0);
    replay_finish(&replay, &pool);
}

Test(replay, nothing_is_kept_when_nobody_wants_it)
{
    struct replay replay;

    replay_init(&replay, false);
    replay_note(&replay, &pool, body, 1000);
    cr_expect_not(replay_is_possible(&replay));
    cr_expect_eq(replay.copy.count, 0);
    replay_finish(&replay, &pool);
}

Test(replay, may_be_finished_twice)
{
    struct replay replay;

    replay_init(&replay, true);
    replay_note(&replay, &pool, body, 9000);
    replay_finish(&replay, &pool);
    replay_finish(&replay, &pool);
    cr_expect_eq(replay.copy.count, 0);
}
