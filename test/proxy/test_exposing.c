/* How much trusted clients are told of the inside, as the route says; and that others never get more,
 * whatever it says. */
#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>

#include "test/support/world.h"

TestSuite(exposing, .timeout = 300);

#define FAILS "HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"
#define DENIES "HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n"

/* A route for each way that a request can go, all with the same upstreams but in other roles. */
static const char config[] =
    WORLD_PROXY "%s" WORLD_BUDGET "default = 10s\nexpose = %s\n"
                "[upstream well-db]\nurl = http://127.0.0.1:%u\n"
                "[upstream late-db]\nurl = http://127.0.0.1:%u\n"
                "[upstream fails-db]\nurl = http://127.0.0.1:%u\n"
                "[upstream denies-db]\nurl = http://127.0.0.1:%u\n"
                "[upstream ends-db]\nurl = http://127.0.0.1:%u\n"
                "[route well]\nmatch = /well\nsteps = one\n[call well.one]\nupstream = well-db\n"
                "[route late]\nmatch = /late\nsteps = two\n[call late.two]\nupstream = late-db\n"
                "budget = 400ms\n"
                "[route fails]\nmatch = /fails\nsteps = three\n"
                "[call fails.three]\nupstream = fails-db\n"
                "[route denies]\nmatch = /denies\nsteps = check, four\n"
                "[call denies.check]\nupstream = denies-db\nrequest = GET /\n"
                "[call denies.four]\nupstream = well-db\n"
                "[route gap]\nmatch = /gap\nsteps = extra + five\n"
                "[call gap.extra]\nupstream = ends-db\nrequest = POST /\noptional = yes\n"
                "[call gap.five]\nupstream = well-db\n"
                "[route half]\nmatch = /half\nsteps = six\nbuffer-first = 1KiB\n"
                "[call half.six]\nupstream = ends-db\nbudget = 800ms\n";

static struct world *exposing(const char *expose, const char *trust)
{
    struct origin *well = origin_answering(ANSWER_OK, 0);
    struct origin *late = ORIGIN({.deeds = {SILENCE}});
    struct origin *fails = origin_answering(FAILS, 0);
    struct origin *denies = origin_answering(DENIES, 0);
    struct origin *ends =
        ORIGIN({.deeds = {SEND("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"), CLOSE}});

    return world_start(config, trust, expose, origin_port(well), origin_port(late),
                       origin_port(fails), origin_port(denies), origin_port(ends));
}

static const char *status_of(const struct reply *reply)
{
    return reply_header(reply, "Proxy-Status");
}

/* The begin of Proxy-Status: what comes behind it are times. */
static void expect_status(const struct reply *reply, const char *begin)
{
    cr_expect_eq(strncmp(status_of(reply), begin, strlen(begin)), 0, "%s", status_of(reply));
}

static void expect_timing(const struct reply *reply, const char *part)
{
    const char *timing = reply_header(reply, "Server-Timing");

    cr_expect_not_null(strstr(timing, part), "%s", timing);
}

/* No word of a name that the configuration gives, nor of a time. */
static void expect_nothing_told(const struct reply *reply)
{
    static const char *const words[] = {"-db", "one",     "two",      "three",    "check",  "extra",
                                        "six", "details", "next-hop", "received", "granted"};

    cr_expect_str_eq(reply_header(reply, "Server-Timing"), "");
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        cr_expect_null(strstr(reply->message.head, words[i]), "%s", reply->message.head);
        cr_expect_null(strstr(reply->body, words[i]), "%s", reply->body);
    }
}

static void expect_reasons(struct world *world)
{
    const struct reply *late = world_get(world, "/late", "");

    expect_status(late, "hourglass; error=http_response_timeout; next-hop=\"late-db\"; "
                        "details=\"two: ");
    cr_expect_str_eq(reply_member(late, "call"), "two");
    cr_expect_not_null(strstr(late->body, "call two used up"), "%s", late->body);
    expect_status(world_get(world, "/fails", ""),
                  "hourglass; next-hop=\"fails-db\"; received-status=503; details=\"three: ");
    expect_status(world_get(world, "/denies", ""),
                  "hourglass; next-hop=\"denies-db\"; received-status=401; details=\"check: ");
    expect_status(world_get(world, "/half", ""),
                  "hourglass; error=connection_terminated; next-hop=\"ends-db\"; "
                  "received-status=200; details=\"six: ");
    cr_expect_str_eq(reply_header(world_get(world, "/gap", ""), "X-Budget-Partial"), "extra");
    cr_expect_str_eq(status_of(world_get(world, "/well", "")), "");
}

Test(exposing, ledger_tells_reasons_and_times)
{
    struct world *world = exposing("ledger", "");

    expect_reasons(world);
    expect_timing(world_get(world, "/well", ""), "one;dur=");
    expect_timing(world_get(world, "/late", ""), ";desc=\"timeout\", local;dur=");
    expect_timing(world_get(world, "/fails", ""), "three;dur=");
    expect_timing(world_get(world, "/gap", ""), ";desc=\"broken\"");
    world_stop(world);
}

Test(exposing, reason_tells_reasons_and_no_times)
{
    static const char *const paths[] = {"/well", "/late", "/fails", "/denies", "/gap", "/half"};
    struct world *world = exposing("reason", "");

    expect_reasons(world);
    for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++)
        cr_expect_str_eq(reply_header(world_get(world, paths[i], ""), "Server-Timing"), "");
    world_stop(world);
}

static void expect_kinds_alone(struct world *world)
{
    const struct reply *late = world_get(world, "/late", "");
    const struct reply *half = world_get(world, "/half", "");
    const struct reply *gap = world_get(world, "/gap", "");

    cr_expect_str_eq(status_of(late), "hourglass; error=http_response_timeout");
    cr_expect_str_eq(status_of(half), "hourglass; error=connection_terminated");
    cr_expect_str_eq(reply_header(gap, "X-Budget-Partial"), "1");
    cr_expect_str_eq(reply_member(late, "reason"), "call");
    expect_nothing_told(late);
    expect_nothing_told(half);
    expect_nothing_told(gap);
    expect_nothing_told(world_get(world, "/well", ""));
    expect_nothing_told(world_get(world, "/fails", ""));
    expect_nothing_told(world_get(world, "/denies", ""));
    world_stop(world);
}

Test(exposing, none_tells_trusted_clients_as_little_as_others)
{
    expect_kinds_alone(exposing("none", ""));
}

Test(exposing, strangers_are_told_as_little_with_ledger)
{
    expect_kinds_alone(exposing("ledger", "trust = none\n"));
}

Test(exposing, a_route_may_tell_more_than_others)
{
    struct world *world =
        world_start(WORLD_PROXY WORLD_BUDGET "default = 10s\nexpose = none\n" WORLD_ROUTE
                                             "[route open]\nmatch = /open\nupstream = backend\n"
                                             "expose = ledger\n",
                    origin_port(origin_answering(ANSWER_OK, 0)));

    cr_expect_str_eq(reply_header(world_get(world, "/", ""), "Server-Timing"), "");
    expect_timing(world_get(world, "/open", ""), "backend;dur=");
    world_stop(world);
}

/* The member closest to the client is the last (RFC 9209 section 2). */
Test(exposing, what_another_proxy_has_said_stands_before)
{
    struct world *world =
        world_start(WORLD_PATIENT WORLD_ROUTE,
                    origin_port(origin_answering("HTTP/1.1 504 No\r\nContent-Length: 0\r\n"
                                                 "Proxy-Status: inner; error=dns_timeout\r\n\r\n",
                                                 0)));
    const struct message *message = &world_get(world, "/", "")->message;

    cr_expect_str_eq(message_header(message, "Proxy-Status", 0), "inner; error=dns_timeout");
    cr_expect_eq(strncmp(message_header(message, "Proxy-Status", 1),
                         "hourglass; next-hop=\"backend\"; received-status=504; ", 51),
                 0, "%s", message_header(message, "Proxy-Status", 1));
    world_stop(world);
}

Test(exposing, a_stop_while_calls_run_is_no_answer_without_a_call)
{
    struct world *world =
        world_start(WORLD_PROXY "drain = 50ms\n" WORLD_BUDGET "default = 20s\n" WORLD_ROUTE,
                    origin_port(ORIGIN({.deeds = {SILENCE}})));
    struct dialogue *dialogue = world_dial(world);

    cr_expect_str_eq(status_of(world_get(world, "/", "X-Request-Timeout-Ms: 0\r\n")),
                     "hourglass; error=proxy_internal_response; details=\"arrival\"");
    dialogue_send(dialogue, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    cr_assert(LOGS(world, "reason=arrival"));
    cr_assert(world_comes_to(world, "hourglass_upstream_calls_in_flight", "backend", 1));
    program_signal(world_program(world), SIGTERM);
    cr_expect_str_eq(status_of(dialogue_read(dialogue)),
                     "hourglass; error=proxy_internal_error; details=\"drain\"");
    world_stopped(world);
}
