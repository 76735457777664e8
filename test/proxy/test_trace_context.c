#include "proxy/trace_context.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "proxy/client.h"

/* The examples of the specification. */
#define ID "0af7651916cd43dd8448eb211c80319c"
#define PARENT "b7ad6b7169203331"
#define GIVEN "00-" ID "-" PARENT "-01"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static struct trace_source source;

static struct trace_context read_well(struct text value)
{
    struct trace_context context;

    cr_assert(trace_context_read(&context, value), "%.*s", (int)value.count, value.at);
    return context;
}

static void write_to(char *text, const struct trace_context *context)
{
    char parent[TRACE_SPAN_LENGTH + 1];

    trace_span_write(&source, parent);
    trace_context_write(context, parent, text);
    text[TRACE_PARENT_LENGTH] = '\0';
}

Test(trace_context, id_and_sampled_flag_are_read)
{
    struct trace_context context = read_well(TEXT(GIVEN));

    cr_expect_str_eq(context.id, ID);
    cr_expect_str_eq(context.parent, PARENT);
    cr_expect(context.is_sampled);
    cr_expect(context.is_given);
    cr_expect_not(read_well(TEXT("00-" ID "-" PARENT "-00")).is_sampled);
}

Test(trace_context, flags_are_a_field_of_bits)
{
    for (unsigned flags = 0; flags < 256; flags++) {
        char text[TRACE_PARENT_LENGTH + 1];
        snprintf(text, sizeof text, "00-" ID "-" PARENT "-%02x", flags);
        cr_expect_eq(read_well(text_of(text)).is_sampled, flags % 2 == 1, "%s", text);
    }
}

Test(trace_context, higher_versions_are_read_as_far_as_this_one_goes)
{
    static const char *const valid[] = {
        "01-" ID "-" PARENT "-01",
        "cc-" ID "-" PARENT "-01-",
        "cc-" ID "-" PARENT "-01-what-the-future-will-be-like",
        "fe-" ID "-" PARENT "-01-.",
    };
    static const char *const invalid[] = {
        "cc-" ID "-" PARENT "-01.what-the-future-will-be-like",
        "01-" ID "-" PARENT "-011",
        "01-" ID "-" PARENT "-0",
        "01-" ID "-" PARENT,
        "ff-" ID "-" PARENT "-01",
        "ff-" ID "-" PARENT "-01-more",
    };
    struct trace_context context;

    for (size_t i = 0; i < COUNT_OF(valid); i++) {
        context = read_well(text_of(valid[i]));
        cr_expect_str_eq(context.id, ID, "%s", valid[i]);
        cr_expect(context.is_sampled, "%s", valid[i]);
    }
    for (size_t i = 0; i < COUNT_OF(invalid); i++)
        cr_expect_not(trace_context_read(&context, text_of(invalid[i])), "%s", invalid[i]);
}

Test(trace_context, version_0_ends_with_its_flags)
{
    struct trace_context context;

    cr_expect_not(trace_context_read(&context, TEXT(GIVEN "-what-the-future-will-be-like")));
    cr_expect_not(trace_context_read(&context, TEXT(GIVEN "-")));
    cr_expect_not(trace_context_read(&context, TEXT(GIVEN ".")));
    cr_expect_not(trace_context_read(&context, TEXT(GIVEN " ")));
    cr_expect_not(trace_context_read(&context, TEXT(GIVEN "," GIVEN)));
}

Test(trace_context, ids_of_zeros_only_are_none)
{
    struct trace_context context;

    cr_expect_not(
        trace_context_read(&context, TEXT("00-00000000000000000000000000000000-" PARENT "-01")));
    cr_expect_not(trace_context_read(&context, TEXT("00-" ID "-0000000000000000-01")));
    read_well(TEXT("00-00000000000000000000000000000001-1000000000000000-00"));
}

Test(trace_context, parts_that_are_too_short_or_too_long_are_invalid)
{
    static const char *const invalid[] = {
        "",
        "00",
        "0-" ID "-" PARENT "-01",
        "000-" ID "-" PARENT "-01",
        "0000-" ID "-" PARENT "-01",
        "00-" ID "0-" PARENT "-01",
        "00-0af7651916cd43dd8448eb211c80319-" PARENT "-01",
        "00-0af7651916cd43dd8448eb211c80319-" PARENT "-011",
        "00-" ID "-" PARENT "0-01",
        "00-" ID "-b7ad6b716920333-01",
        "00-" ID "-b7ad6b716920333-011",
        "00-" ID "-" PARENT "-1",
        "00-" ID "-" PARENT "-001",
    };
    struct trace_context context;

    for (size_t i = 0; i < COUNT_OF(invalid); i++)
        cr_expect_not(trace_context_read(&context, text_of(invalid[i])), "%s", invalid[i]);
}

/* Each byte in its turn is replaced by each other: what is a digit stays one or makes it invalid,
 * a dash has to stay. The version is one that may be read whatever it is, but for ff. */
Test(trace_context, every_byte_is_looked_at)
{
    static const char digits[] = "0123456789abcdef";
    struct trace_context context;

    for (size_t at = 0; at < TRACE_PARENT_LENGTH; at++) {
        for (int byte = 0; byte < 256; byte++) {
            char text[] = "11-" ID "-" PARENT "-01";
            bool is_dash = text[at] == '-';
            text[at] = (char)byte;
            bool is_right = is_dash ? byte == '-' : byte && strchr(digits, byte);
            cr_assert_eq(
                trace_context_read(&context, (struct text){.at = text, .count = sizeof text - 1}),
                is_right, "byte %d at %zu", byte, at);
        }
    }
}

Test(trace_context, what_is_not_valid_changes_nothing)
{
    struct trace_context context = read_well(TEXT(GIVEN));

    cr_expect_not(
        trace_context_read(&context, TEXT("00-0000000000000000000000000000000g-" PARENT "-00")));
    cr_expect_str_eq(context.id, ID);
    cr_expect(context.is_sampled);
}

Test(trace_context, what_is_written_has_the_id_a_fresh_parent_and_no_unknown_flags)
{
    struct trace_context context = read_well(TEXT("cc-" ID "-" PARENT "-ff-more"));
    char first[TRACE_PARENT_LENGTH + 1];
    char second[TRACE_PARENT_LENGTH + 1];

    write_to(first, &context);
    write_to(second, &context);
    cr_expect_eq(strncmp(first, "00-" ID "-", 36), 0, "%s", first);
    cr_expect_eq(strncmp(second, "00-" ID "-", 36), 0, "%s", second);
    cr_expect_str_eq(first + 52, "-01");
    cr_expect_neq(strncmp(first + 36, PARENT, 16), 0);
    cr_expect_neq(strncmp(first + 36, second + 36, 16), 0);
    cr_expect_str_eq(read_well(text_of(first)).id, ID);
}

Test(trace_context, parent_of_zeros_is_not_written)
{
    struct trace_context context = read_well(TEXT(GIVEN));
    char text[TRACE_PARENT_LENGTH + 1];

    source = (struct trace_source){.numbers = {7, 0, 0}, .left = 3};
    write_to(text, &context);
    cr_expect_str_neq(text + 36, "0000000000000000-01");
    read_well(text_of(text));
}

/* ---- of a request ----------------------------------------------------------------------------- */

static struct trace_context of(const struct header *headers, size_t count)
{
    return trace_context_of(headers, count, &source);
}

static void expect_fresh(const struct trace_context *context)
{
    char text[TRACE_PARENT_LENGTH + 1];

    cr_expect_not(context->is_given);
    cr_expect_str_empty(context->parent);
    cr_expect_not(context->is_sampled);
    cr_expect_str_neq(context->id, ID);
    write_to(text, context);
    cr_expect_str_eq(read_well(text_of(text)).id, context->id);
    cr_expect_str_eq(text + 52, "-00");
}

Test(trace_context, request_without_a_traceparent_begins_a_trace)
{
    static const struct header headers[] = {
        {TEXT("trace-parent"), TEXT(GIVEN)},
        {TEXT("tracestate"), TEXT("congo=t61rcWkgMzE")},
    };
    struct trace_context none = of(NULL, 0);
    struct trace_context others = of(headers, COUNT_OF(headers));

    expect_fresh(&none);
    expect_fresh(&others);
    cr_expect_str_neq(none.id, others.id);
}

Test(trace_context, traceparent_is_found_in_any_case)
{
    static const struct header headers[] = {
        {TEXT("Accept"), TEXT("*/*")},
        {TEXT("TrAcEpArEnT"), TEXT(GIVEN)},
    };
    struct trace_context context = of(headers, COUNT_OF(headers));

    cr_expect_str_eq(context.id, ID);
    cr_expect(context.is_given);
}

Test(trace_context, invalid_traceparent_or_a_second_one_begins_a_trace)
{
    static const struct header headers[] = {
        {TEXT("traceparent"), TEXT(GIVEN)},
        {TEXT("Traceparent"), TEXT(GIVEN)},
        {TEXT("traceparent"), TEXT("00-" ID "-" PARENT)},
    };
    struct trace_context twice = of(headers, 2);
    struct trace_context invalid = of(headers + 2, 1);
    struct trace_context one_of_them = of(headers + 1, 2);

    expect_fresh(&twice);
    expect_fresh(&invalid);
    expect_fresh(&one_of_them);
}
