/* What a client is told when time is up: every reason, the 504 itself, and bodies that are broken
 * off so that nobody takes them for whole. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "test/support/world.h"

TestSuite(deadline, .timeout = 300);

static struct origin *silent(void)
{
    return ORIGIN({.deeds = {SILENCE}});
}

static struct world *before(struct origin *origin)
{
    return world_start(WORLD_PATIENT WORLD_ROUTE, origin_port(origin));
}

static void expect_504(const struct reply *reply, const char *reason)
{
    cr_expect_eq(reply->status, 504, "%s: got %d", reason, reply->status);
    cr_expect_eq(reply->end, REPLY_COMPLETE);
    cr_expect_str_eq(reply_header(reply, "Content-Type"), "application/problem+json");
    cr_expect_str_eq(reply_header(reply, "Cache-Control"), "no-store");
    cr_expect_str_eq(reply_member(reply, "reason"), reason);
    cr_expect_eq(reply_number(reply, "status"), 504);
    cr_expect_str_eq(reply_member(reply, "title"), "Gateway Timeout");
    cr_expect_str_eq(reply_member(reply, "type"), "about:blank");
}

Test(deadline, timeout_of_a_call_says_all_that_a_client_must_know)
{
    struct world *world = before(silent());
    const struct reply *reply = world_get(world, "/", "X-Request-Timeout-Ms: 500\r\n");
    const char *status = reply_header(reply, "Proxy-Status");
    const char *timing = reply_header(reply, "Server-Timing");

    expect_504(reply, "call");
    cr_expect_str_eq(reply_member(reply, "call"), "backend");
    cr_expect_eq(reply_number(reply, "budget_ms"), 500);
    cr_expect_geq(reply_number(reply, "elapsed_ms"), 490, "500 less the 10 for local work");
    cr_expect_geq(reply->took.ns, span_ms(490).ns);
    cr_expect_neq(*reply_member(reply, "detail"), '\0');
    cr_expect_str_eq(reply_member(reply, "request_id"), reply_header(reply, "X-Request-Id"));
    cr_expect_eq(strncmp(status, "hourglass; error=http_response_timeout", 38), 0, "%s", status);
    cr_expect_not_null(strstr(status, "details=\"backend: "), "%s", status);
    cr_expect_not_null(strstr(timing, "budget;dur=500"), "%s", timing);
    cr_expect_not_null(strstr(timing, "backend;dur="), "%s", timing);
    cr_expect_not_null(strstr(timing, "desc=\"timeout\""), "%s", timing);
    cr_expect_not_null(strstr(timing, "local;dur="), "%s", timing);
    cr_expect(LOGS(world, "status=504", "reason=call", "backend"));
    world_stop(world);
}

Test(deadline, good_answer_carries_its_ledger_to_a_trusted_client)
{
    struct world *world = before(origin_answering(ANSWER_OK, 20));
    const char *timing = reply_header(world_get(world, "/", ""), "Server-Timing");
    const char *spent = strstr(timing, "backend;dur=");

    cr_expect_not_null(strstr(timing, "budget;dur=20000"), "%s", timing);
    cr_assert_not_null(spent, "%s", timing);
    cr_expect_geq(atof(spent + strlen("backend;dur=")), 20.0);
    world_stop(world);
}

Test(deadline, untrusted_client_is_told_no_names_and_its_budget_is_not_believed)
{
    struct origin *origin = ORIGIN({.deeds = {READ_ALL, SEND(ANSWER_OK)}}, {.deeds = {SILENCE}});
    struct world *world =
        world_start(WORLD_PROXY "trust = unix\n" WORLD_BUDGET "default = 800ms\n" WORLD_ROUTE,
                    origin_port(origin));
    const struct reply *good = world_get(world, "/", "X-Request-Timeout-Ms: 0\r\n");
    const struct reply *late = world_get(world, "/", "X-Request-Timeout-Ms: 9000\r\n");

    cr_expect_eq(good->status, 200, "the default holds");
    cr_expect_str_eq(reply_header(good, "Server-Timing"), "");
    cr_expect_gt(
        atoi(message_header(&origin_request(origin, 0)->message, "X-Request-Timeout-Ms", 0)), 0);
    expect_504(late, "call");
    cr_expect_eq(reply_number(late, "budget_ms"), 800);
    cr_expect_str_eq(reply_header(late, "Server-Timing"), "");
    cr_expect_null(strstr(reply_header(late, "Proxy-Status"), "backend"));
    cr_expect_null(strstr(late->body, "backend"));
    world_stop(world);
}

Test(deadline, expired_or_infeasible_budget_is_answered_without_any_upstream)
{
    static const struct {
        const char *lines;
        const char *reason;
    } cases[] = {
        {"X-Request-Timeout-Ms: 0\r\n", "arrival"},
        {"X-Request-Timeout-Ms: -5\r\n", "arrival"},
        {"X-Request-Timeout-Ms: 700\r\nX-Request-Timeout-Ms: 0\r\n", "arrival"},
        {"X-Request-Timeout-Ms: 10\r\n", "infeasible"},
        {"X-Request-Timeout-Ms: 5, 700\r\n", "infeasible"},
    };
    struct origin *origin = origin_answering(ANSWER_OK, 0);
    struct world *world = before(origin);

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        expect_504(world_get(world, "/", cases[i].lines), cases[i].reason);
    cr_expect_eq(origin_connections(origin), 0);
    cr_expect(LOGS(world, "status=504", "reason=arrival"));
    cr_expect(LOGS(world, "status=504", "reason=infeasible"));
    world_stop(world);
}

Test(deadline, budget_that_the_client_names_is_read_as_the_contract_says)
{
    static const struct {
        const char *lines;
        int budget_ms;
    } cases[] = {
        {"X-Request-Timeout-Ms: 70\r\n", 70},
        {"X-Request-Timeout-Ms:  80 \t\r\n", 80},
        {"x-request-timeout-ms: 90, 75\r\n", 75},
        {"X-Request-Timeout-Ms: 90\r\ngrpc-timeout: 60m\r\n", 60},
        {"grpc-timeout: 65000u\r\n", 65},
        {"X-Request-Timeout-Ms: 90000\r\n", 150},                /* max */
        {"X-Request-Timeout-Ms: 99999999999999999999\r\n", 150}, /* max */
        {"X-Request-Timeout-Ms: abc\r\n", 120},                  /* malformed: the default */
        {"X-Request-Timeout-Ms: 1.5\r\n", 120},
        {"X-Request-Timeout-Ms: +5\r\n", 120},
        {"X-Request-Timeout-Ms: 0x10\r\n", 120},
        {"X-Request-Timeout-Ms:\r\n", 120},
        {"grpc-timeout: 5\r\n", 120},
        {"X-Request-Timeout-Ms: junk, 85\r\n", 85},
        {"", 120},
    };
    struct origin *origin = silent();
    struct world *world =
        world_start(WORLD_PROXY WORLD_BUDGET "header = grpc-timeout: grpc\ndefault = 120ms\n"
                                             "max = 150ms\n" WORLD_ROUTE,
                    origin_port(origin));

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const struct reply *reply = world_get(world, "/", cases[i].lines);
        cr_expect_eq(reply->status, 504, "%s", cases[i].lines);
        cr_expect_eq(reply_number(reply, "budget_ms"), cases[i].budget_ms, "%s", cases[i].lines);
        cr_expect_geq(reply->took.ns, span_ms(cases[i].budget_ms - 10).ns, "%s", cases[i].lines);
    }
    cr_expect_geq(world_metric(world, "malformed", ""), 6);
    world_stop(world);
}

Test(deadline, malformed_budget_is_refused_where_the_route_says_so)
{
    struct origin *origin = origin_answering(ANSWER_OK, 0);
    struct world *world =
        world_start(WORLD_PATIENT WORLD_ROUTE "malformed = reject\n", origin_port(origin));

    cr_expect_eq(world_get(world, "/", "X-Request-Timeout-Ms: soon\r\n")->status, 400);
    cr_expect_eq(origin_requests(origin), 0);
    cr_expect_eq(world_get(world, "/", "X-Request-Timeout-Ms: 900\r\n")->status, 200);
    world_stop(world);
}

Test(deadline, budget_begins_with_the_first_byte_of_the_request)
{
    struct origin *origin = origin_answering(ANSWER_OK, 0);
    struct world *world = before(origin);
    struct dialogue *dialogue = world_dial(world);
    const char *told;

    dialogue_send(dialogue, "GET / HTTP/1.1\r\nHost: h\r\nX-Requ");
    usleep(100 * 1000);
    dialogue_send(dialogue, "est-Timeout-Ms: 2000\r\n\r\n");
    cr_expect_eq(dialogue_read(dialogue)->status, 200);
    usleep(1000 * 1000); /* between requests no budget runs */
    dialogue_send(dialogue, "GET / HTTP/1.1\r\nHost: h\r\nX-Request-Timeout-Ms: 2000\r\n\r\n");
    cr_expect_eq(dialogue_read(dialogue)->status, 200);
    told = message_header(&origin_request(origin, 0)->message, "X-Request-Timeout-Ms", 0);
    cr_expect_leq(atoi(told), 2000 - 100 - 10, "told %s", told);
    told = message_header(&origin_request(origin, 1)->message, "X-Request-Timeout-Ms", 0);
    cr_expect_gt(atoi(told), 2000 - 1000, "told %s", told);
    world_stop(world);
}

Test(deadline, head_gets_the_same_504_without_a_body_and_the_connection_is_kept)
{
    struct origin *origin = ORIGIN({.deeds = {SILENCE}}, {.deeds = {SEND(ANSWER_OK)}});
    struct world *world = before(origin);
    struct dialogue *dialogue = world_dial(world);

    dialogue_send(dialogue, "HEAD / HTTP/1.1\r\nHost: h\r\nX-Request-Timeout-Ms: 400\r\n\r\n");
    const struct reply *reply = dialogue_read_head(dialogue);
    cr_expect_eq(reply->status, 504);
    cr_expect_str_eq(reply_header(reply, "Content-Type"), "application/problem+json");
    cr_expect_gt(atoi(reply_header(reply, "Content-Length")), 0);
    dialogue_send(dialogue, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    cr_expect_eq(dialogue_read(dialogue)->status, 200);
    world_stop(world);
}

Test(deadline, upload_that_does_not_come_is_a_408_when_nobody_was_called)
{
    struct origin *origin = silent();
    struct world *world = world_start(WORLD_PROXY "header-timeout = 80ms\n" WORLD_BUDGET
                                                  "default = 20s\n" WORLD_ROUTE,
                                      origin_port(origin));
    struct dialogue *dialogue = world_dial(world);

    dialogue_send(dialogue, "GET / HTTP/1.1\r\nHost: h\r\nX-Slow");
    const struct reply *reply = dialogue_read(dialogue);
    cr_expect_eq(reply->status, 408);
    cr_expect_geq(reply->took.ns, span_ms(80).ns);
    cr_expect(dialogue_is_closed(dialogue));
    cr_expect_eq(origin_connections(origin), 0);
    world_stop(world);
}

Test(deadline, upload_that_takes_all_the_time_is_blamed_on_the_client)
{
    struct origin *origin = ORIGIN({.deeds = {READ_ALL, SEND(ANSWER_OK)}});
    struct world *world = before(origin);
    struct dialogue *dialogue = world_dial(world);

    dialogue_send(dialogue, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n"
                            "X-Request-Timeout-Ms: 400\r\n\r\nabc");
    const struct reply *reply = dialogue_read(dialogue);
    expect_504(reply, "upload");
    cr_expect_geq(reply->took.ns, span_ms(390).ns);
    cr_expect(dialogue_is_closed(dialogue), "the rest of the body would pass for a request");
    (void)origin_ended(origin, 0);
    cr_expect(LOGS(world, "status=504", "reason=upload"));
    world_stop(world);
}

/* An answer whose head has gone and whose body does not end. */
static const struct reply *cut_off(const char *answer, const char *request)
{
    struct origin *origin = ORIGIN({.deeds = {SEND(answer), SILENCE}});
    struct world *world = before(origin);
    static struct reply copy;

    copy = *world_ask(world, request);
    cr_expect_eq(copy.status, 200);
    cr_expect_geq(copy.took.ns, span_ms(390).ns);
    (void)origin_ended(origin, 0);
    cr_expect(LOGS(world, "request_id=", "status=200", "backend"));
    world_stop(world);
    return &copy;
}

/* Of these sizes one is such that the upstream is rid of all while the proxy still holds more than
 * the client's queue takes, wherever the kernel's own limit is. */
Test(deadline, answer_that_has_come_whole_may_be_read_after_the_grant_of_its_call)
{
    char path[] = "/tmp/hourglass-deadline-XXXXXX";
    int fd = mkstemp(path);

    cr_assert_geq(fd, 0);
    close(fd);
    unlink(path);
    for (size_t size = 300000; size < 800000; size += 60000) {
        char head[64];
        snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", size);
        struct origin *origin = ORIGIN({.deeds = {SEND(head), FLOOD(size)}});
        struct world *world =
            world_start("[proxy]\nlisten = unix:%s\nworkers = 1\n[budget]\ndefault = 20s\n"
                        "[upstream u]\nurl = http://127.0.0.1:%u\n[route r]\nmatch = /*\n"
                        "steps = c\n[call r.c]\nupstream = u\nbudget = 200ms\n",
                        path, origin_port(origin));
        struct dialogue *dialogue = world_dial(world);

        dialogue_send(dialogue, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
        usleep(300 * 1000);
        if (dialogue_read(dialogue)->end != REPLY_COMPLETE)
            cr_expect(LOGS(world, "outcome=cut", "c:timeout:"), "%zu bytes were cut", size);
        world_stop(world);
    }
}

#define WITH_400_MS "Host: h\r\nX-Request-Timeout-Ms: 400\r\n\r\n"

Test(deadline, chunked_answer_is_cut_without_a_last_chunk)
{
    const struct reply *reply =
        cut_off("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
                "GET / HTTP/1.1\r\n" WITH_400_MS);

    cr_expect_eq(reply->end, REPLY_TRUNCATED);
}

Test(deadline, answer_with_a_length_is_cut_short_of_it)
{
    const struct reply *reply = cut_off("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc",
                                        "GET / HTTP/1.1\r\n" WITH_400_MS);

    cr_expect_eq(reply->end, REPLY_TRUNCATED);
}

Test(deadline, answer_that_ends_with_the_connection_is_cut_by_a_reset)
{
    const struct reply *reply =
        cut_off("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
                "GET / HTTP/1.0\r\n" WITH_400_MS);

    cr_expect_eq(reply->end, REPLY_RESET);
}
