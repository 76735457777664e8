#include "conf/store.h"

#include <criterion/criterion.h>
#include <string.h>

Test(store, memory_comes_zeroed)
{
    struct store store = {0};
    const char *memory = store_take(&store, 100);

    for (size_t i = 0; i < 100; i++)
        cr_assert_eq(memory[i], 0);
    cr_assert_not_null(store_take(&store, 0));
    store_finish(&store);
}

Test(store, a_list_grows_one_by_one_and_keeps_its_items)
{
    struct store store = {0};
    int *list = NULL;

    for (int i = 0; i < 1000; i++) {
        list = store_grow(&store, list, (size_t)i, sizeof *list);
        cr_assert_eq(list[i], 0);
        list[i] = i + 1;
    }
    for (int i = 0; i < 1000; i++)
        cr_assert_eq(list[i], i + 1);
    store_finish(&store);
}

Test(store, copies_are_terminated)
{
    struct store store = {0};

    cr_assert_str_eq(store_copy(&store, "abcdef", 3), "abc");
    cr_assert_str_eq(store_copy(&store, "", 0), "");
    cr_assert_str_eq(store_print(&store, "%s-%d", "a", 7), "a-7");
    store_finish(&store);
    cr_assert_null(store.last);
}
