#include "proxy/tell.h"

#include <assert.h>
#include <string.h>

#include "proxy/attempt.h"
#include "proxy/clock.h"
#include "proxy/trace_context.h"
#include "proxy/trace_notes.h"
#include "proxy/writer.h"

/* CRLF, and a colon and a blank behind the name. */
enum { LINE_MORE = 4 };

size_t tell_room(const struct wire_field *tells, size_t count)
{
    size_t room = sizeof "traceparent" + TRACE_PARENT_LENGTH + LINE_MORE;

    for (size_t i = 0; i < count; i++)
        room += strlen(tells[i].name) + WIRE_TEXT_MAX + LINE_MORE;
    return room;
}

/* The parent id is that of the attempt's span, where there is one. */
static void write_trace(struct writer *writer, const struct attempt *attempt)
{
    char parent[TRACE_SPAN_LENGTH + 1];
    char text[TRACE_PARENT_LENGTH];

    if (!attempt->note)
        trace_span_write(attempt->random, parent);
    trace_context_write(attempt->order->trace, attempt->note ? attempt->note->id : parent, text);
    write_line(writer, "traceparent", (struct text){.at = text, .count = sizeof text});
}

bool tell_write(const struct attempt *attempt, struct instant now)
{
    const struct attempt_order *order = attempt->order;
    struct span left = span_until(attempt->due, now);
    struct writer writer = writer_on(order->block, order->block_room - 1);
    int64_t realtime_ms = order->tells_count > 0 ? clock_realtime_ms() : 0;

    if (span_is_none(left))
        return false;
    writer.at += order->block_count;
    if (order->trace)
        write_trace(&writer, attempt);
    for (size_t i = 0; i < order->tells_count; i++) {
        char text[WIRE_TEXT_MAX];
        size_t count = wire_write(order->tells[i].format, left, realtime_ms, text);
        if (count == 0)
            return false;
        write_line(&writer, order->tells[i].name, (struct text){.at = text, .count = count});
    }
    assert(!writer.is_cut);
    *writer.at = '\0';
    return true;
}
