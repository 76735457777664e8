#include "test/support/collector.h"

#include <criterion/criterion.h>
#include <unistd.h>

#include "test/support/world.h"

struct otlp_span collector_spans[OTLP_SPANS_MAX];

struct origin *collector_start(void)
{
    return origin_answering(TAKEN, 0);
}

size_t collector_receive(struct origin *collector, size_t n)
{
    const struct message *message = &origin_body(collector, n)->message;

    cr_assert_str_eq(message->start, "POST /v1/traces HTTP/1.1");
    cr_assert_str_eq(message_header(message, "content-type", 0), "application/json");
    cr_assert_null(message_header(message, "traceparent", 0), "it is no part of a trace");
    return otlp_read(message->body, "hourglass", collector_spans);
}

void collector_wait(const struct world *world, const char *name, const char *label, double value)
{
    double seen = -1;

    for (int i = 0; i < 500 && seen < value; i++) {
        seen = world_metric(world, name, label);
        if (seen < value)
            usleep(20000);
    }
    cr_assert_eq(seen, value, "%s %s is %g", name, label, seen);
}
