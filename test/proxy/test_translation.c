/* Budgets in each format, from the client and to the upstreams. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "budget/wire.h"
#include "proxy/clock.h"
#include "test/support/world.h"

TestSuite(translation, .timeout = 300);

/* What it is written with, apart from digits. */
static const struct {
    const char *name;
    enum wire_format format;
    const char *more;
} formats[] = {
    {"ms", WIRE_MS, ""},
    {"s", WIRE_S, "."},
    {"duration", WIRE_DURATION, "mus"},
    {"grpc", WIRE_GRPC, "HMSmun"},
    {"epoch-ms", WIRE_EPOCH_MS, ""},
};
enum { FORMATS = sizeof(formats) / sizeof(*formats) };

static const char *told(struct origin *origin, size_t n, const char *name)
{
    const char *value = message_header(&origin_request(origin, n)->message, name, 0);

    cr_assert_not_null(value, "nothing is told in %s", name);
    cr_expect_null(message_header(&origin_request(origin, n)->message, name, 1));
    return value;
}

/* As a reader of that format takes it, at that moment. */
static struct span read_told(const char *value, size_t format, int64_t realtime_ms)
{
    struct wire_field field = {.name = "X-Left", .format = formats[format].format};
    struct wire_reading reading;
    char alphabet[32];

    snprintf(alphabet, sizeof(alphabet), "0123456789%s", formats[format].more);
    cr_expect_eq(strspn(value, alphabet), strlen(value), "%s as %s", value, formats[format].name);
    wire_begin(&reading);
    wire_take(&reading, 0, &field, value, strlen(value));
    struct wire_asked asked = wire_end(&reading, realtime_ms, span_s(30));
    cr_expect(asked.any && asked.malformed == 0, "%s as %s", value, formats[format].name);
    return asked.budget;
}

#define ROUTE "[route r]\nmatch = /*\nupstream = u\n"

/* 4000 are given, of which 80 are kept back. */
Test(translation, each_format_tells_an_upstream_what_is_left)
{
    for (size_t i = 0; i < FORMATS; i++) {
        struct origin *origin = origin_answering(ANSWER_OK, 0);
        struct world *world =
            world_start(WORLD_PATIENT "reply = 80ms\n" ROUTE "[upstream u]\n"
                                      "url = http://127.0.0.1:%u\ntell = X-Left: %s\n",
                        origin_port(origin), formats[i].name);
        int64_t earliest_ms = clock_realtime_ms();
        cr_expect_eq(world_get(world, "/", "X-Request-Timeout-Ms: 4000\r\n")->status, 200);
        int64_t latest_ms = clock_realtime_ms();
        const char *value = told(origin, 0, "X-Left");
        cr_expect_gt(read_told(value, i, earliest_ms).ns, 0, "%s", value);
        cr_expect_leq(read_told(value, i, latest_ms).ns, span_ms(4000 - 80).ns, "%s", value);
        world_stop(world);
    }
}

Test(translation, one_upstream_may_be_told_in_several_formats_at_once)
{
    struct origin *origin = origin_answering(ANSWER_OK, 0);
    struct world *world = world_start(
        WORLD_PATIENT ROUTE "[upstream u]\nurl = http://127.0.0.1:%u\n"
                            "tell = X-Ms: ms\ntell = X-S: s\ntell = X-Duration: duration\n"
                            "tell = grpc-timeout: grpc\ntell = X-Deadline: epoch-ms\n",
        origin_port(origin));
    static const char *const names[] = {"X-Ms", "X-S", "X-Duration", "grpc-timeout", "X-Deadline"};

    world_get(world, "/", "X-Request-Timeout-Ms: 4000\r\nX-Ms: 1\r\nX-Deadline: 2\r\n");
    int64_t latest_ms = clock_realtime_ms();
    int ms = atoi(told(origin, 0, "X-Ms"));
    cr_expect_gt(ms, 0);
    for (size_t i = 0; i < FORMATS - 1; i++) {
        struct span left = read_told(told(origin, 0, names[i]), i, latest_ms);
        cr_expect_eq(span_floor_ms(left), ms, "%s", names[i]);
    }
    struct span left = read_told(told(origin, 0, "X-Deadline"), FORMATS - 1, latest_ms);
    cr_expect_leq(span_floor_ms(left), ms);
    cr_expect_null(message_header(&origin_request(origin, 0)->message, "X-Request-Timeout-Ms", 0));
    world_stop(world);
}

/* ---- from the client -------------------------------------------------------------------------- */

#define ALL_FORMATS                                                                 \
    "header = X-S: s\nheader = X-Duration: duration\nheader = grpc-timeout: grpc\n" \
    "header = X-Deadline: epoch-ms\nheader = x-envoy-upstream-rq-timeout-ms: ms\nmax = 60s\n"

static struct world *before(struct origin *origin)
{
    return world_start(WORLD_PATIENT ALL_FORMATS WORLD_ROUTE, origin_port(origin));
}

/* The budget that a good answer tells of; the first of its timing. */
static double budget_ms(const struct reply *reply)
{
    double ms = -1;

    cr_expect_eq(reply->status, 200);
    cr_expect_eq(sscanf(reply_header(reply, "Server-Timing"), "budget;dur=%lf", &ms), 1);
    return ms;
}

Test(translation, each_format_is_read)
{
    static const struct {
        const char *lines;
        double budget_ms;
    } cases[] = {
        {"X-S: 1.5\r\n", 1500},
        {"X-S: 5, 3.0001\r\n", 3000.1},
        {"X-Duration: 1500000us\r\n", 1500},
        {"X-Duration: 0.5m\r\nX-S: 31\r\n", 30000},
        {"grpc-timeout: 2S\r\nX-Request-Timeout-Ms: 2500\r\n", 2000},
        {"grpc-timeout: 1H\r\n", 60000}, /* max */
        {"X-S: 1500ms\r\n", 20000},      /* malformed: the default */
        {"X-Duration: 1500\r\n", 20000}, /* no unit */
        {"X-Deadline: 4000\r\n", 20000}, /* 1970 */
        {"X-Deadline: 1.5e12\r\n", 20000},
    };
    struct world *world = before(origin_answering(ANSWER_OK, 0));

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        cr_expect_eq(budget_ms(world_get(world, "/", cases[i].lines)), cases[i].budget_ms, "%s",
                     cases[i].lines);
    cr_expect(LOGS(world, "source=X-S", "budget_ms=1500 "));
    cr_expect(LOGS(world, "source=grpc-timeout", "budget_ms=2000 "));
    world_stop(world);
}

static double budget_until(const struct world *world, int64_t instant_ms)
{
    char lines[64];

    snprintf(lines, sizeof(lines), "X-Deadline: %" PRId64 "\r\n", instant_ms);
    return budget_ms(world_get(world, "/", lines));
}

Test(translation, instant_is_read_where_it_is_plausible)
{
    struct world *world = before(origin_answering(ANSWER_OK, 0));
    double soon = budget_until(world, clock_realtime_ms() + 9000);

    cr_expect_leq(soon, 9000);
    cr_expect_gt(soon, 0);
    cr_expect_eq(budget_until(world, clock_realtime_ms() + 100000), 60000, "max");
    cr_expect_eq(budget_until(world, clock_realtime_ms() + 3600000), 20000, "an hour away");
    world_stop(world);
}

/* The budget begins with the first byte, and so does what an instant leaves of it. */
Test(translation, instant_is_as_far_away_as_it_was_when_the_request_began)
{
    struct world *world = before(origin_answering(ANSWER_OK, 0));
    struct dialogue *dialogue = world_dial(world);
    char line[64];

    snprintf(line, sizeof(line), "X-Deadline: %" PRId64 "\r\n\r\n", clock_realtime_ms() + 9000);
    dialogue_send(dialogue, "GET / HTTP/1.1\r\nHost: h\r\n");
    usleep(800 * 1000);
    dialogue_send(dialogue, line);
    double ms = budget_ms(dialogue_read(dialogue));
    cr_expect_leq(ms, 9000);
    cr_expect_gt(ms, 8300, "%g", ms);
    world_stop(world);
}

/* To those who send it 0 says that there is no limit. */
Test(translation, zero_of_envoys_header_is_no_budget)
{
    struct origin *origin = origin_answering(ANSWER_OK, 0);
    struct world *world = before(origin);

    cr_expect_eq(budget_ms(world_get(world, "/", "x-envoy-upstream-rq-timeout-ms: 0\r\n")), 20000);
    cr_expect(LOGS(world, "source=default", "budget_ms=20000 ", "status=200"));
    cr_expect_eq(budget_ms(world_get(world, "/",
                                     "X-Envoy-Upstream-Rq-Timeout-Ms: 0\r\n"
                                     "X-Request-Timeout-Ms: 5000\r\n")),
                 5000);
    cr_expect_eq(budget_ms(world_get(world, "/", "x-envoy-upstream-rq-timeout-ms: 7000\r\n")),
                 7000);
    cr_expect_eq(world_get(world, "/", "x-envoy-upstream-rq-timeout-ms: -1\r\n")->status, 504);
    cr_expect_eq(origin_requests(origin), 3);
    cr_expect_leq(world_metric(world, "malformed_budgets", ""), 0);
    world_stop(world);
}
