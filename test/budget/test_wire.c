#include "budget/wire.h"

#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

#define US NS_PER_US
#define MS NS_PER_MS
#define S NS_PER_S
#define FOREVER INT64_MAX
#define NOTHING INT64_C(-1) /* nothing usable was said */
#define COUNT(array) (sizeof array / sizeof array[0])

static const int64_t now_ms = 1800000000000; /* a wall clock */
static const struct span max = {.ns = 30 * S};

static const struct wire_field fields[] = {
    [WIRE_MS] = {.name = "X-Request-Timeout-Ms", .format = WIRE_MS},
    [WIRE_S] = {.name = "X-Timeout", .format = WIRE_S},
    [WIRE_DURATION] = {.name = "Request-Timeout", .format = WIRE_DURATION},
    [WIRE_GRPC] = {.name = "grpc-timeout", .format = WIRE_GRPC},
    [WIRE_EPOCH_MS] = {.name = "X-Deadline", .format = WIRE_EPOCH_MS},
};

static void take(struct wire_reading *reading, enum wire_format format, const char *value)
{
    wire_take(reading, (int)format, &fields[format], value, strlen(value));
}

static struct wire_asked read_one(enum wire_format format, const char *value)
{
    struct wire_reading reading;

    wire_begin(&reading);
    take(&reading, format, value);
    return wire_end(&reading, now_ms, max);
}

static int64_t asked_ns(struct wire_asked asked)
{
    return asked.any ? asked.budget.ns : NOTHING;
}

struct row {
    const char *value;
    int64_t expected_ns; /* NOTHING: malformed */
};

static void expect_rows(enum wire_format format, const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct wire_asked asked = read_one(format, rows[i].value);
        bool malformed = rows[i].expected_ns == NOTHING;

        cr_expect_eq(asked_ns(asked), rows[i].expected_ns, "%s \"%s\": %lld",
                     wire_format_name(format), rows[i].value, (long long)asked_ns(asked));
        cr_expect_eq(asked.malformed, malformed, "%s \"%s\"", wire_format_name(format),
                     rows[i].value);
        cr_expect_eq(asked.field, malformed ? -1 : (int)format, "\"%s\"", rows[i].value);
    }
}

Test(wire, milliseconds_are_digits_and_nothing_else)
{
    static const struct row rows[] = {
        {"1", 1 * MS},
        {"250", 250 * MS},
        {"00250", 250 * MS},
        {" 250\t ", 250 * MS},
        {"0", 0},
        {"000", 0},
        {"-5", 0},
        {"-0", 0},
        {"60000", 60 * S},
        {"99999999999999999999999999", FOREVER},
        {"9223372036855", FOREVER},
        {"", NOTHING},
        {" ", NOTHING},
        {"abc", NOTHING},
        {"1.5", NOTHING},
        {"+5", NOTHING},
        {"0x10", NOTHING},
        {"1e3", NOTHING},
        {"5ms", NOTHING},
        {"5 ", 5 * MS},
        {"5 5", NOTHING},
        {"--5", NOTHING},
        {"- 5", NOTHING},
        {"-", NOTHING},
        {"-x", NOTHING},
        {"\v5", NOTHING},
        {"5\r\n", NOTHING},
        {"\"5\"", NOTHING},
        {"5;q=1", NOTHING},
        {"\xd9\xa5", NOTHING}, /* a five in Arabic */
    };

    expect_rows(WIRE_MS, rows, COUNT(rows));
}

Test(wire, seconds_may_have_a_fraction_but_no_loose_point)
{
    static const struct row rows[] = {
        {"2", 2 * S},
        {"1.5", 1500 * MS},
        {"0.0004", 400 * US},
        {"0.000000001", 1},
        {"1.0000000019", S + 1},
        {"0.00000000099999999999999999999999", 0},
        {"0.0", 0},
        {"-1.5", 0},
        {"99999999999", FOREVER},
        {"9223372036.9", FOREVER},
        {".5", NOTHING},
        {"1.", NOTHING},
        {"1..5", NOTHING},
        {"1.5.5", NOTHING},
        {"1.-5", NOTHING},
        {"-.5", NOTHING},
        {"1s", NOTHING},
        {"1 .5", NOTHING},
        {"inf", NOTHING},
        {"nan", NOTHING},
    };

    expect_rows(WIRE_S, rows, COUNT(rows));
}

Test(wire, durations_have_a_unit)
{
    static const struct row rows[] = {
        {"900u", NOTHING},
        {"900us", 900 * US},
        {"17ns", 17},
        {"250ms", 250 * MS},
        {"1.5s", 1500 * MS},
        {"2m", 120 * S},
        {"0.5h", 1800 * S},
        {"0.0000000001h", 360},
        {"1.5ns", 1},
        {"0.9ns", 0},
        {"0s", 0},
        {"-5ms", 0},
        {"99999999h", FOREVER},
        {"9223372036854775807ns", FOREVER},
        {"250", NOTHING},
        {"0", NOTHING},
        {"-5", NOTHING},
        {"250 ms", NOTHING},
        {"250MS", NOTHING},
        {"1s500ms", NOTHING},
        {"ms", NOTHING},
        {"1.ms", NOTHING},
        {"5msx", NOTHING},
        {"5d", NOTHING},
    };

    expect_rows(WIRE_DURATION, rows, COUNT(rows));
}

Test(wire, grpc_timeouts_have_eight_digits_and_a_unit_in_its_own_case)
{
    static const struct row rows[] = {
        {"1H", 3600 * S},
        {"2M", 120 * S},
        {"3S", 3 * S},
        {"250m", 250 * MS},
        {"900u", 900 * US},
        {"99999999n", 99999999},
        {"00000001S", 1 * S},
        {"0n", 0},
        {"-5m", 0},
        {"100000000n", FOREVER},
        {"123456789S", FOREVER},
        {"99999999H", FOREVER},
        {"99999999999999999999999n", FOREVER},
        {"5", NOTHING},
        {"-5", NOTHING},
        {"5s", NOTHING},
        {"5h", NOTHING},
        {"5U", NOTHING},
        {"5ms", NOTHING},
        {"1.5S", NOTHING},
        {"S", NOTHING},
        {"5 S", NOTHING},
    };

    expect_rows(WIRE_GRPC, rows, COUNT(rows));
}

Test(wire, text_past_the_count_is_not_looked_at)
{
    struct wire_reading reading;

    wire_begin(&reading);
    wire_take(&reading, 0, &fields[WIRE_MS], "2509", 3);
    cr_assert_eq(wire_end(&reading, now_ms, max).budget.ns, 250 * MS);
}

Test(wire, a_nul_inside_a_value_is_malformed)
{
    struct wire_reading reading;

    wire_begin(&reading);
    wire_take(&reading, 0, &fields[WIRE_MS], "25\0", 3);
    cr_assert_eq(wire_end(&reading, now_ms, max).malformed, 1);
}

Test(wire, nothing_taken_is_nothing_asked)
{
    struct wire_reading reading;

    wire_begin(&reading);
    struct wire_asked asked = wire_end(&reading, now_ms, max);

    cr_assert_not(asked.any);
    cr_assert_eq(asked.field, -1);
    cr_assert_eq(asked.malformed, 0);
}

Test(wire, the_smallest_member_of_a_list_counts_and_malformed_ones_do_not_void_it)
{
    static const struct {
        const char *value;
        int64_t expected_ns;
        unsigned malformed;
        unsigned values;
    } rows[] = {
        {"300,200", 200 * MS, 0, 2},
        {"200 ,\t300", 200 * MS, 0, 2},
        {"200,x", 200 * MS, 1, 2},
        {"x,200,", 200 * MS, 2, 3},
        {",", NOTHING, 2, 2},
        {"200,,300", 200 * MS, 1, 3},
        {"200,-5", 0, 0, 2},
        {"99999999999999999999,200", 200 * MS, 0, 2},
        {"99999999999999999999,88888888888888888888", FOREVER, 0, 2},
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct wire_reading reading;

        wire_begin(&reading);
        take(&reading, WIRE_MS, rows[i].value);
        struct wire_asked asked = wire_end(&reading, now_ms, max);

        cr_expect_eq(asked_ns(asked), rows[i].expected_ns, "\"%s\"", rows[i].value);
        cr_expect_eq(asked.malformed, rows[i].malformed, "\"%s\"", rows[i].value);
        cr_expect_eq(reading.values, rows[i].values, "\"%s\"", rows[i].value);
    }
}

Test(wire, the_smallest_of_several_headers_counts_and_is_named)
{
    struct wire_reading reading;

    wire_begin(&reading);
    take(&reading, WIRE_MS, "300");
    take(&reading, WIRE_GRPC, "200m");
    take(&reading, WIRE_S, "garbage");
    take(&reading, WIRE_MS, "250");
    struct wire_asked asked = wire_end(&reading, now_ms, max);

    cr_assert_eq(asked.budget.ns, 200 * MS);
    cr_assert_eq(asked.field, WIRE_GRPC);
    cr_assert_eq(asked.malformed, 1);
}

Test(wire, zero_says_nothing_where_it_means_no_limit)
{
    static const struct wire_field envoy = {"x-envoy-upstream-rq-timeout-ms", WIRE_MS, true};
    static const struct row rows[] = {
        {"0", NOTHING}, {"00", NOTHING}, {"0,200", 200 * MS}, {"-5", 0}, {"250", 250 * MS},
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct wire_reading reading;

        wire_begin(&reading);
        wire_take(&reading, 0, &envoy, rows[i].value, strlen(rows[i].value));
        struct wire_asked asked = wire_end(&reading, now_ms, max);

        cr_expect_eq(asked_ns(asked), rows[i].expected_ns, "\"%s\"", rows[i].value);
        cr_expect_eq(asked.malformed, 0, "\"%s\"", rows[i].value);
    }
}

Test(wire, zero_is_known_to_mean_no_limit_for_one_name_in_any_case)
{
    cr_assert(wire_zero_is_default("x-envoy-upstream-rq-timeout-ms"));
    cr_assert(wire_zero_is_default("X-Envoy-Upstream-RQ-Timeout-MS"));
    cr_assert_not(wire_zero_is_default("x-envoy-upstream-rq-timeout-m"));
    cr_assert_not(wire_zero_is_default("x-envoy-upstream-rq-timeout-ms2"));
    cr_assert_not(wire_zero_is_default("X-Request-Timeout-Ms"));
    cr_assert_not(wire_zero_is_default(""));
}

Test(wire, a_format_is_found_by_its_name)
{
    static const char *const names[] = {"ms", "s", "duration", "grpc", "epoch-ms"};
    enum wire_format format;

    for (size_t i = 0; i < COUNT(names); i++) {
        cr_assert(wire_format_find(names[i], &format));
        cr_expect_eq(format, (enum wire_format)i);
        cr_expect_str_eq(wire_format_name(format), names[i]);
    }
    cr_assert_not(wire_format_find("MS", &format));
    cr_assert_not(wire_format_find("", &format));
    cr_assert_not(wire_format_find("epoch", &format));
}

/* What an instant that lies left_ms from now says, beside a relative header or alone. */
static struct wire_asked read_instant(int64_t left_ms, const char *relative)
{
    struct wire_reading reading;
    char value[32];

    snprintf(value, sizeof value, "%lld", (long long)(now_ms + left_ms));
    wire_begin(&reading);
    take(&reading, WIRE_EPOCH_MS, value);
    if (relative)
        take(&reading, WIRE_MS, relative);
    return wire_end(&reading, now_ms, max);
}

Test(wire, an_instant_is_believed_within_a_minute_of_what_is_plausible)
{
    static const struct {
        int64_t left_ms;
        const char *relative;
        int64_t expected_ns;
        int field;
        unsigned malformed;
    } rows[] = {
        /* alone: from a minute ago to a minute after max */
        {250, NULL, 250 * MS, WIRE_EPOCH_MS, 0},
        {1, NULL, 1 * MS, WIRE_EPOCH_MS, 0},
        {0, NULL, 0, WIRE_EPOCH_MS, 0},
        {-60000, NULL, 0, WIRE_EPOCH_MS, 0},
        {-60001, NULL, NOTHING, -1, 1},
        {90000, NULL, 90 * S, WIRE_EPOCH_MS, 0},
        {90001, NULL, NOTHING, -1, 1},
        /* beside a relative one: a minute to either side of it, and the smaller of the two */
        {200, "300", 200 * MS, WIRE_EPOCH_MS, 0},
        {400, "300", 300 * MS, WIRE_MS, 0},
        {60300, "300", 300 * MS, WIRE_MS, 0},
        {60301, "300", 300 * MS, WIRE_MS, 1},
        {-59700, "300", 0, WIRE_EPOCH_MS, 0},
        {-59701, "300", 300 * MS, WIRE_MS, 1},
        {100000, "160000", 100 * S, WIRE_EPOCH_MS, 0},
        {99999, "160000", 160 * S, WIRE_MS, 1},
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct wire_asked asked = read_instant(rows[i].left_ms, rows[i].relative);

        cr_expect_eq(asked_ns(asked), rows[i].expected_ns, "row %zu", i);
        cr_expect_eq(asked.field, rows[i].field, "row %zu", i);
        cr_expect_eq(asked.malformed, rows[i].malformed, "row %zu", i);
    }
}

Test(wire, instants_are_digits_and_an_absurd_one_is_malformed)
{
    static const char *const rows[] = {
        "0",
        "99999999999999999999999999",
        "9223372036854775807",
        "-5",
        "1800000000000.5",
        "",
        "+1e12",
        "1800000000s",
        "2027-01-15T08:00:00Z",
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct wire_asked asked = read_one(WIRE_EPOCH_MS, rows[i]);

        cr_expect_not(asked.any, "\"%s\"", rows[i]);
        cr_expect_eq(asked.field, -1, "\"%s\"", rows[i]);
        cr_expect_eq(asked.malformed, 1, "\"%s\"", rows[i]);
    }
}

Test(wire, the_earliest_of_several_instants_counts)
{
    struct wire_asked asked = read_one(WIRE_EPOCH_MS, "1800000000300, 1800000000200");

    cr_assert_eq(asked_ns(asked), 200 * MS);
}
