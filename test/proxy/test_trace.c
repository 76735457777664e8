#include "proxy/trace.h"

#include <criterion/criterion.h>
#include <string.h>

Test(trace, an_id_is_32_lower_case_hex_digits)
{
    struct trace_source source = {.left = 0};
    char id[TRACE_ID_LENGTH + 1];

    for (int i = 0; i < 1000; i++) {
        trace_id_write(&source, id);
        cr_assert_eq(strlen(id), 32);
        cr_assert_eq(strspn(id, "0123456789abcdef"), 32, "%s", id);
        cr_assert(trace_id_is_valid(text_of(id)));
    }
}

Test(trace, ids_differ_within_a_source_and_between_sources)
{
    enum { MANY = 2000 };
    static char ids[MANY][TRACE_ID_LENGTH + 1];
    struct trace_source sources[2] = {{.left = 0}, {.left = 0}};

    for (int i = 0; i < MANY; i++)
        trace_id_write(&sources[i % 2], ids[i]);
    qsort(ids, MANY, sizeof(ids[0]), (int (*)(const void *, const void *))strcmp);
    for (int i = 1; i < MANY; i++)
        cr_assert_str_neq(ids[i - 1], ids[i]);
}

Test(trace, an_id_is_two_random_numbers_with_the_lowest_digits_first)
{
    struct trace_source source = {.numbers = {0xfedcba9876543210, 0x2d00, 0xf, 0}, .left = 4};
    char id[TRACE_ID_LENGTH + 1];

    trace_id_write(&source, id);
    cr_assert_str_eq(id, "0000000000000000f000000000000000");
    trace_id_write(&source, id);
    cr_assert_str_eq(id, "00d2000000000000"
                         "0123456789abcdef");
}

Test(trace, random_numbers_are_fetched_when_there_are_none_and_used_once)
{
    enum { MANY = 10 * TRACE_NUMBERS };
    struct trace_source source = {.left = 0};
    uint64_t seen[MANY];

    for (int i = 0; i < MANY; i++) {
        seen[i] = trace_random(&source);
        for (int j = 0; j < i; j++)
            cr_assert_neq(seen[i], seen[j], "%d is %d", i, j);
    }
}

Test(trace, every_digit_takes_every_value)
{
    struct trace_source source = {.left = 0};
    char id[TRACE_ID_LENGTH + 1];
    unsigned seen[TRACE_ID_LENGTH] = {0};

    for (int i = 0; i < 2000; i++) {
        trace_id_write(&source, id);
        for (int at = 0; at < TRACE_ID_LENGTH; at++)
            seen[at] |= 1u << (id[at] <= '9' ? id[at] - '0' : id[at] - 'a' + 10);
    }
    for (int at = 0; at < TRACE_ID_LENGTH; at++)
        cr_assert_eq(seen[at], 0xffff, "digit %d: %x", at, seen[at]);
}

Test(trace, a_received_id_may_be_any_visible_ascii_that_needs_no_quoting)
{
    static const char *const valid[] = {
        "1",
        "a-b_c.d:e/f=g",
        "7f2c1f9a-4f0e-4b7e-9b43-0f1f6f0f0a11",
        "!~{}[]<>|;@#$%^&*()+?`",
    };
    static const char *const invalid[] = {
        "", "a b", "a\"b", "a'b", "a\\b", "a,b", " a", "a\t", "a\n", "\x7f", "\xc3\xa9",
    };

    for (size_t i = 0; i < sizeof(valid) / sizeof(valid[0]); i++)
        cr_expect(trace_id_is_valid(text_of(valid[i])), "%s", valid[i]);
    for (size_t i = 0; i < sizeof(invalid) / sizeof(invalid[0]); i++)
        cr_expect_not(trace_id_is_valid(text_of(invalid[i])), "%s", invalid[i]);
    cr_expect_not(trace_id_is_valid((struct text){.at = "a\0b", .count = 3}));
}

Test(trace, a_received_id_has_at_most_128_characters)
{
    char id[130];

    memset(id, 'x', sizeof(id));
    cr_expect(trace_id_is_valid((struct text){.at = id, .count = 128}));
    cr_expect_not(trace_id_is_valid((struct text){.at = id, .count = 129}));
}
