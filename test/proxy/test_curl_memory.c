#include "proxy/curl_memory.h"

#include <criterion/criterion.h>
#include <stdint.h>
#include <string.h>

/* Around each of the sizes that are kept, and beyond the largest. */
static const size_t sizes[] = {0, 1, 31, 32, 33, 64, 1000, 4096, 4097, 32768, 32769, 100000};

enum { SIZES = sizeof sizes / sizeof sizes[0] };

TestSuite(curl_memory, .fini = curl_memory_end);

Test(curl_memory, pieces_lie_apart_and_are_as_large_as_asked_for)
{
    char *pieces[SIZES];

    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < SIZES; i++) {
            pieces[i] = curl_memory_take(sizes[i]);
            cr_assert_not_null(pieces[i]);
            memset(pieces[i], 'a' + i, sizes[i]);
        }
        for (int i = 0; i < SIZES; i++) {
            for (size_t at = 0; at < sizes[i]; at++)
                cr_assert_eq(pieces[i][at], 'a' + i);
            curl_memory_give(pieces[i]);
        }
    }
}

Test(curl_memory, cleared_pieces_are_clear_whoever_had_them_before)
{
    char *piece = curl_memory_take(500);

    memset(piece, 'x', 500);
    curl_memory_give(piece);
    piece = curl_memory_take_clear(5, 100);
    for (size_t at = 0; at < 500; at++)
        cr_assert_eq(piece[at], 0);
    curl_memory_give(piece);
    cr_expect_null(curl_memory_take_clear(SIZE_MAX, 2));
}

Test(curl_memory, a_piece_that_grows_keeps_what_is_in_it)
{
    char *piece = curl_memory_resize(NULL, 10);

    memcpy(piece, "123456789", 10);
    for (size_t size = 20; size < 200000; size *= 3) {
        piece = curl_memory_resize(piece, size);
        cr_assert_str_eq(piece, "123456789");
        piece[size - 1] = 'x';
    }
    piece = curl_memory_resize(piece, 5);
    cr_expect_eq(memcmp(piece, "12345", 5), 0);
    curl_memory_give(piece);
}

Test(curl_memory, a_copy_is_a_string_of_its_own_and_nothing_can_be_given)
{
    char *copy = curl_memory_copy("copy me");

    cr_expect_str_eq(copy, "copy me");
    curl_memory_give(copy);
    curl_memory_give(NULL);
}
