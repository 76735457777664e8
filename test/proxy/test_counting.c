/* What the metrics say of requests, seen from outside: whose fault a 504 was, what was granted, used
 * and left, who left when, and how late all was. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf/json.h"
#include "test/support/world.h"

TestSuite(counting, .timeout = 300);

#define HURRY "X-Request-Timeout-Ms: 400\r\n"

static const struct script ok = {.deeds = {READ_ALL, SEND(ANSWER_OK)}};
static const struct script silence = {.deeds = {READ_ALL, SILENCE}};

static struct world *before(struct origin *origin)
{
    return world_start(WORLD_PATIENT WORLD_ROUTE, origin_port(origin));
}

/* The value of a metric of the route. */
static double of_route(const struct world *world, const char *name)
{
    return world_metric(world, name, "{route=\"all\"");
}

/* Waits for a value that comes about a moment later. */
static double awaited(const struct world *world, const char *name, const char *label)
{
    double value = -1;

    for (int i = 0; i < 500 && value <= 0; i++) {
        value = world_metric(world, name, label);
        usleep(10 * 1000);
    }
    return value;
}

static void ask(struct world *world, const char *method)
{
    char request[100];

    snprintf(request, sizeof request, "%s / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n",
             method);
    cr_expect_eq(world_ask(world, request)->status, 200, "%s", method);
}

Test(counting, requests_are_counted_by_method_and_the_rare_ones_together)
{
    struct world *world = before(ORIGIN(ok));

    ask(world, "GET");
    ask(world, "POST");
    ask(world, "PROPFIND");
    ask(world, "PURGE");
    cr_expect_eq(world_metric(world, "requests_total{route=\"all\",method=\"GET\"", "\"ok\""), 1);
    cr_expect_eq(world_metric(world, "requests_total{route=\"all\",method=\"POST\"", "\"ok\""), 1);
    cr_expect_eq(world_metric(world, "requests_total{route=\"all\",method=\"other\"", "\"ok\""), 2);
    world_stop(world);
}

Test(counting, budgets_are_counted_by_the_header_that_named_them)
{
    struct world *world = before(ORIGIN(ok));

    world_get(world, "/", "X-Request-Timeout-Ms: 1500\r\n");
    world_get(world, "/", "");
    world_get(world, "/", "");
    cr_expect_eq(world_metric(world, "budget_seconds_count", "source=\"X-Request-Timeout-Ms\""), 1);
    cr_expect_eq(world_metric(world, "budget_seconds_sum", "source=\"X-Request-Timeout-Ms\""), 1.5);
    cr_expect_eq(world_metric(world, "budget_seconds_count", "source=\"default\""), 2);
    cr_expect_eq(world_metric(world, "budget_seconds_sum", "source=\"default\""), 40);
    world_stop(world);
}

Test(counting, a_504_names_the_call_and_has_used_its_grant_up)
{
    struct world *world = before(ORIGIN(silence));

    cr_expect_eq(world_get(world, "/", HURRY)->status, 504);
    cr_expect_eq(world_metric(world, "timeouts_total", "call=\"backend\",reason=\"call\""), 1);
    cr_expect_eq(of_route(world, "hourglass_call_granted_seconds_count"), 1);
    cr_expect_leq(of_route(world, "hourglass_call_granted_seconds_sum"), 0.39);
    cr_expect_geq(of_route(world, "hourglass_call_used_seconds_sum"),
                  of_route(world, "hourglass_call_granted_seconds_sum"));
    cr_expect_eq(of_route(world, "hourglass_call_left_seconds_sum"), 0);
    cr_expect_geq(of_route(world, "hourglass_request_duration_seconds_sum"), 0.38);
    cr_expect_geq(of_route(world, "hourglass_budget_used_ratio_sum"), 0.8);
    cr_expect_eq(world_metric(world, "hourglass_deadline_lateness_seconds_count", ""), 1);
    cr_expect_eq(world_metric(world, "hourglass_cancel_latency_seconds_count", ""), 1);
    world_stop(world);
}

Test(counting, an_expired_request_is_nobodys_fault_and_has_no_part_of_its_budget)
{
    struct world *world = before(ORIGIN(ok));

    cr_expect_eq(world_get(world, "/", "X-Request-Timeout-Ms: 0\r\n")->status, 504);
    cr_expect_eq(world_metric(world, "timeouts_total{route=\"all\",reason=\"arrival\"", ""), 1);
    cr_expect_eq(of_route(world, "hourglass_budget_used_ratio_count"), -1);
    world_stop(world);
}

Test(counting, a_client_that_leaves_is_counted_where_it_left_and_its_call_as_cancelled)
{
    struct origin *origin = ORIGIN(silence);
    struct world *world = before(origin);
    struct dialogue *dialogue = world_dial(world);

    dialogue_send(dialogue, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    origin_request(origin, 0);
    dialogue_reset(dialogue);
    cr_expect_eq(awaited(world, "client_aborts_total", "stage=\"head\""), 1);
    cr_expect_eq(world_metric(world, "calls_total{route=\"all\"", "outcome=\"cancelled\""), 1);
    cr_expect_eq(world_metric(world, "hourglass_cancel_latency_seconds_count", ""), 1);
    cr_expect_eq(world_metric(world, "hourglass_deadline_lateness_seconds_count", ""), 0);
    world_stop(world);
}

Test(counting, a_client_that_leaves_while_it_sends_has_left_there)
{
    struct origin *origin = ORIGIN({.deeds = {READ_BYTES(3), SILENCE}});
    struct world *world = before(origin);
    struct dialogue *dialogue = world_dial(world);

    dialogue_send(dialogue, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nabc");
    while (origin_received(origin, 0) < 3)
        usleep(5000);
    dialogue_reset(dialogue);
    cr_expect_eq(awaited(world, "client_aborts_total", "stage=\"send\""), 1);
    cr_expect(LOGS(world, "status=499", "termination=CS", "bytes_up=3"));
    world_stop(world);
}

/* Its upstream reads late answers on. keys: of its call. */
static struct world *before_late(struct origin *origin, const char *keys)
{
    return world_start(WORLD_PATIENT "[upstream backend]\nurl = http://127.0.0.1:%u\n"
                                     "on-expiry = drain\ndrain-time = 20s\n"
                                     "[route all]\nmatch = /*\nsteps = it\n"
                                     "[call all.it]\nupstream = backend\n%s",
                       origin_port(origin), keys);
}

Test(counting, a_late_answer_is_its_calls_and_its_upstreams)
{
    struct origin *origin = origin_answering(ANSWER_OK, 1000);
    struct world *world = before_late(origin, "");

    cr_expect_eq(world_get(world, "/", HURRY)->status, 504);
    cr_expect_eq(awaited(world, "hourglass_call_late_seconds_count", "call=\"it\""), 1);
    cr_expect_geq(of_route(world, "hourglass_call_late_seconds_sum"), 0.6);
    cr_expect_eq(of_route(world, "hourglass_call_late_seconds_bucket{route=\"all\""), 0);
    cr_expect_geq(world_metric(world, "hourglass_upstream_late_seconds_sum", "backend"), 0.6);
    world_stop(world);
}

/* With more time its client would have had the error. */
Test(counting, a_late_error_is_no_late_answer_of_its_call)
{
    static const char error[] = "HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n";
    struct origin *origin = origin_answering(error, 1000);
    struct world *world = before_late(origin, "");

    cr_expect_eq(world_get(world, "/", HURRY)->status, 504);
    cr_expect_eq(awaited(world, "hourglass_upstream_late_seconds_count", "backend"), 1);
    cr_expect_eq(world_metric(world, "hourglass_call_late_seconds_count", "call=\"it\""), -1);
    world_stop(world);
}

Test(counting, a_call_whose_two_attempts_are_late_is_late_once)
{
    struct origin *origin = origin_answering(ANSWER_OK, 1200);
    struct world *world = before_late(origin, "hedge = 50ms\n");

    cr_expect_eq(world_get(world, "/", "X-Request-Timeout-Ms: 600\r\n")->status, 504);
    for (int i = 0; i < 500 && world_metric(world, "upstream_drained_total", "backend") < 2; i++)
        usleep(10 * 1000);
    cr_expect_eq(world_metric(world, "upstream_drained_total", "backend"), 2);
    cr_expect_eq(world_metric(world, "hourglass_upstream_late_seconds_count", "backend"), 2);
    cr_expect_eq(world_metric(world, "hourglass_call_late_seconds_count", "call=\"it\""), 1);
    world_stop(world);
}

Test(counting, the_loop_tells_how_late_it_is_without_any_request)
{
    struct world *world = before(ORIGIN(ok));

    cr_expect_geq(awaited(world, "hourglass_loop_lag_seconds_count", ""), 1);
    world_stop(world);
}

/* Routes r0, r1 and so on, to be freed. */
static char *many_routes(size_t count)
{
    char *text = NULL;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);

    for (size_t i = 0; i < count; i++)
        fprintf(out, "[route r%zu]\nmatch = /r%zu\nupstream = backend\n", i, i);
    fclose(out);
    return text;
}

static size_t count_of(const char *page, const char *text)
{
    size_t count = 0;

    for (; (page = strstr(page, text)); page += strlen(text))
        count++;
    return count;
}

static const struct reply *admin_ask(const struct world *world, const char *path)
{
    struct dialogue *dialogue = dialogue_open(world_admin(world));
    char request[200];

    snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", path);
    dialogue_send(dialogue, request);
    return dialogue_read(dialogue);
}

Test(counting, a_thousand_routes_are_told_whole)
{
    enum { COUNT = 1000 };
    char *routes = many_routes(COUNT);
    struct world *world =
        world_start(WORLD_PATIENT "[upstream backend]\nurl = http://127.0.0.1:%u\n%s",
                    origin_port(ORIGIN(ok)), routes);

    cr_expect_eq(world_get(world, "/r999", "")->status, 200);
    cr_expect_eq(awaited(world, "requests_total{route=\"r999\"", "\"ok\""), 1);
    const struct reply *page = admin_ask(world, "/metrics");
    cr_expect_eq(count_of(page->body, "outcome=\"client_gone\"} 0\n"), COUNT + 1);
    const struct reply *json = admin_ask(world, "/routes");
    struct text whole = {.at = json->body, .count = json->message.body_count};
    cr_assert(json_is_value(whole));
    cr_expect(text_is(json_find(whole, TEXT("/routes/999/elapsed/count")), TEXT("1")));
    cr_expect(text_is(json_find(whole, TEXT("/routes/998/elapsed/count")), TEXT("0")));
    cr_expect_null(json_find(whole, TEXT("/routes/1000")).at);
    world_stop(world);
    free(routes);
}
