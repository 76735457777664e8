#include "conf/steps.h"
#include "test/conf/setter.h"

Test(steps, a_comma_is_then_and_a_plus_is_side_by_side)
{
    struct store store = {0};
    struct steps steps = {0};

    cr_assert_null(set_steps(&steps, "session, stock + price,order", &store));
    cr_assert_eq(steps.count, 3);
    cr_assert_eq(steps.names_count, 4);
    cr_assert_eq(steps.steps[1].first, 1);
    cr_assert_eq(steps.steps[1].count, 2);
    cr_assert_eq(steps.steps[2].first, 3);
    cr_assert_str_eq(steps.names[2], "price");
    cr_assert_eq(steps_find(&steps, "order"), 3);
    cr_assert_eq(steps_find(&steps, "absent"), 4);
    store_finish(&store);
}

Test(steps, a_place_without_a_call_is_a_mistake)
{
    static const char place[] = "has an empty place: write session, stock + price, order";
    static const struct setter_case cases[] = {
        {"a", NULL},
        {"a,", place},
        {",a", place},
        {"a,,b", place},
        {"a + ", place},
        {"+", place},
        {"a, b + a", "has the call a twice"},
        {"a b", "has a call \"a b\", whose name may hold only letters, digits, - and _"},
        {"a.b", "has a call \"a.b\", whose name may hold only letters, digits, - and _"},
    };

    check_setter(set_steps, sizeof(struct steps), cases, COUNT_OF(cases));
}

Test(steps, a_route_has_32_calls_at_most)
{
    static const char calls[] = "1,2,3,4,5,6,7,8+9,10,11,12,13,14,15,16+17+18,19,20,21,22,23,24,25,"
                                "26,27,28,29,30,31,32,33";
    struct store store = {0};
    struct steps steps = {0};
    struct steps fewer = {0};

    cr_assert_str_eq(set_steps(&steps, calls, &store), "has more than 32 calls");
    cr_assert_null(set_steps(&fewer, store_copy(&store, calls, strlen(calls) - 3), &store));
    cr_assert_eq(fewer.names_count, 32);
    store_finish(&store);
}
