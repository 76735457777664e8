/* traceparent, tracestate and baggage, from the client to each attempt of each call. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "proxy/trace_context.h"
#include "test/support/world.h"

TestSuite(tracing, .timeout = 300);

#define ID "0af7651916cd43dd8448eb211c80319c"
#define PARENT "b7ad6b7169203331"
#define GIVEN "00-" ID "-" PARENT "-01"
#define TRACED "traceparent: " GIVEN "\r\n"
#define STATE "tracestate: congo=t61rcWkgMzE\r\n"
#define SAD "HTTP/1.1 503 Sad\r\nContent-Length: 0\r\n\r\n"

static struct world *before(struct origin *origin)
{
    return world_start(WORLD_PATIENT WORLD_ROUTE, origin_port(origin));
}

static const struct message *received(struct origin *origin, size_t n)
{
    return &origin_request(origin, n)->message;
}

/* The one traceparent of a request, which is valid. */
static const char *traceparent(const struct message *message)
{
    const char *value = message_header(message, "traceparent", 0);
    struct trace_context context;

    cr_assert_not_null(value);
    cr_expect_null(message_header(message, "traceparent", 1), "there are two");
    cr_expect_eq(strlen(value), TRACE_PARENT_LENGTH, "%s", value);
    cr_expect(trace_context_read(&context, text_of(value)), "%s", value);
    return value;
}

static bool is_same_trace(const char *a, const char *b)
{
    return strncmp(a, b, strlen("00-" ID)) == 0;
}

static bool is_same_parent(const char *a, const char *b)
{
    return strncmp(a + strlen("00-" ID "-"), b + strlen("00-" ID "-"), strlen(PARENT)) == 0;
}

static bool is_logged(const struct world *world, const char *value)
{
    char field[64];

    snprintf(field, sizeof(field), " trace_id=%.32s ", value + 3);
    return LOGS(world, field, "status=200");
}

Test(tracing, request_without_a_trace_begins_one_that_is_not_sampled)
{
    struct origin *origin = origin_answering(ANSWER_OK, 0);
    struct world *world = before(origin);

    world_get(world, "/", "");
    world_get(world, "/", STATE);
    const char *first = traceparent(received(origin, 0));
    const char *second = traceparent(received(origin, 1));
    cr_expect_not(is_same_trace(first, second));
    cr_expect_str_eq(first + 52, "-00");
    cr_expect_null(message_header(received(origin, 1), "tracestate", 0), "of which trace?");
    cr_expect(is_logged(world, first));
    cr_expect(is_logged(world, second));
    world_stop(world);
}

/* Tracing is not a matter of trust: a trace that begins at a browser is still one trace. */
Test(tracing, trace_of_the_client_goes_on_with_a_parent_of_our_own)
{
    static const char *const trusts[] = {"", "trust = none\n"};

    for (size_t i = 0; i < 2; i++) {
        struct origin *origin = origin_answering(ANSWER_OK, 0);
        struct world *world =
            world_start(WORLD_PROXY "%s" WORLD_BUDGET "default = 20s\n" WORLD_ROUTE, trusts[i],
                        origin_port(origin));
        world_get(world, "/", "TraceParent:  " GIVEN " \r\n");
        world_get(world, "/", "traceparent: cc-" ID "-" PARENT "-02-more\r\n");
        const char *sampled = traceparent(received(origin, 0));
        const char *later = traceparent(received(origin, 1));
        cr_expect(is_same_trace(sampled, GIVEN), "%s", sampled);
        cr_expect_not(is_same_parent(sampled, GIVEN), "%s", sampled);
        cr_expect_str_eq(sampled + 52, "-01");
        cr_expect(is_same_trace(later, GIVEN), "%s", later);
        cr_expect_not(is_same_parent(later, sampled), "%s", later);
        cr_expect_str_eq(later + 52, "-00", "only the sampled flag is known");
        cr_expect(is_logged(world, GIVEN));
        world_stop(world);
    }
}

Test(tracing, invalid_or_second_traceparent_begins_a_trace_without_the_state_of_the_old_one)
{
    static const char *const lines[] = {
        "traceparent: 00-" ID "-" PARENT "\r\n" STATE,
        "traceparent: 00-" ID "-" PARENT "-01-more\r\n" STATE,
        "traceparent: ff-" ID "-" PARENT "-01\r\n" STATE,
        "traceparent: 00-0AF7651916CD43DD8448EB211C80319C-" PARENT "-01\r\n" STATE,
        "traceparent: 00-" ID "-0000000000000000-01\r\n" STATE,
        STATE "traceparent:\r\n",
        TRACED STATE TRACED,
        "traceparent: " GIVEN ", " GIVEN "\r\n" STATE,
    };
    struct origin *origin = origin_answering(ANSWER_OK, 0);
    struct world *world = before(origin);

    for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
        world_get(world, "/", lines[i]);
        const char *value = traceparent(received(origin, i));
        cr_expect_not(is_same_trace(value, GIVEN), "%s", lines[i]);
        cr_expect_str_eq(value + 52, "-00", "%s", lines[i]);
        cr_expect_null(message_header(received(origin, i), "tracestate", 0), "%s", lines[i]);
        cr_expect(is_logged(world, value));
    }
    world_stop(world);
}

static void expect_lines(const struct message *message, const char *name, const char *const *values)
{
    for (size_t n = 0; n < 3; n++) {
        const char *value = message_header(message, name, n);
        cr_assert_not_null(value, "%s %zu", name, n);
        cr_expect_str_eq(value, values[n], "%s %zu", name, n);
    }
    cr_expect_null(message_header(message, name, 3), "%s", name);
}

Test(tracing, tracestate_and_baggage_cross_unchanged_and_in_order)
{
    static const char *const states[] = {"foo=1 \t , bar=2", "rojo=1,FOO=x,,rojo=1", "baz=3"};
    static const char *const bags[] = {"userId=al%20ice;p=1 , x=y", "serverNode=DF%2028",
                                       "not one"};
    struct origin *origin = origin_answering(ANSWER_OK, 0);
    struct world *world = before(origin);

    world_get(world, "/",
              "tracestate: foo=1 \t , bar=2\r\nbaggage: userId=al%20ice;p=1 , x=y\r\n" TRACED
              "TraceState: rojo=1,FOO=x,,rojo=1\r\nBaggage: serverNode=DF%2028\r\n"
              "tracestate:baz=3\r\nbaggage: not one \r\n");
    expect_lines(received(origin, 0), "tracestate", states);
    expect_lines(received(origin, 0), "baggage", bags);
    world_stop(world);
}

Test(tracing, baggage_crosses_without_a_trace_and_from_anybody)
{
    struct origin *origin = origin_answering(ANSWER_OK, 0);
    struct world *world =
        world_start(WORLD_PROXY "trust = none\n" WORLD_BUDGET "default = 20s\n" WORLD_ROUTE,
                    origin_port(origin));

    world_get(world, "/", "baggage: a=1\r\nbaggage: b=2\r\n");
    cr_expect_str_eq(message_header(received(origin, 0), "baggage", 0), "a=1");
    cr_expect_str_eq(message_header(received(origin, 0), "baggage", 1), "b=2");
    world_stop(world);
}

Test(tracing, each_call_has_a_parent_id_of_its_own_in_one_trace)
{
    struct origin *origin = origin_answering(ANSWER_OK, 0);
    struct world *world = world_start(
        WORLD_PATIENT "[upstream u]\nurl = http://127.0.0.1:%u\n[route r]\nmatch = /*\n"
                      "steps = one + two, answer\n[call r.one]\nupstream = u\nrequest = GET /one\n"
                      "[call r.two]\nupstream = u\nrequest = POST /two\n"
                      "[call r.answer]\nupstream = u\n",
        origin_port(origin));

    cr_expect_eq(world_get(world, "/answer", TRACED STATE)->status, 200);
    const struct message *messages[] = {
        &origin_request_for(origin, "/one")->message,
        &origin_request_for(origin, "/two")->message,
        &origin_request_for(origin, "/answer")->message,
    };
    for (size_t i = 0; i < 3; i++) {
        const char *value = traceparent(messages[i]);
        cr_expect(is_same_trace(value, GIVEN), "%s", value);
        cr_expect_not(is_same_parent(value, GIVEN), "%s", value);
        cr_expect_not(is_same_parent(value, traceparent(messages[(i + 1) % 3])), "%s", value);
        cr_expect_str_eq(message_header(messages[i], "tracestate", 0), "congo=t61rcWkgMzE");
    }
    world_stop(world);
}

Test(tracing, each_attempt_of_a_call_has_a_parent_id_of_its_own)
{
    struct origin *origin = ORIGIN({.deeds = {READ_ALL, SEND(SAD)}}, {.deeds = {READ_ALL, CLOSE}},
                                   {.deeds = {READ_ALL, SEND(ANSWER_OK)}});
    struct world *world = world_start(
        WORLD_PATIENT "[upstream u]\nurl = http://127.0.0.1:%u\nretry-budget = 100%%\n"
                      "tell = grpc-timeout: grpc\ntell = X-Left: ms\n"
                      "[route r]\nmatch = /*\nsteps = it\n"
                      "[call r.it]\nupstream = u\nretries = 2\nretry-on = 503, connect\n",
        origin_port(origin));

    cr_expect_eq(
        world_ask(world, "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n" TRACED STATE "\r\nhi")
            ->status,
        200);
    cr_assert_eq(origin_requests(origin), 3);
    for (size_t i = 0; i < 3; i++) {
        const struct message *message = received(origin, i);
        const char *value = traceparent(message);
        cr_expect(is_same_trace(value, GIVEN), "%s", value);
        cr_expect_not(is_same_parent(value, GIVEN), "%s", value);
        cr_expect_not(is_same_parent(value, traceparent(received(origin, (i + 1) % 3))));
        cr_expect_not_null(message_header(message, "X-Left", 0));
        cr_expect_null(message_header(message, "X-Left", 1));
        cr_expect_str_eq(message_header(message, "tracestate", 0), "congo=t61rcWkgMzE");
    }
    cr_expect(LOGS(world, "trace_id=" ID, "it:ok:", "attempts=3"));
    world_stop(world);
}

/* libcurl does that by itself; to whoever reads the trace it is an attempt like others. */
Test(tracing, request_that_is_sent_again_on_another_connection_has_a_parent_id_of_its_own)
{
    struct origin *origin =
        ORIGIN({.deeds = {SEND(ANSWER_OK)}}, {.deeds = {CLOSE}}, {.deeds = {SEND(ANSWER_OK)}});
    struct world *world = before(origin);

    cr_assert_eq(world_get(world, "/", "")->status, 200);
    cr_expect_eq(world_get(world, "/again", TRACED)->status, 200);
    cr_assert_eq(origin_requests(origin), 3);
    const char *first = traceparent(received(origin, 1));
    const char *second = traceparent(received(origin, 2));
    cr_expect(is_same_trace(first, GIVEN), "%s", first);
    cr_expect(is_same_trace(second, GIVEN), "%s", second);
    cr_expect_not(is_same_parent(first, second), "%s", second);
    world_stop(world);
}

Test(tracing, traceparent_that_the_configuration_sets_wins)
{
    struct origin *origin = origin_answering(ANSWER_OK, 0);
    struct world *world =
        world_start(WORLD_PATIENT "[upstream u]\nurl = http://127.0.0.1:%u\n[route r]\nmatch = /*\n"
                                  "steps = it\n[call r.it]\nupstream = u\n"
                                  "header = TraceParent: {header.traceparent|none}\n",
                    origin_port(origin));

    world_get(world, "/", TRACED STATE);
    world_get(world, "/", "");
    cr_expect_str_eq(traceparent(received(origin, 0)), GIVEN);
    cr_expect_str_eq(message_header(received(origin, 0), "tracestate", 0), "congo=t61rcWkgMzE");
    cr_expect_str_eq(message_header(received(origin, 1), "traceparent", 0), "none");
    cr_expect_null(message_header(received(origin, 1), "traceparent", 1));
    world_stop(world);
}

Test(tracing, request_that_calls_nobody_is_logged_with_its_trace_too)
{
    struct origin *origin = origin_answering(ANSWER_OK, 0);
    struct world *world = before(origin);

    world_get(world, "/", TRACED "X-Request-Timeout-Ms: 0\r\n");
    cr_expect(LOGS(world, " trace_id=" ID " ", "status=504", "reason=arrival"));
    world_stop(world);
}
