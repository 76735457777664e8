#include <criterion/criterion.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/chain.h"

static struct pool pool;

static void begin(void)
{
    pool_init(&pool);
}

static void finish(void)
{
    pool_finish(&pool);
}

TestSuite(chain, .init = begin, .fini = finish);

static void append(struct chain *chain, const char *text)
{
    chain_append(chain, &pool, text, strlen(text));
}

static void assert_drained(struct chain *chain, const char *expected)
{
    char text[256];
    size_t count = chain->count;

    cr_assert_eq(chain_take(chain, &pool, text, sizeof(text) - 1), count);
    text[count] = '\0';
    cr_assert_str_eq(text, expected);
    cr_assert_null(chain->first);
    cr_assert_null(chain->last);
    cr_assert_eq(chain->count, 0);
}

Test(chain, bytes_come_out_as_they_went_in)
{
    struct chain chain = CHAIN_EMPTY;
    static char in[100000];
    static char out[100000];
    size_t at = 0;

    for (size_t i = 0; i < sizeof(in); i++)
        in[i] = (char)(i * 7 + i / 251);
    for (size_t step = 1; at < sizeof(in); at += step, step = step * 2 % 30011)
        chain_append(&chain, &pool, in + at, step < sizeof(in) - at ? step : sizeof(in) - at);
    cr_assert_eq(chain.count, sizeof(in));
    at = 0;
    for (size_t step = 1; chain.count > 0; step = step * 3 % 20011)
        at += chain_take(&chain, &pool, out + at, step);
    cr_assert_eq(at, sizeof(in));
    cr_assert_eq(memcmp(in, out, sizeof(in)), 0);
}

Test(chain, moving_keeps_the_order)
{
    struct chain to = CHAIN_EMPTY;
    struct chain from = CHAIN_EMPTY;

    chain_move(&to, &from, &pool);
    append(&from, "ab");
    chain_move(&to, &from, &pool);
    append(&from, "cd");
    chain_move(&to, &from, &pool);
    chain_move(&to, &from, &pool);
    cr_assert_eq(from.count, 0);
    cr_assert_null(from.first);
    append(&to, "ef");
    assert_drained(&to, "abcdef");
}

Test(chain, room_can_be_written_into)
{
    struct chain chain = CHAIN_EMPTY;
    size_t room = 0;
    char *at = chain_room(&chain, &pool, &room);

    cr_assert_geq(room, 1u);
    memcpy(at, "hello", 5);
    chain_wrote(&chain, 5);
    chain_room(&chain, &pool, &room);
    chain_wrote(&chain, 0);
    append(&chain, "!");
    assert_drained(&chain, "hello!");
}

Test(chain, pieces_are_the_bytes_at_the_front)
{
    struct chain chain = CHAIN_EMPTY;
    struct iovec pieces[64];
    size_t total = 0;
    static char byte[40000];
    int count;

    chain_append(&chain, &pool, byte, sizeof(byte));
    chain_drop(&chain, &pool, 100);
    count = chain_pieces(&chain, pieces, 64);
    for (int i = 0; i < count; i++) {
        cr_assert_gt(pieces[i].iov_len, 0u);
        total += pieces[i].iov_len;
    }
    cr_assert_eq(total, sizeof(byte) - 100);
    cr_assert_eq(chain_pieces(&chain, pieces, 1), 1);
    chain_drop(&chain, &pool, SIZE_MAX);
    cr_assert_eq(chain.count, 0);
    cr_assert_eq(chain_pieces(&chain, pieces, 64), 0);
}

Test(chain, framing_makes_a_chunk_of_each_segment_and_of_no_empty_one)
{
    struct chain chain = CHAIN_EMPTY;
    static char expected[40000], out[40000];
    size_t room;
    size_t count = chain_segment_bytes();
    int length = snprintf(expected, sizeof(expected), "%zx\r\n", count);

    memset(expected + length, 'x', count);
    chain_append(&chain, &pool, expected + length, 1); /* a small segment comes first */
    chain_drop(&chain, &pool, 1);
    chain_append(&chain, &pool, expected + length, count);
    chain_append(&chain, &pool, "!", 1);
    chain_room(&chain, &pool, &room);
    chain_frame(&chain);
    strcpy(expected + length + count, "\r\n1\r\n!\r\n");
    cr_assert_eq(chain_take(&chain, &pool, out, sizeof(out)), strlen(expected));
    cr_assert_str_eq(out, expected);
    chain_clear(&chain, &pool);
}

Test(chain, a_full_segment_can_be_framed)
{
    struct chain chain = CHAIN_EMPTY;
    static char bytes[16000];
    static char out[20000];
    size_t unframed = 0;
    size_t count;

    memset(bytes, 'x', sizeof(bytes));
    while (unframed < 70000) {
        chain_append(&chain, &pool, bytes, sizeof(bytes));
        unframed += sizeof(bytes);
    }
    chain_frame(&chain);
    cr_assert_gt(chain.count, unframed);
    while (chain.count > 0) {
        size_t size;

        cr_assert_eq(chain_take(&chain, &pool, out, 6), 6u);
        if (out[4] != '\r') /* a shorter number: the last segment */
            break;
        size = strtoul(out, NULL, 16);
        count = chain_take(&chain, &pool, out, size + 2);
        cr_assert_eq(count, size + 2);
        cr_assert_eq(memcmp(out + size, "\r\n", 2), 0);
    }
    chain_clear(&chain, &pool);
}

Test(chain, what_was_framed_can_be_followed_by_more)
{
    struct chain chain = CHAIN_EMPTY;

    append(&chain, "abc");
    chain_frame(&chain);
    append(&chain, "0\r\n\r\n");
    assert_drained(&chain, "3\r\nabc\r\n0\r\n\r\n");
}

/* As they come from somebody who sends little at a time, or from one who sends as much as is read. */
Test(chain, what_is_moved_piece_by_piece_takes_little_more_than_twice_its_bytes)
{
    static const size_t sizes[] = {1, 100, 4000, 4080, 8200, 16000, 16384};
    static char bytes[16384];

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct chain to = CHAIN_EMPTY;
        struct chain piece = CHAIN_EMPTY;
        size_t count = 0;

        for (; count < 300000; count += sizes[i]) {
            chain_append(&piece, &pool, bytes, sizes[i]);
            chain_move(&to, &piece, &pool);
        }
        cr_expect_eq(to.count, count);
        cr_expect_lt(pool.used, 9 * count / 4, "%zu for %zu, by %zu", pool.used, count, sizes[i]);
        chain_clear(&to, &pool);
    }
}
