#include "budget/wire.h"

#include <string.h>

#include <criterion/criterion.h>

#define US NS_PER_US
#define MS NS_PER_MS
#define S NS_PER_S
#define COUNT(array) (sizeof array / sizeof array[0])

static const int64_t now_ms = 1800000000000; /* a wall clock */

Test(wire_write, what_is_left_is_rounded_down_and_never_written_as_zero)
{
    static const struct {
        enum wire_format format;
        int64_t left_ns;
        const char *expected; /* "": not to be sent */
    } rows[] = {
        {WIRE_MS, 250 * MS, "250"},
        {WIRE_MS, 250 * MS + 999999, "250"},
        {WIRE_MS, 1 * MS, "1"},
        {WIRE_MS, 1 * MS - 1, ""},
        {WIRE_MS, 0, ""},
        {WIRE_S, 250 * MS, "0.25"},
        {WIRE_S, 1200 * MS, "1.2"},
        {WIRE_S, 3 * S, "3"},
        {WIRE_S, 10 * S, "10"},
        {WIRE_S, 1005 * MS, "1.005"},
        {WIRE_S, 1010 * MS, "1.01"},
        {WIRE_S, 1 * MS, "0.001"},
        {WIRE_S, 1234567 * US, "1.234"},
        {WIRE_S, 1 * MS - 1, ""},
        {WIRE_DURATION, 250 * MS, "250ms"},
        {WIRE_DURATION, 250 * MS + 300 * US, "250300us"},
        {WIRE_DURATION, 250 * MS + 1, "250000us"},
        {WIRE_DURATION, 900 * US, "900us"},
        {WIRE_DURATION, 1 * US - 1, ""},
        {WIRE_DURATION, 0, ""},
        {WIRE_GRPC, 250 * MS, "250000u"},
        {WIRE_GRPC, 1 * US, "1u"},
        {WIRE_GRPC, 1 * US - 1, ""},
        {WIRE_GRPC, 99999999 * US + 999, "99999999u"},
        {WIRE_GRPC, 100 * S, "100000m"},
        {WIRE_GRPC, 99999999 * MS + 1, "99999999m"},
        {WIRE_GRPC, 100000 * S, "100000S"},
        {WIRE_GRPC, 100000000 * S, "1666666M"},
        {WIRE_GRPC, INT64_MAX, "2562047H"},
        {WIRE_GRPC, 0, ""},
        {WIRE_EPOCH_MS, 250 * MS + 999999, "1800000000250"},
        {WIRE_EPOCH_MS, 1 * MS - 1, ""},
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        char text[WIRE_TEXT_MAX];
        struct span left = {.ns = rows[i].left_ns};
        size_t length = wire_write(rows[i].format, left, now_ms, text);

        cr_expect_str_eq(text, rows[i].expected, "%s %lld: \"%s\"",
                         wire_format_name(rows[i].format), (long long)left.ns, text);
        cr_expect_eq(length, strlen(rows[i].expected), "\"%s\"", text);
    }
}

Test(wire_write, the_longest_text_fits)
{
    for (int format = WIRE_MS; format <= WIRE_EPOCH_MS; format++) {
        char text[WIRE_TEXT_MAX];
        size_t length = wire_write((enum wire_format)format, SPAN_FOREVER, INT64_MAX, text);

        cr_expect_gt(length, 0);
        cr_expect_lt(length, WIRE_TEXT_MAX);
        cr_expect_eq(text[length], '\0');
    }
}

/* How much wire_write may round off. */
static int64_t unit_ns(enum wire_format format, int64_t left_ns)
{
    if (format == WIRE_DURATION)
        return US;
    if (format != WIRE_GRPC)
        return MS;
    if (left_ns < 100 * S)
        return US;
    return left_ns < 100000 * S ? MS : S;
}

static void expect_back(enum wire_format format, int64_t left_ns)
{
    const struct wire_field field = {.name = "X", .format = format};
    int64_t unit = unit_ns(format, left_ns);
    char text[WIRE_TEXT_MAX];
    struct wire_reading reading;
    size_t length = wire_write(format, (struct span){.ns = left_ns}, now_ms, text);

    cr_expect_eq(length == 0, left_ns < unit, "%s %lld", wire_format_name(format),
                 (long long)left_ns);
    if (length == 0)
        return;
    wire_begin(&reading);
    wire_take(&reading, 0, &field, text, length);
    struct wire_asked asked = wire_end(&reading, now_ms, SPAN_FOREVER);

    cr_expect(asked.any, "\"%s\"", text);
    cr_expect(asked.budget.ns <= left_ns, "\"%s\"", text);
    cr_expect(asked.budget.ns > left_ns - unit, "\"%s\"", text);
}

Test(wire_write, what_is_written_reads_as_no_more_and_less_by_no_whole_unit)
{
    for (int format = WIRE_MS; format <= WIRE_EPOCH_MS; format++) {
        for (int64_t left_ns = 1; left_ns < 50000000 * S; left_ns += left_ns / 7 + 1) {
            expect_back((enum wire_format)format, left_ns - 1);
            expect_back((enum wire_format)format, left_ns);
        }
        for (int64_t left_ns = 1; left_ns < 50000000 * S; left_ns *= 10) {
            expect_back((enum wire_format)format, left_ns - 1);
            expect_back((enum wire_format)format, left_ns);
        }
    }
}
