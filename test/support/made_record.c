#include "test/support/made_record.h"

#include "proxy/trace_context.h"

enum { WEST, EAST };

static char names[][8] = {"page", "stock", "price", "order", "west", "east"};
static char header[] = "X-Request-Timeout-Ms";
static const struct wire_field FIELD = {.name = header};
static const struct trace_context TRACE = {.id = "4bf92f3577b34da6a3ce929d0e0e4736"};
static struct conf_upstream upstreams[] = {{.name = names[4]}, {.name = names[5]}};
static struct conf_call calls[] = {
    {.name = names[1], .upstream = EAST},
    {.name = names[2], .upstream = WEST},
    {.name = names[3], .upstream = WEST},
};
static struct conf_route route = {.name = names[0], .calls = calls, .calls_count = 3};

struct conf made_conf = {
    .routes = &route,
    .routes_count = 1,
    .upstreams = upstreams,
    .upstreams_count = 2,
};

struct record made_answered(void)
{
    return (struct record){
        .route = &route,
        .id = TEXT("r-1"),
        .trace = &TRACE,
        .client = TEXT("192.0.2.1"),
        .method = TEXT("GET"),
        .path = TEXT("/page/7"),
        .query = TEXT("secret=1"),
        .status = 200,
        .ending = ENDING_OK,
        .blamed = NO_CALL,
        .phase = PHASE_SENDING,
        .ended = {.ns = 80 * NS_PER_MS},
        .budget = span_ms(100),
        .calls_count = 1,
        .calls = {{.conf = &calls[0],
                   .outcome = CALL_OK,
                   .reach = REACH_BODY,
                   .status = 200,
                   .attempts = 1,
                   .granted = span_ms(100),
                   .used = {.ns = 31250000}}},
    };
}

struct record made_timed_out(void)
{
    struct record record = made_answered();

    record.source = &FIELD;
    record.status = 504;
    record.ending = ENDING_TIMEOUT;
    record.reason = REASON_CALL;
    record.whose = WHOSE_CALL;
    record.blamed = 1;
    record.ended = (struct instant){.ns = 350 * NS_PER_MS};
    record.budget = span_ms(400);
    record.local = span_ms(1);
    record.upload = span_ms(2);
    record.queue = span_ms(20);
    record.bytes_up = 3;
    record.bytes_down = 212;
    record.calls_count = 3;
    record.calls[1] = (struct record_call){
        .conf = &calls[1],
        .outcome = CALL_TIMEOUT,
        .reach = REACH_HEAD,
        .attempts = 2,
        .begun = span_ms(32),
        .granted = span_ms(300),
        .used = span_ms(300),
        .queued = span_ms(20),
    };
    record.calls[2] = (struct record_call){.conf = &calls[2], .outcome = CALL_WAITING};
    return record;
}
