#include <criterion/criterion.h>
#include <string.h>

#include "proxy/pool.h"

static struct pool pool;

static void begin(void)
{
    pool_init(&pool);
}

static void finish(void)
{
    pool_finish(&pool);
}

TestSuite(pool, .init = begin, .fini = finish);

Test(pool, a_block_that_was_given_back_is_taken_again)
{
    for (int size = 0; size < POOL_SIZES; size++) {
        void *block = pool_take(&pool, (enum pool_size)size);

        memset(block, 1, pool_bytes((enum pool_size)size));
        pool_give(&pool, (enum pool_size)size, block);
        cr_assert_eq(pool.kept[size], 1u);
        cr_assert_eq(pool_take(&pool, (enum pool_size)size), block);
        pool_give(&pool, (enum pool_size)size, block);
    }
    cr_assert_eq(pool.mallocs, (uint64_t)POOL_SIZES);
}

Test(pool, sizes_are_not_mixed)
{
    void *small = pool_take(&pool, POOL_1K);
    void *big;

    pool_give(&pool, POOL_1K, small);
    big = pool_take(&pool, POOL_16K);
    cr_assert_neq(big, small);
    memset(big, 1, 16384);
    pool_give(&pool, POOL_16K, big);
}

Test(pool, giving_nothing_is_fine)
{
    pool_give(&pool, POOL_4K, NULL);
    cr_assert_eq(pool.kept[POOL_4K], 0u);
}

Test(pool, it_does_not_keep_everything_for_ever)
{
    enum { COUNT = 1000 };
    static void *blocks[COUNT];

    for (int i = 0; i < COUNT; i++)
        blocks[i] = pool_take(&pool, POOL_16K);
    for (int i = 0; i < COUNT; i++)
        pool_give(&pool, POOL_16K, blocks[i]);
    cr_assert_gt(pool.kept[POOL_16K], 0u);
    cr_assert_lt(pool.kept[POOL_16K], (size_t)COUNT);
}

/* Told in steps, so the last few KiB of each pool may be missing. */
Test(pool, what_pools_hold_together_is_counted_and_has_a_limit)
{
    enum { COUNT = 8, LARGE = 100000 };
    static struct pool_total total = {.max = 2 * LARGE};
    struct pool others;
    void *large[COUNT];

    pool_join(&pool, &total);
    pool_init(&others);
    pool_join(&others, &total);
    for (int i = 0; i < COUNT; i++)
        large[i] = pool_take_large(i % 2 ? &pool : &others, LARGE);
    cr_assert_eq(atomic_load(&total.bytes), (size_t)COUNT * LARGE);
    cr_expect(pool_is_spent(&pool) && pool_is_spent(&others));
    cr_expect(pool_allows(&pool, POOL_SHARE));
    cr_expect_not(pool_allows(&pool, POOL_SHARE + 1));
    for (int i = 0; i < COUNT; i++)
        pool_give_large(i % 2 ? &pool : &others, large[i], LARGE);
    cr_expect_eq(atomic_load(&total.bytes), 0u);
    cr_expect_not(pool_is_spent(&pool));
    cr_expect(pool_allows(&pool, (size_t)1 << 40));
    pool_finish(&others);
}

Test(pool, blocks_count_when_they_are_handed_out_not_when_they_are_kept)
{
    enum { COUNT = 100 };
    static struct pool_total total = {.max = 1};
    void *blocks[COUNT];

    pool_join(&pool, &total);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < COUNT; i++)
            blocks[i] = pool_take(&pool, POOL_4K);
        cr_expect_gt(atomic_load(&total.bytes), (size_t)COUNT * 4096 - 65536);
        cr_expect_leq(atomic_load(&total.bytes), (size_t)COUNT * 4096);
        for (int i = 0; i < COUNT; i++)
            pool_give(&pool, POOL_4K, blocks[i]);
        cr_expect_lt(atomic_load(&total.bytes), (size_t)65536);
    }
    cr_expect_eq(pool.used, 0u);
}

Test(pool, without_a_limit_everything_is_allowed)
{
    cr_expect_not(pool_is_spent(&pool));
    cr_expect(pool_allows(&pool, SIZE_MAX));
}
