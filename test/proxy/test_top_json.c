#include "proxy/top_json.h"

#include <criterion/criterion.h>

#define DOCUMENT TEXT("{\"n\":12.5,\"s\":\"a\\u001b\\nb\\u00e9~\",\"a\":[1,[2],3],\"o\":{\"n\":7}}")

Test(top_json, members_are_found_where_they_are)
{
    struct text document = DOCUMENT;

    cr_expect_eq(top_json_number(document, "n"), 12.5);
    cr_expect_eq(top_json_number(top_json_member(document, "o"), "n"), 7);
    cr_expect_eq(top_json_count(top_json_member(document, "a")), 3);
}

Test(top_json, what_is_not_there_or_of_another_kind_is_nothing)
{
    struct text document = DOCUMENT;
    struct store store = {0};

    cr_expect_eq(top_json_number(document, "x"), 0);
    cr_expect_eq(top_json_number(document, "s"), 0);
    cr_expect_eq(top_json_number(top_json_member(document, "x"), "n"), 0);
    cr_expect_str_eq(top_json_string(document, "n", &store), "");
    cr_expect_str_eq(top_json_string(document, "x", &store), "");
    cr_expect_eq(top_json_count(top_json_member(document, "o")), 0);
    cr_expect_eq(top_json_count(top_json_member(document, "x")), 0);
    store_finish(&store);
}

Test(top_json, strings_hold_nothing_that_a_terminal_would_obey)
{
    struct text document = DOCUMENT;
    struct store store = {0};

    cr_expect_str_eq(top_json_string(document, "s", &store), "a??b??~");
    store_finish(&store);
}
