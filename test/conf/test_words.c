#include "conf/words.h"

#include <criterion/criterion.h>
#include <string.h>

Test(words, a_name_is_letters_digits_dash_and_underscore)
{
    static const char *const good[] = {"a", "order-2", "A_b",
                                       "0", "-",       "a-name-of-32-bytes-but-not-of-33"};
    static const char *const bad[] = {"",    "a b", "a.b", "\xc3\xa4",
                                      "a\"", "a;",  "a=",  "a-name-of-33-bytes-and-not-of-32-"};

    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        cr_expect_null(name_fault(good[i]), "%s", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        cr_expect_not_null(name_fault(bad[i]), "%s", bad[i]);
}

Test(words, a_token_is_what_http_says)
{
    cr_assert(token_is("X-Request-Timeout-Ms"));
    cr_assert(token_is("!#$%&'*+-.^_`|~09"));
    cr_assert_not(token_is(""));
    cr_assert_not(token_is("a b"));
    cr_assert_not(token_is("a:"));
    cr_assert_not(token_is("a\x80"));
}

Test(words, items_come_without_the_blanks_around_them)
{
    struct store store = {0};
    const char *rest = " a ,b c,, \td\t";

    cr_assert_str_eq(items_next(&rest, ',', &store), "a");
    cr_assert_str_eq(items_next(&rest, ',', &store), "b c");
    cr_assert_str_eq(items_next(&rest, ',', &store), "");
    cr_assert_str_eq(items_next(&rest, ',', &store), "d");
    cr_assert_null(rest);
    store_finish(&store);
}
