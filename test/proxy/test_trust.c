/* Who is believed: what becomes of budget, identity and forwarding headers, from peers that are
 * trusted and from others. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/support/world.h"

TestSuite(trust, .timeout = 300);

/* Two upstreams, of which one is told nothing, and the other in a header of its own. */
static struct world *before(struct origin *quiet, struct origin *told, const char *trust)
{
    return world_start(WORLD_PROXY "%s" WORLD_BUDGET
                                   "header = X-Patience: s\nheader = grpc-timeout: grpc\n"
                                   "header = X-Deadline: epoch-ms\nheader = X-Wait: duration\n"
                                   "default = 20s\n"
                                   "[upstream quiet]\nurl = http://127.0.0.1:%u\ntell = none\n"
                                   "[upstream told]\nurl = http://127.0.0.1:%u\n"
                                   "tell = X-Only-Told: ms\n[route r]\nmatch = /*\n"
                                   "steps = quiet, told\n[call r.quiet]\nupstream = quiet\n"
                                   "request = GET /\n[call r.told]\nupstream = told\n",
                       trust, origin_port(quiet), origin_port(told));
}

static const char *const trusts[] = {"", "trust = none\n", "trust = unix, 192.0.2.0/24\n"};
enum { TRUSTS = sizeof(trusts) / sizeof(*trusts) };

/* Declared, told to an upstream, and known in the field. */
#define ALL_BUDGETS                                                                           \
    "X-Request-Timeout-Ms: 4000\r\nX-Patience: 4\r\ngrpc-timeout: 4S\r\nX-Deadline: 4000\r\n" \
    "X-Wait: 4s\r\nX-Wait: 5s\r\nX-Only-Told: 4000\r\nRequest-Timeout: 4\r\n"                 \
    "x-envoy-upstream-rq-timeout-ms: 0\r\nX-ENVOY-EXPECTED-RQ-TIMEOUT-MS: 4000\r\n"           \
    "Connect-Timeout-Ms: 4000\r\n"
static const char *const budgets[] = {
    "X-Request-Timeout-Ms",
    "X-Patience",
    "grpc-timeout",
    "X-Deadline",
    "X-Wait",
    "Request-Timeout",
    "x-envoy-upstream-rq-timeout-ms",
    "x-envoy-expected-rq-timeout-ms",
    "Connect-Timeout-Ms",
};

static const struct message *received(struct origin *origin)
{
    return &origin_request(origin, 0)->message;
}

Test(trust, budget_headers_of_all_names_are_stripped_whoever_sent_them)
{
    for (size_t i = 0; i < TRUSTS; i++) {
        struct origin *quiet = origin_answering(ANSWER_OK, 0);
        struct origin *told = origin_answering(ANSWER_OK, 0);
        struct world *world = before(quiet, told, trusts[i]);

        cr_expect_eq(world_get(world, "/", ALL_BUDGETS)->status, 200, "%s", trusts[i]);
        for (size_t n = 0; n < sizeof(budgets) / sizeof(*budgets); n++) {
            cr_expect_null(message_header(received(quiet), budgets[n], 0), "%s", budgets[n]);
            cr_expect_null(message_header(received(told), budgets[n], 0), "%s", budgets[n]);
        }
        cr_expect_null(message_header(received(quiet), "X-Only-Told", 0));
        cr_expect_null(message_header(received(told), "X-Only-Told", 1), "the client's crossed");
        world_stop(world);
    }
}

Test(trust, budget_of_a_peer_that_is_not_trusted_is_counted_and_neither_believed_nor_forwarded)
{
    for (size_t i = 0; i < TRUSTS; i++) {
        bool is_trusted = i == 0;
        struct origin *told = origin_answering(ANSWER_OK, 0);
        struct world *world = before(origin_answering(ANSWER_OK, 0), told, trusts[i]);

        cr_expect_eq(
            world_get(world, "/", "X-Request-Timeout-Ms: 4000\r\nX-Patience: x\r\n")->status, 200);
        int left = atoi(message_header(received(told), "X-Only-Told", 0));
        cr_expect(is_trusted ? left <= 4000 : left > 4000, "%s: %d", trusts[i], left);
        cr_expect(LOGS(world, is_trusted ? "source=X-Request-Timeout-Ms" : "source=default",
                       is_trusted ? "budget_ms=4000 " : "budget_ms=20000 "));
        cr_expect_eq(world_metric(world, "hourglass_untrusted_budgets_total", ""),
                     is_trusted ? 0 : 2);
        cr_expect_eq(world_metric(world, "hourglass_malformed_budgets_total", ""),
                     is_trusted ? 1 : 0);
        world_stop(world);
    }
}

Test(trust, expired_budget_of_a_peer_that_is_not_trusted_stops_nothing)
{
    struct origin *told = origin_answering(ANSWER_OK, 0);
    struct world *world = before(origin_answering(ANSWER_OK, 0), told, "trust = none\n");

    cr_expect_eq(world_get(world, "/", "grpc-timeout: 0n\r\n")->status, 200);
    cr_expect_eq(world_get(world, "/", "X-Request-Timeout-Ms: -1\r\n")->status, 200);
    cr_expect_eq(origin_requests(told), 2);
    world_stop(world);
}

Test(trust, request_id_is_one_for_all_calls_the_client_and_the_log)
{
    for (size_t i = 0; i < TRUSTS; i++) {
        struct origin *quiet = origin_answering(ANSWER_OK, 0);
        struct origin *told = origin_answering(
            "HTTP/1.1 200 OK\r\nX-Request-Id: of-upstream\r\nContent-Length: 0\r\n\r\n", 0);
        struct world *world = before(quiet, told, trusts[i]);
        const struct reply *reply = world_get(world, "/", "X-Request-Id: of-client\r\n");
        const char *id = reply_header(reply, "X-Request-Id");

        cr_expect_null(message_header(&reply->message, "X-Request-Id", 1));
        cr_expect_eq(strcmp(id, "of-client") == 0, i == 0, "%s: %s", trusts[i], id);
        cr_expect_geq(strlen(id), 9);
        cr_expect_str_eq(message_header(received(quiet), "X-Request-Id", 0), id);
        cr_expect_str_eq(message_header(received(told), "X-Request-Id", 0), id);
        cr_expect_null(message_header(received(told), "X-Request-Id", 1));
        cr_expect(LOGS(world, " request_id=", id, "status=200"));
        world_stop(world);
    }
}

#define FORWARDED                                                             \
    "X-Forwarded-For: 192.0.2.1\r\nx-forwarded-for: 192.0.2.2, 192.0.2.3\r\n" \
    "X-Forwarded-Proto: https\r\nX-Forwarded-Host: public.test\r\nVia: 1.0 a\r\nVia: 1.1 b\r\n"

static void expect_line(const struct message *message, const char *name, const char *value)
{
    const char *got = message_header(message, name, 0);

    cr_assert_not_null(got, "%s", name);
    cr_expect_str_eq(got, value, "%s", name);
    cr_expect_null(message_header(message, name, 1), "%s", name);
}

Test(trust, forwarding_headers_are_appended_to_or_set_for_every_call)
{
    for (size_t i = 0; i < TRUSTS; i++) {
        bool is_trusted = i == 0;
        struct origin *origins[] = {origin_answering(ANSWER_OK, 0), origin_answering(ANSWER_OK, 0)};
        struct world *world = before(origins[0], origins[1], trusts[i]);

        cr_expect_eq(world_get(world, "/", FORWARDED)->status, 200);
        for (size_t n = 0; n < 2; n++) {
            const struct message *message = received(origins[n]);
            expect_line(message, "X-Forwarded-For",
                        is_trusted ? "192.0.2.1, 192.0.2.2, 192.0.2.3, 127.0.0.1" : "127.0.0.1");
            expect_line(message, "X-Forwarded-Proto", is_trusted ? "https" : "http");
            expect_line(message, "X-Forwarded-Host", is_trusted ? "public.test" : "proxy.test");
            expect_line(message, "Via", "1.0 a, 1.1 b, 1.1 hourglass");
        }
        world_stop(world);
    }
}

/* ---- what else a proxy in front may say ------------------------------------------------------- */

/* Names that upstreams believe, with a value to be found again. */
static const char *const claims[] = {
    "Forwarded",         "X-Real-IP",        "X-Forwarded-Port", "X-Forwarded-Prefix",
    "X-Forwarded-Ssl",   "X-Forwarded-User", "X-Forwarded",      "X-FORWARDED-Client-Cert",
    "True-Client-IP",    "X-Client-IP",      "X-Original-URL",   "X-Rewrite-URL",
    "X-Original-Host",   "CF-Connecting-IP", "Fastly-Client-IP", "X-Cluster-Client-Ip",
    "X-Original-Method", "X-Original-Uri",   "X-Forwarded-",     "X-Original-Forwarded-For",
};

Test(trust, claims_about_the_client_cross_from_a_peer_that_is_trusted_only)
{
    enum { COUNT = sizeof(claims) / sizeof(*claims) };
    char lines[2000] = "";

    for (size_t n = 0; n < COUNT; n++)
        sprintf(lines + strlen(lines), "%s: claimed-%zu\r\n", claims[n], n);
    for (size_t i = 0; i < TRUSTS; i++) {
        struct origin *quiet = origin_answering(ANSWER_OK, 0);
        struct world *world = before(quiet, origin_answering(ANSWER_OK, 0), trusts[i]);

        cr_expect_eq(world_get(world, "/", lines)->status, 200);
        for (size_t n = 0; n < COUNT; n++) {
            const char *got = message_header(received(quiet), claims[n], 0);
            cr_expect_eq(got != NULL, i == 0, "%s with %s", claims[n], trusts[i]);
        }
        world_stop(world);
    }
}

/* What runs as CGI has them in the same variables as the names that the proxy vouches for. */
static const char *const doubles[] = {
    "X_Forwarded_For",
    "X-Forwarded_For",
    "x_forwarded_proto",
    "X_FORWARDED_HOST",
    "X_Real_IP",
    "X_Forwarded_Port",
    "X_Request_Id",
    "X_Request_Timeout_Ms",
    "X_Patience",
    "grpc_timeout",
    "X_Only_Told",
    "Content_Length",
    "Transfer_Encoding",
    "X.Forwarded.For",
    "X-Forwarded~User",
    "True_Client_IP",
    "X_User",
    "X.User",
    "x-user",
    "Proxy",
    "Proxy_Authorization",
};

Test(trust, names_that_an_upstream_may_take_for_vouched_ones_cross_from_nobody)
{
    char lines[2000] = "";

    for (size_t n = 0; n < sizeof(doubles) / sizeof(*doubles); n++)
        sprintf(lines + strlen(lines), "%s: forged\r\n", doubles[n]);
    strcat(lines, "X_Users: kept\r\nX_Other_Name: kept\r\nX-Proxy: kept\r\n");
    for (size_t i = 0; i < TRUSTS; i++) {
        struct origin *origin = origin_answering(ANSWER_OK, 0);
        struct world *world = world_start(
            WORLD_PROXY "%s" WORLD_BUDGET "header = X-Patience: s\nheader = grpc-timeout: grpc\n"
                        "default = 20s\n[upstream u]\nurl = http://127.0.0.1:%u\n"
                        "tell = X-Only-Told: ms\n[route r]\nmatch = /*\nsteps = c\n"
                        "[call r.c]\nupstream = u\nheader = X-User: alice\n",
            trusts[i], origin_port(origin));

        cr_expect_eq(world_get(world, "/", lines)->status, 200);
        cr_expect_null(strstr(received(origin)->head, "forged"), "%s", received(origin)->head);
        expect_line(received(origin), "X-User", "alice");
        expect_line(received(origin), "X_Users", "kept");
        expect_line(received(origin), "X_Other_Name", "kept");
        expect_line(received(origin), "X-Proxy", "kept");
        cr_expect(LOGS(world, "source=default", "budget_ms=20000 "), "a double was believed");
        world_stop(world);
    }
}

/* A request has no such headers: they change nothing, and say nothing that is believed. */
Test(trust, headers_of_responses_in_a_request_do_not_reach_the_client)
{
    struct origin *origin = origin_answering(ANSWER_OK, 0);
    struct world *world = before(origin, origin_answering(ANSWER_OK, 0), "trust = none\n");
    const struct reply *reply = world_get(world, "/",
                                          "X-Budget-Partial: forged\r\nProxy-Status: forged\r\n"
                                          "Server-Timing: forged\r\nVia: 1.1 forged\r\n");

    cr_expect_null(strstr(reply->message.head, "forged"), "%s", reply->message.head);
    world_stop(world);
}
