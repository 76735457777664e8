/* Budget headers as anybody may send them. The input is lines: a letter for the header (see the
 * table), then its value. */
#include "budget/wire.h"

#include <assert.h>
#include <string.h>

static const int64_t realtime_ms = 1800000000000;

struct header {
    char letter;
    struct wire_field field;
};

static const struct header headers[] = {
    {'m', {"X-Request-Timeout-Ms", WIRE_MS, false}},
    {'s', {"X-Timeout", WIRE_S, false}},
    {'d', {"Request-Timeout", WIRE_DURATION, false}},
    {'g', {"grpc-timeout", WIRE_GRPC, false}},
    {'e', {"X-Deadline", WIRE_EPOCH_MS, false}},
    {'z', {"x-envoy-upstream-rq-timeout-ms", WIRE_MS, true}},
};
enum { HEADERS = sizeof headers / sizeof headers[0] };

struct line {
    int header;
    const char *value;
    size_t count;
};

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

static void take(struct wire_reading *reading, const struct line *line)
{
    wire_take(reading, line->header, &headers[line->header].field, line->value, line->count);
}

static void check_same(const struct wire_reading *a, const struct wire_reading *b)
{
    assert(a->relative.ns == b->relative.ns);
    assert(a->relative_field == b->relative_field);
    assert(a->epoch_ms == b->epoch_ms);
    assert(a->epoch_field == b->epoch_field);
    assert(a->malformed == b->malformed);
    assert(a->values == b->values);
}

/* A list says what its members say in headers of their own. */
static void check_list(struct wire_reading reading, const struct line *line,
                       const struct wire_reading *whole)
{
    const char *comma = memchr(line->value, ',', line->count);

    if (!comma)
        return;
    struct line head = *line;
    struct line tail = *line;
    head.count = (size_t)(comma - line->value);
    tail.value = comma + 1;
    tail.count = line->count - head.count - 1;
    take(&reading, &head);
    take(&reading, &tail);
    check_same(&reading, whole);
}

/* One more header can only shorten what was asked for. */
static void check_taken(const struct wire_reading *before, const struct wire_reading *after)
{
    assert(after->values > before->values);
    assert(after->malformed >= before->malformed);
    assert(after->malformed - before->malformed <= after->values - before->values);
    assert(after->relative.ns >= 0 && after->relative.ns <= before->relative.ns);
    assert(after->relative_field >= before->relative_field || after->relative_field >= 0);
    assert(after->epoch_ms >= 0 && after->epoch_ms <= before->epoch_ms);
}

/* What is written reads as no more than it was, and as less by no whole unit. */
static void check_back(const struct wire_field *field, struct span left)
{
    char text[WIRE_TEXT_MAX];
    struct wire_reading reading;
    size_t length = wire_write(field->format, left, realtime_ms, text);

    assert(length < sizeof text && strlen(text) == length);
    if (length == 0) {
        assert(left.ns < NS_PER_MS);
        return;
    }
    wire_begin(&reading);
    wire_take(&reading, 0, field, text, length);
    struct wire_asked asked = wire_end(&reading, realtime_ms, SPAN_FOREVER);

    assert(asked.any && asked.malformed == 0);
    assert(asked.budget.ns > 0 && asked.budget.ns <= left.ns);
    if (field->format != WIRE_GRPC)
        assert(left.ns - asked.budget.ns < NS_PER_MS);
    else
        assert(left.ns - asked.budget.ns < NS_PER_US + left.ns / 10000);
}

static void check_asked(const struct wire_reading *reading, struct span max)
{
    struct wire_asked asked = wire_end(reading, realtime_ms, max);

    assert(asked.malformed == reading->malformed ||
           (reading->epoch_field >= 0 && asked.malformed == reading->malformed + 1));
    assert(asked.any == (asked.field >= 0) && asked.field < HEADERS);
    assert(asked.budget.ns >= 0);
    if (!asked.any)
        return;
    assert(reading->malformed < reading->values);
    if (reading->relative_field >= 0)
        assert(asked.budget.ns <= reading->relative.ns);
    else
        assert(asked.budget.ns <= span_add(max, span_s(60)).ns);
    for (size_t i = 0; i < HEADERS; i++)
        check_back(&headers[i].field, asked.budget);
}

static void read_line(struct wire_reading *reading, const char *text, size_t count)
{
    struct wire_reading before = *reading;

    for (int i = 0; i < HEADERS; i++) {
        if (count == 0 || headers[i].letter != text[0])
            continue;
        struct line line = {.header = i, .value = text + 1, .count = count - 1};
        take(reading, &line);
        check_taken(&before, reading);
        check_list(before, &line, reading);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    const char *text = (const char *)bytes;
    struct wire_reading reading;

    wire_begin(&reading);
    while (count > 0) {
        const char *end = memchr(text, '\n', count);
        size_t length = end ? (size_t)(end - text) : count;

        read_line(&reading, text, length);
        length += end ? 1 : 0;
        text += length;
        count -= length;
    }
    check_asked(&reading, span_s(30));
    check_asked(&reading, SPAN_FOREVER);
    check_asked(&reading, SPAN_NONE);
    return 0;
}
