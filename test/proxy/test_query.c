#include "proxy/query.h"

#include <criterion/criterion.h>

static struct query query;

static void expect_pair(const char *name, const char *value)
{
    struct text found_name;
    struct text found_value;

    cr_assert(query_next(&query, &found_name, &found_value), "no %s", name);
    cr_expect(text_is(found_name, text_of(name)), "%.*s", (int)found_name.count, found_name.at);
    cr_expect(text_is(found_value, text_of(value)), "%.*s", (int)found_value.count, found_value.at);
}

static void expect_end(void)
{
    struct text name;
    struct text value;

    cr_assert_not(query_next(&query, &name, &value));
    cr_expect_null(query.fault);
}

Test(query, parameters_come_in_order_with_their_values)
{
    query_init(&query, TEXT("route=page&worst=1&route=other"));
    expect_pair("route", "page");
    expect_pair("worst", "1");
    expect_pair("route", "other");
    expect_end();
}

Test(query, a_value_may_be_empty_or_hold_an_equals_sign)
{
    query_init(&query, TEXT("a&b=&c=d=e&=f"));
    expect_pair("a", "");
    expect_pair("b", "");
    expect_pair("c", "d=e");
    expect_pair("", "f");
    expect_end();
}

Test(query, nothing_between_two_marks_is_no_parameter)
{
    query_init(&query, TEXT("&&a=1&&"));
    expect_pair("a", "1");
    expect_end();
    query_init(&query, TEXT_NONE);
    expect_end();
}

Test(query, a_plus_is_a_blank_and_escapes_are_undone_after_the_split)
{
    query_init(&query, TEXT("%6eame=a+b%2Bc%26d%3de%25&caf%C3%A9=%00"));
    expect_pair("name", "a b+c&d=e%");
    struct text name;
    struct text value;
    cr_assert(query_next(&query, &name, &value));
    cr_expect(text_is(name, TEXT("caf\xc3\xa9")));
    cr_expect_eq(value.count, 1);
    cr_expect_eq(value.at[0], '\0');
    expect_end();
}

Test(query, a_broken_escape_is_a_fault_wherever_it_stands)
{
    static const char *const texts[] = {"a=%", "a=%4", "a=%4g", "a=%g4", "%=b", "a=1&b=%%20"};

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct text name;
        struct text value;
        query_init(&query, text_of(texts[i]));
        while (query_next(&query, &name, &value))
            continue;
        cr_expect_not_null(query.fault, "%s", texts[i]);
    }
}

Test(query, holds_1024_bytes_and_not_one_more)
{
    static char text[QUERY_MAX + 1];
    struct text name;
    struct text value;

    memset(text, 'a', sizeof text);
    query_init(&query, (struct text){.at = text, .count = QUERY_MAX});
    cr_assert(query_next(&query, &name, &value));
    cr_expect_eq(name.count, QUERY_MAX);
    query_init(&query, (struct text){.at = text, .count = sizeof text});
    cr_expect_not(query_next(&query, &name, &value));
    cr_expect_not_null(query.fault);
}
