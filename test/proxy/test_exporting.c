/* Spans of traces as a collector gets them. */
#include <criterion/criterion.h>
#include <string.h>
#include <unistd.h>

#include "test/support/address.h"
#include "test/support/collector.h"
#include "test/support/world.h"

TestSuite(exporting, .timeout = 300);

#define ID "0af7651916cd43dd8448eb211c80319c"
#define PARENT "b7ad6b7169203331"
#define SAMPLED "traceparent: 00-" ID "-" PARENT "-01\r\n"
#define UNSAMPLED "traceparent: 00-" ID "-" PARENT "-00\r\n"
#define SAD "HTTP/1.1 503 Sad\r\nContent-Length: 0\r\n\r\n"

#define UPSTREAM "[upstream u]\nurl = http://127.0.0.1:%u\n"

static const struct otlp_span *span_with(size_t count, const char *id)
{
    for (size_t i = 0; i < count; i++) {
        if (text_is(collector_spans[i].id, (struct text){.at = id, .count = 16}))
            return &collector_spans[i];
    }
    cr_assert_fail("no span %.16s", id);
    return NULL;
}

static const struct otlp_span *server_span(size_t count)
{
    const struct otlp_span *found = NULL;

    for (size_t i = 0; i < count; i++) {
        if (collector_spans[i].kind != 2)
            continue;
        cr_assert_null(found, "two requests");
        found = &collector_spans[i];
    }
    cr_assert_not_null(found);
    return found;
}

/* The traceparent that the n-th request to an origin has brought. */
static const char *told(struct origin *origin, size_t n)
{
    const char *value = message_header(&origin_request(origin, n)->message, "traceparent", 0);

    cr_assert_not_null(value);
    return value;
}

static const struct otlp_span *told_span(struct origin *origin, size_t n, size_t count)
{
    const char *value = told(origin, n);
    const struct otlp_span *span = span_with(count, value + 36);

    cr_assert(text_is(span->trace, (struct text){.at = value + 3, .count = 32}));
    cr_assert_eq(span->kind, 3);
    return span;
}

#define SAYS(span, key, value)                                \
    cr_expect(otlp_says(span, key, value), "%s is %.*s", key, \
              (int)otlp_attribute(span, key).count, otlp_attribute(span, key).at)

/* ---- what is exported ------------------------------------------------------------------------- */

Test(exporting, a_request_and_its_call_are_two_spans_of_one_trace)
{
    struct origin *collector = collector_start();
    struct origin *origin = origin_answering(ANSWER_OK, 20);
    struct world *world =
        world_start(EXPORT WORLD_BUDGET "default = 20s\n" UPSTREAM
                                        "[route order]\nmatch = GET /order/{id}\nsteps = ask\n"
                                        "[call order.ask]\nupstream = u\nbudget = 5s\n",
                    origin_port(collector), origin_port(origin));

    world_get(world, "/order/7?secret=1", "User-Agent: probe/1\r\nX-Request-Timeout-Ms: 9000\r\n");
    size_t count = collector_receive(collector, 0);
    cr_assert_eq(count, 2);
    const struct otlp_span *server = server_span(count);
    const struct otlp_span *client = told_span(origin, 0, count);
    cr_expect_str_eq(told(origin, 0) + 52, "-01", "what is exported is said to be sampled");
    cr_expect(text_is(client->parent, server->id));
    cr_expect_eq(server->parent.count, 0, "the trace begins here");
    cr_expect_eq(server->flags, 0x101);
    cr_expect_eq(client->flags, 0x101);
    cr_expect(text_is(server->name, TEXT("GET /order/{id}")));
    cr_expect(text_is(client->name, TEXT("GET")));
    cr_expect_geq(client->ended_ns - client->begun_ns, 20000000);
    cr_expect_geq(client->begun_ns, server->begun_ns);
    cr_expect_leq(client->ended_ns, server->ended_ns);
    cr_expect_eq(server->code + client->code, 0);
    SAYS(server, "http.request.method", "GET");
    SAYS(server, "url.path", "/order/7");
    SAYS(server, "url.scheme", "http");
    SAYS(server, "http.route", "/order/{id}");
    SAYS(server, "http.response.status_code", "200");
    SAYS(server, "network.protocol.version", "1.1");
    SAYS(server, "client.address", "127.0.0.1");
    SAYS(server, "user_agent.original", "probe/1");
    SAYS(server, "hourglass.route", "order");
    SAYS(server, "hourglass.budget_ms", "9000");
    SAYS(server, "hourglass.budget_source", "X-Request-Timeout-Ms");
    SAYS(server, "hourglass.outcome", "ok");
    SAYS(server, "hourglass.termination", "--");
    SAYS(client, "http.response.status_code", "200");
    SAYS(client, "server.address", "127.0.0.1");
    SAYS(client, "network.peer.address", "127.0.0.1");
    SAYS(client, "hourglass.call", "ask");
    SAYS(client, "hourglass.upstream", "u");
    SAYS(client, "hourglass.outcome", "ok");
    SAYS(client, "hourglass.granted_ms", "5000");
    cr_expect_null(otlp_attribute(client, "http.request.resend_count").at);
    collector_wait(world, "hourglass_trace_spans_exported_total", "", 2);
    world_stop(world);
}

Test(exporting, a_trace_of_the_client_is_exported_if_it_is_sampled_whatever_the_share)
{
    struct origin *collector = collector_start();
    struct origin *origin = origin_answering(ANSWER_OK, 0);
    struct world *world = world_start(
        WORLD_PROXY "trace-export = http://127.0.0.1:%u\ntrace-share = 0%%\n"
                    "trace-service = hourglass\n" WORLD_BUDGET "default = 20s\n" WORLD_ROUTE,
        origin_port(collector), origin_port(origin));

    world_get(world, "/", UNSAMPLED);
    world_get(world, "/", "");
    world_get(world, "/", SAMPLED);
    size_t count = collector_receive(collector, 0);
    cr_assert_eq(count, 2);
    const struct otlp_span *server = server_span(count);
    cr_expect(text_is(server->trace, TEXT(ID)));
    cr_expect(text_is(server->parent, TEXT(PARENT)));
    cr_expect_eq(server->flags, 0x301, "its parent is elsewhere");
    cr_expect_str_eq(told(origin, 0) + 52, "-00");
    cr_expect_str_eq(told(origin, 1) + 52, "-00");
    cr_expect_str_eq(told(origin, 2) + 52, "-01");
    cr_expect(text_is(told_span(origin, 2, count)->parent, server->id));
    cr_expect_null(otlp_attribute(server, "http.route").at, "a path that ends in * is none");
    world_stop(world);
}

static void expect_state(const char *lines, const char *state)
{
    struct origin *collector = collector_start();
    struct origin *origin = origin_answering(ANSWER_OK, 0);
    struct world *world = world_start(EXPORT WORLD_BUDGET "default = 20s\n" WORLD_ROUTE,
                                      origin_port(collector), origin_port(origin));

    world_get(world, "/", lines);
    cr_assert_eq(collector_receive(collector, 0), 2);
    cr_expect(text_is(collector_spans[0].state, text_of(state)), "%s", lines);
    cr_expect(text_is(collector_spans[1].state, text_of(state)), "%s", lines);
    world_stop(world);
}

Test(exporting, tracestate_of_the_clients_trace_is_in_all_spans)
{
    expect_state(SAMPLED "tracestate: foo=\"1 , two\r\nTraceState: b@r=\\2\r\n",
                 "foo=\\\"1,b@r=\\\\2");
}

Test(exporting, tracestate_of_no_trace_is_in_no_span)
{
    expect_state("tracestate: foo=1\r\n", "");
    expect_state(SAMPLED SAMPLED "tracestate: foo=1\r\n", "");
}

Test(exporting, collector_may_be_a_socket_and_the_service_may_have_any_name)
{
    char address[ADDRESS_ROOM];

    address_spare(address);
    struct origin *collector =
        origin_start(address, &(struct script){.deeds = {READ_ALL, SEND(TAKEN)}}, 1);
    struct origin *origin = origin_answering(ANSWER_OK, 0);
    struct world *world =
        world_start(WORLD_PROXY "trace-export = %s\ntrace-service = shop \"\\ front\n" WORLD_BUDGET
                                "default = 20s\n[upstream trace-export]\n"
                                "url = http://127.0.0.1:%u\n[route all]\nmatch = /*\n"
                                "upstream = trace-export\n",
                    address, origin_port(origin));

    world_get(world, "/", SAMPLED);
    const struct message *message = &origin_body(collector, 0)->message;
    cr_expect_str_eq(message_header(message, "host", 0), "localhost");
    cr_expect_eq(otlp_read(message->body, "shop \\\"\\\\ front", collector_spans), 2);
    world_stop(world);
    unlink(address + strlen("unix:"));
}

Test(exporting, share_decides_over_traces_that_begin_here)
{
    struct origin *collector = collector_start();
    struct origin *origin = origin_answering(ANSWER_OK, 0);
    struct world *world = world_start(
        WORLD_PROXY "trace-export = http://127.0.0.1:%u\ntrace-share = 50%%\n" WORLD_BUDGET
                    "default = 20s\n" WORLD_ROUTE,
        origin_port(collector), origin_port(origin));
    size_t sampled = 0;

    for (size_t i = 0; i < 100; i++) {
        world_get(world, "/", "");
        sampled += strcmp(told(origin, i) + 52, "-01") == 0;
    }
    cr_expect(sampled > 15 && sampled < 85, "%zu of 100", sampled);
    collector_wait(world, "hourglass_trace_spans_exported_total", "", 2 * (double)sampled);
    world_stop(world);
}

/* The second meets a kept connection that closes, whereupon libcurl sends it once more by itself. */
Test(exporting, each_retry_is_a_span_with_the_id_that_its_upstream_was_told)
{
    struct origin *collector = collector_start();
    struct origin *origin = ORIGIN({.deeds = {READ_ALL, SEND(SAD)}}, {.deeds = {READ_ALL, CLOSE}},
                                   {.deeds = {READ_ALL, SEND(ANSWER_OK)}});
    struct world *world =
        world_start(EXPORT WORLD_BUDGET "default = 20s\n[upstream u]\nurl = http://127.0.0.1:%u\n"
                                        "retry-budget = 100%%\n"
                                        "[route r]\nmatch = /*\nsteps = ask\n[call r.ask]\n"
                                        "upstream = u\nretries = 3\nbackoff = 1ms\n"
                                        "retry-on = connect, timeout, 502, 503, 504\n",
                    origin_port(collector), origin_port(origin));

    cr_assert_eq(world_get(world, "/", "")->status, 200);
    size_t count = collector_receive(collector, 0);
    cr_assert_eq(count, 4);
    const struct otlp_span *server = server_span(count);
    const struct otlp_span *first = told_span(origin, 0, count);
    const struct otlp_span *second = told_span(origin, 1, count);
    const struct otlp_span *third = told_span(origin, 2, count);
    cr_expect(first != second && second != third && third != first);
    cr_expect(text_is(first->parent, server->id));
    cr_expect(text_is(second->parent, server->id));
    SAYS(first, "http.response.status_code", "503");
    SAYS(first, "error.type", "503");
    cr_expect_null(otlp_attribute(first, "http.request.resend_count").at);
    cr_expect_eq(first->code, 2);
    SAYS(second, "http.request.resend_count", "1");
    SAYS(second, "error.type", "broken");
    cr_expect_null(otlp_attribute(second, "http.response.status_code").at);
    SAYS(third, "http.request.resend_count", "2");
    SAYS(third, "http.response.status_code", "200");
    cr_expect_eq(second->ended_ns, third->begun_ns, "it is sent anew as soon as that is seen");
    SAYS(server, "http.response.status_code", "200");
    cr_expect_null(otlp_attribute(server, "error.type").at);
    world_stop(world);
}

Test(exporting, hedge_is_a_span_beside_the_one_that_it_races)
{
    struct origin *collector = collector_start();
    struct origin *origin =
        ORIGIN({.deeds = {READ_ALL, SILENCE}}, {.deeds = {READ_ALL, SEND(ANSWER_OK)}});
    struct world *world =
        world_start(EXPORT WORLD_BUDGET "default = 20s\n[upstream u]\nurl = http://127.0.0.1:%u\n"
                                        "hedge-budget = 100%%\n"
                                        "[route r]\nmatch = /*\nsteps = ask\n[call r.ask]\n"
                                        "upstream = u\nhedge = 30ms\n",
                    origin_port(collector), origin_port(origin));

    cr_assert_eq(world_get(world, "/", "")->status, 200);
    size_t count = collector_receive(collector, 0);
    cr_assert_eq(count, 3);
    const struct otlp_span *slow = told_span(origin, 0, count);
    const struct otlp_span *hedge = told_span(origin, 1, count);
    SAYS(slow, "hourglass.outcome", "cancelled");
    cr_expect_null(otlp_attribute(slow, "hourglass.hedge").at);
    cr_expect_null(otlp_attribute(slow, "error.type").at);
    cr_expect_eq(slow->code, 0, "to have lost a race is no error");
    SAYS(hedge, "hourglass.hedge", "true");
    SAYS(hedge, "http.request.resend_count", "1");
    SAYS(hedge, "hourglass.outcome", "ok");
    cr_expect_geq(hedge->begun_ns - slow->begun_ns, 30000000);
    cr_expect_gt(slow->ended_ns, hedge->begun_ns, "they have run side by side");
    world_stop(world);
}

Test(exporting, a_504_says_whose_time_it_was)
{
    struct origin *collector = collector_start();
    struct origin *origin = ORIGIN({.deeds = {READ_ALL, SILENCE}});
    struct world *world =
        world_start(EXPORT WORLD_BUDGET "default = 20s\n" UPSTREAM
                                        "[route r]\nmatch = /*\nsteps = ask\n[call r.ask]\n"
                                        "upstream = u\nbudget = 400ms\n",
                    origin_port(collector), origin_port(origin));

    cr_assert_eq(world_get(world, "/", "")->status, 504);
    size_t count = collector_receive(collector, 0);
    const struct otlp_span *server = server_span(count);
    const struct otlp_span *client = told_span(origin, 0, count);
    SAYS(server, "error.type", "504");
    SAYS(server, "hourglass.outcome", "timeout");
    SAYS(server, "hourglass.reason", "call");
    SAYS(server, "hourglass.call", "ask");
    SAYS(server, "hourglass.termination", "BH");
    SAYS(server, "hourglass.budget_source", "default");
    SAYS(client, "error.type", "timeout");
    SAYS(client, "hourglass.granted_ms", "400");
    cr_expect_geq(client->ended_ns - client->begun_ns, 400000000);
    world_stop(world);
}

Test(exporting, what_cannot_be_connected_to_is_a_span_too)
{
    struct origin *collector = collector_start();
    struct world *world =
        world_start(EXPORT WORLD_BUDGET "default = 20s\n" WORLD_ROUTE, origin_port(collector), 1U);

    cr_assert_eq(world_get(world, "/", "")->status, 502);
    size_t count = collector_receive(collector, 0);
    cr_assert_eq(count, 2);
    const struct otlp_span *client =
        collector_spans[0].kind == 3 ? &collector_spans[0] : &collector_spans[1];
    SAYS(client, "error.type", "refused");
    SAYS(client, "server.port", "1");
    world_stop(world);
}

Test(exporting, client_that_leaves_is_an_error_without_a_status)
{
    struct origin *collector = collector_start();
    struct origin *origin = ORIGIN({.deeds = {READ_ALL, SILENCE}});
    struct world *world = world_start(EXPORT WORLD_BUDGET "default = 20s\n" WORLD_ROUTE,
                                      origin_port(collector), origin_port(origin));
    struct dialogue *dialogue = world_dial(world);

    dialogue_send(dialogue, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    (void)origin_request(origin, 0);
    dialogue_close(dialogue);
    size_t count = collector_receive(collector, 0);
    const struct otlp_span *server = server_span(count);
    SAYS(server, "error.type", "client_gone");
    SAYS(server, "hourglass.termination", "CH");
    cr_expect_null(otlp_attribute(server, "http.response.status_code").at);
    SAYS(told_span(origin, 0, count), "hourglass.outcome", "cancelled");
    world_stop(world);
}

Test(exporting, requests_that_go_nowhere_are_spans_of_their_own)
{
    struct origin *collector = collector_start();
    struct world *world = world_start(
        EXPORT WORLD_BUDGET "default = 20s\n" UPSTREAM "[route r]\nmatch = /here\nupstream = u\n",
        origin_port(collector), 1U);

    world_ask(world, "GET /else HTTP/1.1\r\nHost: [::1]:81\r\n" SAMPLED "\r\n");
    size_t count = collector_receive(collector, 0);
    cr_assert_eq(count, 1);
    SAYS(&collector_spans[0], "http.response.status_code", "404");
    SAYS(&collector_spans[0], "hourglass.termination", "RA");
    SAYS(&collector_spans[0], "server.address", "::1");
    SAYS(&collector_spans[0], "server.port", "81");
    cr_expect_null(otlp_attribute(&collector_spans[0], "hourglass.budget_ms").at);
    cr_expect_eq(collector_spans[0].code, 0, "it is the client's mistake");
    world_stop(world);
}

Test(exporting, hostile_text_stays_within_its_string)
{
    static const char *const requests[] = {
        "GET /%22%7D%5D?\" HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /\"},{\"key\":\"evil\\ HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /\\u0000\\ HTTP/1.1\r\nHost: a\r\nUser-Agent: \"\\\t\xff\xc3(\"}]\r\n\r\n",
        "BREW'|`~ / HTTP/1.1\r\nHost: a\r\nUser-Agent: \"\r\n\r\n",
        "GET / HTTP/1.0\r\nUser-Agent: \\\r\n\r\n",
    };
    struct origin *collector = collector_start();
    struct origin *origin = origin_answering(ANSWER_OK, 0);
    struct world *world = world_start(EXPORT WORLD_BUDGET "default = 20s\n" WORLD_ROUTE,
                                      origin_port(collector), origin_port(origin));

    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++)
        world_ask(world, requests[i]);
    size_t count = collector_receive(collector, 0);
    for (size_t i = 0; i < count; i++) {
        cr_expect_null(otlp_attribute(&collector_spans[i], "evil").at);
        struct text method = otlp_attribute(&collector_spans[i], "http.request.method");
        cr_expect(text_is(method, TEXT("GET")) || text_is(method, TEXT("_OTHER")));
    }
    world_stop(world);
}

Test(exporting, nothing_is_sent_while_it_is_off)
{
    struct origin *origin = origin_answering(ANSWER_OK, 0);
    struct world *world = world_start(WORLD_PATIENT WORLD_ROUTE, origin_port(origin));

    world_get(world, "/", SAMPLED);
    world_get(world, "/", "");
    cr_expect_str_eq(told(origin, 0) + 52, "-01", "who called us said so");
    cr_expect_str_eq(told(origin, 1) + 52, "-00");
    cr_expect_eq(world_metric(world, "hourglass_trace_spans_exported_total", ""), 0);
    cr_expect_eq(world_metric(world, "hourglass_trace_spans_dropped_total", "full"), 0);
    world_stop(world);
}
