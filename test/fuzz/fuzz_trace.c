/* The value of a traceparent as anybody may send it. */
#include "proxy/trace_context.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "proxy/client.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

/* Is it of this form? 0 stands for a lower case hex digit, all else for itself. */
static bool has_form(const char *text, const char *form)
{
    for (; *form; form++, text++) {
        if (*form == '0' ? !*text || !strchr("0123456789abcdef", *text) : *text != *form)
            return false;
    }
    return true;
}

/* The grammar once more, so plain that it can be seen to be right. */
static bool is_valid(const char *text, size_t count)
{
    static const char zeros[] = "00000000000000000000000000000000";

    if (count < 55 || !has_form(text, "00-00000000000000000000000000000000-0000000000000000-00"))
        return false;
    if (memcmp(text, "ff", 2) == 0 || (memcmp(text, "00", 2) == 0 && count > 55))
        return false;
    return (count == 55 || text[55] == '-') && memcmp(text + 3, zeros, 32) != 0 &&
           memcmp(text + 36, zeros, 16) != 0;
}

/* What is sent on is a valid traceparent of the same trace. */
static void check_sent(const struct trace_context *context)
{
    struct trace_source source = {.numbers = {1, 2, 3}, .left = 3};
    struct trace_context again;
    char parent[TRACE_SPAN_LENGTH + 1];
    char text[TRACE_PARENT_LENGTH];

    for (int i = 0; i < 3; i++) {
        trace_span_write(&source, parent);
        trace_context_write(context, parent, text);
        assert(is_valid(text, sizeof text));
        assert(trace_context_read(&again, (struct text){.at = text, .count = sizeof text}));
        assert(strcmp(again.id, context->id) == 0);
        assert(again.is_sampled == context->is_sampled);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    struct text value = {.at = (const char *)bytes, .count = count};
    const struct header header = {.name = TEXT("traceparent"), .value = value};
    struct trace_source source = {.numbers = {2, 1}, .left = 2};
    struct trace_context context = trace_context_of(&header, 1, &source);

    assert(context.is_given == is_valid(value.at, count));
    assert(!context.is_given || memcmp(context.id, value.at + 3, TRACE_ID_LENGTH) == 0);
    check_sent(&context);
    return 0;
}
