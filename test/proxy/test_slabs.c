#include "proxy/slabs.h"

#include <criterion/criterion.h>
#include <stdalign.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

enum { PAGE = 4096, LARGE = 16384, MANY = 400 };

static struct slabs slabs;

TestSuite(slabs, .fini = slabs_end);

/* Around the steps of the sizes, and beyond the largest. */
static const size_t sizes[] = {0,     1,     16,    17,    128,     129,    144,   145,
                               1000,  4096,  5360,  5633,  15360,   15361,  16351, 16384,
                               16385, 30000, 65536, 65537, 1 << 20, 3 << 20};

enum { SIZES = sizeof sizes / sizeof sizes[0] };

/* How many of its pages hold memory. */
static size_t pages_held(void *piece, size_t bytes)
{
    unsigned char is_held[LARGE / PAGE];
    size_t held = 0;

    cr_assert_eq(mincore(piece, bytes, is_held), 0);
    for (size_t page = 0; page < bytes / PAGE; page++)
        held += is_held[page] & 1u;
    return held;
}

Test(slabs, pieces_of_all_sizes_lie_apart_and_are_aligned)
{
    char *pieces[SIZES];

    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < SIZES; i++) {
            pieces[i] = slabs_take(&slabs, sizes[i]);
            cr_assert_eq((uintptr_t)pieces[i] % alignof(max_align_t), 0u);
            cr_assert(sizes[i] < LARGE || (uintptr_t)pieces[i] % PAGE == 0);
            cr_assert_geq(slabs_bytes(pieces[i]), sizes[i]);
            memset(pieces[i], 'a' + i, slabs_bytes(pieces[i]));
        }
        for (int i = 0; i < SIZES; i++) {
            for (size_t at = 0; at < sizes[i]; at++)
                cr_assert_eq(pieces[i][at], 'a' + i);
            slabs_give(&slabs, pieces[i]);
        }
    }
}

Test(slabs, a_piece_takes_little_more_than_was_asked_for)
{
    for (size_t bytes = 100; bytes < 100000; bytes += 7) {
        void *piece = slabs_take(&slabs, bytes);

        size_t more = slabs_bytes(piece) - bytes;
        cr_assert_leq(more, bytes > LARGE ? PAGE : bytes / 6, "%zu more than %zu", more, bytes);
        slabs_give(&slabs, piece);
    }
}

Test(slabs, what_was_given_back_is_taken_again)
{
    for (int i = 0; i < SIZES && sizes[i] <= 65536; i++) {
        char *piece = slabs_take(&slabs, sizes[i]);

        slabs_give(&slabs, piece);
        cr_assert_eq(slabs_take(&slabs, sizes[i]), piece);
        slabs_give(&slabs, piece);
    }
}

Test(slabs, many_pieces_of_one_size_take_several_slabs)
{
    static char *pieces[MANY];

    for (int i = 0; i < MANY; i++) {
        pieces[i] = slabs_take(&slabs, 6000);
        memset(pieces[i], i, 6000);
    }
    for (int i = 0; i < MANY; i++) {
        for (size_t at = 0; at < 6000; at += 100)
            cr_assert_eq(pieces[i][at], (char)i);
        slabs_give(&slabs, pieces[i]);
    }
}

Test(slabs, a_large_piece_holds_no_memory_until_it_is_written_to)
{
    char *pieces[20];

    for (int i = 0; i < 20; i++) {
        pieces[i] = slabs_take(&slabs, LARGE);
        cr_assert_eq(pages_held(pieces[i], LARGE), 0u);
    }
    pieces[3][100] = 'x';
    cr_expect_eq(pages_held(pieces[3], LARGE), 1u);
    cr_expect_eq(pages_held(pieces[4], LARGE), 0u);
}

static size_t bytes_held(char *const *pieces, int count)
{
    size_t held = 0;

    for (int i = 0; i < count; i++)
        held += pages_held(pieces[i], LARGE) * PAGE;
    return held;
}

Test(slabs, large_pieces_that_are_free_hold_no_more_than_some_memory)
{
    static char *pieces[MANY];
    const size_t *kept = &slabs.lists[63].kept;

    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < MANY; i++) {
            pieces[i] = slabs_take(&slabs, LARGE);
            memset(pieces[i], 'x', LARGE);
        }
        for (int i = 0; i < MANY; i++) {
            slabs_give(&slabs, pieces[(i * 7 + round) % MANY]);
            cr_assert_leq(*kept, (size_t)4 << 20);
        }
        cr_assert_eq(bytes_held(pieces, MANY), *kept);
    }
    cr_assert_gt(*kept, 0u);
    cr_expect_gt(pages_held(slabs_take(&slabs, LARGE), LARGE), 0u, "these are taken first");
}

Test(slabs, what_is_in_use_keeps_its_bytes_while_others_give_back_their_memory)
{
    static char *pieces[MANY];

    for (int i = 0; i < MANY; i++) {
        pieces[i] = slabs_take(&slabs, 40000);
        memset(pieces[i], i, 40000);
    }
    for (int i = 0; i < MANY; i++) {
        if (i % 3 != 0)
            slabs_give(&slabs, pieces[i]);
    }
    for (int i = 0; i < MANY; i += 3) {
        for (size_t at = 0; at < 40000; at++)
            cr_assert_eq(pieces[i][at], (char)i);
    }
}

Test(slabs, a_piece_may_be_given_to_other_lists_than_it_came_from)
{
    static struct slabs others;
    char *small = slabs_take(&slabs, 100);
    char *large = slabs_take(&slabs, LARGE);

    slabs_give(&others, small);
    slabs_give(&others, large);
    cr_expect_eq(slabs_take(&others, 100), small);
    cr_expect_eq(slabs_take(&others, LARGE), large);
    cr_expect_neq(slabs_take(&slabs, 100), small);
}

Test(slabs, there_is_no_piece_as_large_as_all_memory)
{
    cr_expect_null(slabs_take(&slabs, SIZE_MAX));
    cr_expect_null(slabs_take(&slabs, SIZE_MAX - PAGE));
}
