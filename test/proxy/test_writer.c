#include "proxy/writer.h"

#include <criterion/criterion.h>
#include <string.h>

static char room[256];

static struct writer fresh(void)
{
    return writer_on(room, sizeof room);
}

static void expect(const struct writer *writer, const char *expected)
{
    struct text text = writer_text(writer);

    cr_expect(text_is(text, text_of(expected)), "%.*s is not %s", (int)text.count, text.at,
              expected);
}

Test(writer, says_milliseconds_with_one_decimal_rounded_down)
{
    static const struct {
        int64_t ns;
        const char *text;
    } rows[] = {
        {0, "0.0"},           {99999, "0.0"},         {100000, "0.1"},
        {331599999, "331.5"}, {1200000000, "1200.0"}, {INT64_MAX, "9223372036854.7"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct writer writer = fresh();
        write_ms(&writer, (struct span){.ns = rows[i].ns});
        expect(&writer, rows[i].text);
    }
}

Test(writer, begins_a_line_with_the_end_of_the_one_before)
{
    struct writer writer = fresh();

    write_string(&writer, "A: 1");
    write_line(&writer, "X-B", TEXT("2"));
    write_line(&writer, "X-Empty", TEXT_NONE);
    expect(&writer, "A: 1\r\nX-B: 2\r\nX-Empty: ");
}

Test(writer, says_milliseconds_as_short_as_they_are)
{
    static const struct {
        int64_t us;
        const char *text;
    } rows[] = {{0, "0"},          {900, "0.9"},  {1, "0.001"},         {10, "0.01"},
                {1200000, "1200"}, {1500, "1.5"}, {1234567, "1234.567"}};

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct writer writer = fresh();
        write_ms_short(&writer, span_us(rows[i].us));
        expect(&writer, rows[i].text);
    }
}

Test(writer, says_numbers_to_their_ends)
{
    struct writer writer = fresh();

    write_number(&writer, 0);
    write_char(&writer, ' ');
    write_number(&writer, INT64_MAX);
    write_char(&writer, ' ');
    write_number(&writer, INT64_MIN);
    expect(&writer, "0 9223372036854775807 -9223372036854775808");
}

Test(writer, a_logfmt_value_cannot_forge_a_field_or_a_line)
{
    static const struct {
        const char *value;
        const char *text;
    } rows[] = {
        {"/plain/path?x", "/plain/path?x"},
        {"", "\"\""},
        {"two words", "\"two words\""},
        {"a=b", "\"a=b\""},
        {"say \"so\"", "\"say \\\"so\\\"\""},
        {"back\\slash", "\"back\\\\slash\""},
        {"line\nstatus=200", "\"line\\x0astatus=200\""},
        {"\xc3\xa9\x7f", "\"\\xc3\\xa9\\x7f\""},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct writer writer = fresh();
        write_logfmt(&writer, text_of(rows[i].value));
        expect(&writer, rows[i].text);
    }
}

Test(writer, decimals_are_counted_in_units_of_the_last)
{
    static const struct {
        uint64_t value;
        unsigned decimals;
        const char *text;
    } rows[] = {
        {0, 1, "0.0"},
        {2000042, 6, "2.000042"},
        {999999999, 9, "0.999999999"},
        {UINT64_MAX, 9, "18446744073.709551615"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct writer writer = fresh();
        write_decimal(&writer, rows[i].value, rows[i].decimals);
        expect(&writer, rows[i].text);
    }
}

Test(writer, a_quoted_value_stays_inside_its_quotes)
{
    static const struct {
        const char *value;
        const char *text;
    } rows[] = {
        {"a \"b\" \\ \r\n \x80 c", "a \\\"b\\\" \\\\ ?? ? c"},
        {"", ""},
        {"plain", "plain"},
        {"\"", "\\\""},
        {"\\\"", "\\\\\\\""},
        {"\x7f", "?"},
        {"ends\\", "ends\\\\"},
        {"\x1b[m", "?[m"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct writer writer = fresh();
        write_quoted(&writer, text_of(rows[i].value));
        expect(&writer, rows[i].text);
    }
}

Test(writer, what_does_not_fit_is_left_out_and_remembered)
{
    struct writer writer = writer_on(room, 5);

    write_string(&writer, "abc");
    cr_expect_not(writer.is_cut);
    write_string(&writer, "defg");
    cr_expect(writer.is_cut);
    write_number(&writer, 12);
    expect(&writer, "abcde");
}
