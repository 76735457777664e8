#include "proxy/log_ring.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static struct log_ring *ring;

static void set_up(void)
{
    ring = aligned_alloc(alignof(struct log_ring), sizeof(*ring));
    cr_assert(ring);
    memset(ring, 0, sizeof(*ring));
}

static void tear_down(void)
{
    free(ring);
}

TestSuite(log_ring, .init = set_up, .fini = tear_down);

/* Moves the place where the next line begins. */
static void advance(size_t count)
{
    static char line[LOG_RING_BYTES];

    cr_assert_eq(log_ring_put(ring, line, count - 1), count);
    cr_assert_eq(log_ring_take(ring, count), '\n');
}

Test(log_ring, gives_lines_back_in_order)
{
    struct iovec pieces[2];

    cr_assert_eq(log_ring_put(ring, "one", 3), 4);
    cr_assert_eq(log_ring_put(ring, "two", 3), 8);
    cr_assert_eq(log_ring_count(ring), 8);
    cr_assert_eq(log_ring_pieces(ring, 8, pieces), 1);
    cr_assert_eq(pieces[0].iov_len, 8);
    cr_assert_arr_eq(pieces[0].iov_base, "one\ntwo\n", 8);
    cr_assert_eq(log_ring_take(ring, 5), 't');
    cr_assert_eq(log_ring_take(ring, 3), '\n');
    cr_assert_eq(log_ring_count(ring), 0);
}

Test(log_ring, a_line_across_its_end_is_two_pieces)
{
    struct iovec pieces[2];

    advance(LOG_RING_BYTES - 2);
    cr_assert_eq(log_ring_put(ring, "abcd", 4), 5);
    cr_assert_eq(log_ring_pieces(ring, 5, pieces), 2);
    cr_assert_eq(pieces[0].iov_len, 2);
    cr_assert_arr_eq(pieces[0].iov_base, "ab", 2);
    cr_assert_eq(pieces[1].iov_len, 3);
    cr_assert_arr_eq(pieces[1].iov_base, "cd\n", 3);
    cr_assert_eq(log_ring_drop(ring, 5), 1);
}

Test(log_ring, takes_no_line_that_does_not_fit_with_its_end)
{
    static char line[LOG_RING_BYTES];

    cr_assert_eq(log_ring_put(ring, line, LOG_RING_BYTES), 0);
    cr_assert_eq(log_ring_put(ring, line, LOG_RING_BYTES - 1), LOG_RING_BYTES);
    cr_assert_eq(log_ring_put(ring, line, 0), 0);
    cr_assert_eq(log_ring_take(ring, LOG_RING_BYTES), '\n');
    cr_assert_eq(log_ring_put(ring, line, 0), 1);
}

Test(log_ring, counts_the_lines_that_are_dropped_and_one_for_the_rest_of_a_line)
{
    cr_assert_eq(log_ring_put(ring, "one", 3), 4);
    cr_assert_eq(log_ring_put(ring, "two", 3), 8);
    cr_assert_eq(log_ring_take(ring, 2), 'n');
    cr_assert_eq(log_ring_drop(ring, 6), 2);
    cr_assert_eq(log_ring_count(ring), 0);
}
