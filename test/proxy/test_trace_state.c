#include "proxy/trace_state.h"

#include <criterion/criterion.h>
#include <stdio.h>

#include "proxy/client.h"

TestSuite(trace_state);

static char room[TRACE_STATE_MAX];

/* A text of so many of one byte, terminated; twenty may be in use. */
static const char *times(char byte, size_t count)
{
    static char rooms[20][600];
    static size_t next;
    char *text = rooms[next++ % 20];

    cr_assert_lt(count, sizeof rooms[0]);
    memset(text, byte, count);
    text[count] = '\0';
    return text;
}

/* Joins three texts; twenty may be in use. */
static const char *joined(const char *first, const char *second, const char *third)
{
    static char rooms[20][2000];
    static size_t next;
    char *text = rooms[next++ % 20];
    int count = snprintf(text, sizeof rooms[0], "%s%s%s", first, second, third);

    cr_assert_lt(count, (int)sizeof rooms[0]);
    return text;
}

static void expect(const char *value, const char *expected)
{
    const struct header header = {.name = TEXT("tracestate"), .value = text_of(value)};
    struct text state = trace_state_read(&header, 1, room);

    cr_expect(text_is(state, text_of(expected)), "%s: %.*s", value, (int)state.count, state.at);
}

static void expect_none(const char *value)
{
    expect(value, "");
}

static void expect_same(const char *value)
{
    expect(value, value);
}

Test(trace_state, members_are_kept_in_order_without_what_is_around_them)
{
    expect_same("rojo=00f067aa0ba902b7,congo=t61rcWkgMzE");
    expect(" \tfoo=1 \t , bar=2\t", "foo=1,bar=2");
    expect(",,foo=1, ,bar=2,", "foo=1,bar=2");
    expect_none("");
    expect_none(" , ,");
}

Test(trace_state, several_headers_are_one_list)
{
    const struct header headers[] = {
        {TEXT("traceparent"), TEXT("a=1")},
        {TEXT("Tracestate"), TEXT("b=2, c=3")},
        {TEXT("tracestate-more"), TEXT("d=4")},
        {TEXT("TRACESTATE"), TEXT("e=5")},
    };

    cr_expect(text_is(trace_state_read(headers, 4, room), TEXT("b=2,c=3,e=5")));
    cr_expect_eq(trace_state_read(headers, 1, room).count, 0);
    cr_expect_eq(trace_state_read(NULL, 0, room).count, 0);
}

Test(trace_state, keys_are_names_or_systems_of_tenants)
{
    expect_same("a=1,z09_-*/=1,fw529a3039@dt=1,0tenant@s-_*/9=1");
    static const char *const invalid[] = {
        "=1",    "A=1",  "aB=1", "0a=1",  "_a=1",    "a b=1",  "a =1",
        "a.b=1", "a@=1", "@a=1", "a@0=1", "a@b@c=1", "-a@b=1", "\xc3\xa4=1",
    };
    for (size_t i = 0; i < sizeof invalid / sizeof invalid[0]; i++)
        expect(joined("ok=1,", invalid[i], ",too=2"), "ok=1,too=2");
}

Test(trace_state, values_are_visible_and_may_have_spaces_in_front)
{
    expect_same("a=!\"#$%&'()*+-./:;<>?@[\\]^_`{|}~,b=  two  words");
    static const char *const invalid[] = {"a",   "a=",    "a= ",    "a=b=c",
                                          "a==", "a=\tb", "a=\x7f", "a=\xff"};
    for (size_t i = 0; i < sizeof invalid / sizeof invalid[0]; i++)
        expect(joined("ok=1,", invalid[i], ",too=2"), "ok=1,too=2");
}

Test(trace_state, keys_and_values_have_a_longest)
{
    expect_same(joined(times('k', 256), "=", "v"));
    expect_none(joined(times('k', 257), "=", "v"));
    expect_same(joined("k", "=", times('v', 256)));
    expect_none(joined("k", "=", times('v', 257)));
    expect_same(joined(times('t', 241), "@s", "=v"));
    expect_none(joined(times('t', 242), "@s", "=v"));
    expect_same(joined("t@", times('s', 14), "=v"));
    expect_none(joined("t@", times('s', 15), "=v"));
}

/* Who has it in front has noted it last. */
Test(trace_state, of_members_with_the_same_key_the_first_is_kept)
{
    expect("a=1,b=2,a=3", "a=1,b=2");
    expect("a= ,a=2", "a=2");
}

Test(trace_state, there_are_32_members_at_most)
{
    char list[40 * 5 + 1] = "", kept[32 * 5] = "";

    for (int i = 0; i < 40; i++)
        memcpy(list + 5 * i, (char[]){(char)('a' + i / 10), (char)('0' + i % 10), '=', '1', ','},
               5);
    memcpy(kept, list, sizeof kept - 1);
    expect(list, kept);
}

Test(trace_state, what_is_just_not_too_long_is_whole)
{
    expect_same(joined(joined("a=", times('1', 253), ",b="), times('2', 254), ""));
    expect_none(joined(joined("a=", times('1', 253), ",b="), times('2', 255), ""));
    expect_none(joined(times('k', 256), "=", times('v', 256)));
}

Test(trace_state, in_a_list_that_is_too_long_long_members_go_first_and_then_those_at_its_end)
{
    const char *large = joined("a=", times('1', 127), ",");  /* 129 bytes */
    const char *medium = joined("b=", times('2', 126), ","); /* 128 bytes */
    const char *more = joined("c=", times('3', 126), ",");
    const char *further = joined("d=", times('4', 126), ",");

    cr_assert_eq(strlen(medium), 129, "with its comma");
    expect(joined(large, joined(medium, more, further), "e=5"),
           joined(medium, more, joined(further, "e=5", "")));
    expect(joined(medium, joined(more, further, "e="), joined(times('5', 126), ",f=6", "")),
           joined("b=", times('2', 126),
                  joined(",c=", times('3', 126), joined(",d=", times('4', 126), ""))));
}
