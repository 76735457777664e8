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
