#include <criterion/criterion.h>

#include "conf/method.h"

Test(method, allow_names_a_set_in_a_fixed_order)
{
    struct store store = {0};
    method_set set = method_of(TEXT("POST")) | method_of(TEXT("HEAD")) | method_of(TEXT("GET"));

    cr_assert_str_eq(method_list(set, &store), "GET, HEAD, POST");
    cr_assert_str_eq(method_list(0, &store), "");
    store_finish(&store);
}

Test(method, unknown_methods_are_one_of_their_own)
{
    cr_assert_eq(method_of(TEXT("BREW")), method_of(TEXT("")));
    cr_assert_neq(method_of(TEXT("BREW")), method_of(TEXT("GET")));
    cr_assert_eq(method_of(TEXT("get")), method_of(TEXT("BREW")));
    cr_assert_neq(method_of(TEXT("BREW")) & METHODS_ANY, 0);
}

Test(method, what_may_be_carried_out_twice_is_known_by_name)
{
    static const char *const safe[] = {"GET", "HEAD", "OPTIONS", "PUT", "DELETE"};
    static const char *const others[] = {"POST", "PATCH", "BREW", "get", "PROPFIND", ""};

    for (size_t i = 0; i < sizeof safe / sizeof safe[0]; i++)
        cr_expect(method_is_idempotent(method_of(text_of(safe[i]))), "%s", safe[i]);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        cr_expect_not(method_is_idempotent(method_of(text_of(others[i]))), "%s", others[i]);
}
