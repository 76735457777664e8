#include <criterion/criterion.h>
#include <stdalign.h>
#include <stdint.h>
#include <string.h>

#include "proxy/arena.h"

static struct pool pool;
static struct arena arena;

static void begin(void)
{
    pool_init(&pool);
    arena_init(&arena, &pool);
}

static void finish(void)
{
    arena_finish(&arena);
    pool_finish(&pool);
}

TestSuite(arena, .init = begin, .fini = finish);

Test(arena, pieces_are_aligned_and_apart)
{
    static const size_t SIZES[] = {0, 1, 3, 16, 100, 4000, 4080, 5000, 40000};
    enum { COUNT = 9, ROUNDS = 20 };
    char *pieces[COUNT * ROUNDS];

    for (int i = 0; i < COUNT * ROUNDS; i++) {
        pieces[i] = arena_take(&arena, SIZES[i % COUNT]);
        cr_assert_eq((uintptr_t)pieces[i] % alignof(max_align_t), 0u);
        memset(pieces[i], i, SIZES[i % COUNT]);
    }
    for (int i = 0; i < COUNT * ROUNDS; i++) {
        for (size_t at = 0; at < SIZES[i % COUNT]; at++)
            cr_assert_eq(pieces[i][at], (char)i);
    }
}

Test(arena, its_blocks_go_back_to_the_pool)
{
    for (int i = 0; i < 100; i++)
        memset(arena_take(&arena, 1000), 1, 1000);
    arena_finish(&arena);
    arena_init(&arena, &pool);
    uint64_t mallocs = pool.mallocs;
    cr_assert_eq(pool.kept[POOL_4K], (size_t)mallocs);
    for (int i = 0; i < 100; i++)
        arena_take(&arena, 1000);
    cr_assert_eq(pool.mallocs, mallocs);
}

Test(arena, a_big_piece_leaves_the_room_in_the_newest_block)
{
    arena_take(&arena, 16);
    arena_take(&arena, 100000);
    arena_take(&arena, 16);
    cr_assert_eq(pool.mallocs, 1u);
}

Test(arena, text_is_copied_and_terminated)
{
    cr_assert_str_eq(arena_copy(&arena, (struct text){"hello, world", 5}), "hello");
    cr_assert_str_eq(arena_copy(&arena, TEXT_NONE), "");
}

Test(arena, text_is_printed_and_cut_where_it_is_too_long)
{
    struct text text = arena_print(&arena, "%s-%d", "a", 7);

    cr_assert_str_eq(text.at, "a-7");
    cr_assert_eq(text.count, 3u);
    text = arena_print(&arena, "%05000d", 0);
    cr_assert_eq(text.count, 4000u);
    cr_assert_eq(strlen(text.at), 4000u);
}
