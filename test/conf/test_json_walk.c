#include "conf/json_walk.h"

#include <criterion/criterion.h>

static struct json_walk walk;

static void expect_part(const char *name, const char *value)
{
    struct text found_name;
    struct text found;

    cr_assert(json_walk_next(&walk, &found_name, &found), "no %s", value);
    cr_expect(text_is(found_name, text_of(name)), "%.*s", (int)found_name.count, found_name.at);
    cr_expect(text_is(found, text_of(value)), "%.*s", (int)found.count, found.at);
}

static void expect_end(void)
{
    struct text name;
    struct text value;

    cr_expect_not(json_walk_next(&walk, &name, &value));
}

Test(json_walk, elements_come_in_order_as_they_are_written)
{
    json_walk_init(&walk, TEXT("[1, \"a,]\" ,[2,3] , {\"b\":[]},null]"));
    expect_part("", "1");
    expect_part("", "\"a,]\"");
    expect_part("", "[2,3]");
    expect_part("", "{\"b\":[]}");
    expect_part("", "null");
    expect_end();
}

Test(json_walk, members_come_with_their_names_as_they_are_written)
{
    json_walk_init(&walk, TEXT("{ \"a\" : 1 ,\"b:\\\"\":{\"c\":2}, \"a\":[] }"));
    expect_part("\"a\"", "1");
    expect_part("\"b:\\\"\"", "{\"c\":2}");
    expect_part("\"a\"", "[]");
    expect_end();
}

Test(json_walk, what_holds_nothing_has_no_parts)
{
    static const char *const values[] = {"[]", "{}", "[ ]", "{\n}", "7", "\"[1]\"", "null"};

    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        json_walk_init(&walk, text_of(values[i]));
        expect_end();
    }
    json_walk_init(&walk, (struct text){.at = NULL});
    expect_end();
}
