#include "proxy/trace_context.h"

#include <stdint.h>
#include <string.h>

#include "proxy/client.h"

/* "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01": where each part begins. */
enum {
    ID_AT = 3,
    PARENT_AT = 36,
    FLAGS_AT = 53,
    SAMPLED = 1,
    VERSION_INVALID = 0xff,
};

/* Of a lower case hex digit; -1: it is none. */
static int digit_value(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

/* Two digits; -1: they are none. */
static int byte_value(const char *at)
{
    int high = digit_value(at[0]);
    int low = digit_value(at[1]);

    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

/* Digits, not all of them zero (sections "trace-id" and "parent-id"). */
static bool is_id(const char *at, size_t count)
{
    int all = 0;

    for (size_t i = 0; i < count; i++) {
        int value = digit_value(at[i]);
        if (value < 0)
            return false;
        all |= value;
    }
    return all != 0;
}

bool trace_context_read(struct trace_context *context, struct text value)
{
    const char *at = value.at;

    if (value.count < TRACE_PARENT_LENGTH)
        return false;
    int version = byte_value(at);
    int flags = byte_value(at + FLAGS_AT);
    if (version < 0 || version == VERSION_INVALID || flags < 0)
        return false;
    if (at[ID_AT - 1] != '-' || at[PARENT_AT - 1] != '-' || at[FLAGS_AT - 1] != '-')
        return false;
    if (value.count > TRACE_PARENT_LENGTH && (version == 0 || at[TRACE_PARENT_LENGTH] != '-'))
        return false;
    if (!is_id(at + ID_AT, TRACE_ID_LENGTH) || !is_id(at + PARENT_AT, TRACE_SPAN_LENGTH))
        return false;
    memcpy(context->id, at + ID_AT, TRACE_ID_LENGTH);
    context->id[TRACE_ID_LENGTH] = '\0';
    memcpy(context->parent, at + PARENT_AT, TRACE_SPAN_LENGTH);
    context->parent[TRACE_SPAN_LENGTH] = '\0';
    context->is_sampled = (flags & SAMPLED) != 0;
    context->is_given = true;
    return true;
}

/* TRACE_SPAN_LENGTH random digits, not all of them zero. */
static void write_fresh(struct trace_source *source, char *text)
{
    uint64_t bits;

    do
        bits = trace_random(source);
    while (bits == 0);
    for (size_t i = 0; i < TRACE_SPAN_LENGTH; i++) {
        text[i] = "0123456789abcdef"[bits & 15];
        bits >>= 4;
    }
}

void trace_span_write(struct trace_source *source, char id[static TRACE_SPAN_LENGTH + 1])
{
    write_fresh(source, id);
    id[TRACE_SPAN_LENGTH] = '\0';
}

static struct trace_context begin(struct trace_source *source)
{
    struct trace_context context = {.is_given = false};

    for (size_t at = 0; at < TRACE_ID_LENGTH; at += TRACE_SPAN_LENGTH)
        write_fresh(source, context.id + at);
    return context;
}

struct trace_context trace_context_of(const struct header *headers, size_t count,
                                      struct trace_source *source)
{
    const struct header *given = NULL;
    struct trace_context context;

    for (size_t i = 0; i < count; i++) {
        if (!text_is_like(headers[i].name, TEXT("traceparent")))
            continue;
        if (given)
            return begin(source); /* which of the two is it? */
        given = &headers[i];
    }
    return given && trace_context_read(&context, given->value) ? context : begin(source);
}

void trace_context_write(const struct trace_context *context,
                         const char parent[static TRACE_SPAN_LENGTH],
                         char text[static TRACE_PARENT_LENGTH])
{
    memcpy(text, "00-", ID_AT);
    memcpy(text + ID_AT, context->id, TRACE_ID_LENGTH);
    text[PARENT_AT - 1] = '-';
    memcpy(text + PARENT_AT, parent, TRACE_SPAN_LENGTH);
    memcpy(text + FLAGS_AT - 1, context->is_sampled ? "-01" : "-00", 3);
}
