/* What a client that is not trusted learns of the inside, whatever goes wrong: nothing. All names of
 * the configuration have the word "inner" in them. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/support/name_server.h"
#include "test/support/world.h"

TestSuite(stranger, .timeout = 300);

#define UNTRUSTING                                                       \
    WORLD_PROXY "trust = none\ndrain = 100ms\nresolver = 127.0.0.1:%u\n" \
                "[budget]\nheader = X-Inner-Budget: ms\nlocal = 10ms\ndefault = 400ms\n"

/* clang-format off */
#define UPSTREAM(name) "[upstream inner-" name "]\nurl = http://127.0.0.1:%u\n"
#define ROUTE(name) "[route inner-" name "]\nmatch = GET,HEAD /" name "\nsteps = inner-x\n" \
                    "[call inner-" name ".inner-x]\nupstream = inner-" name "\n"
/* Two calls, of which the second passes the client's request through. */
#define STEPS(name, first, its, last) \
    "[route inner-" name "]\nmatch = /" name "\nsteps = inner-w, inner-x\n" \
    "[call inner-" name ".inner-w]\nupstream = inner-" first "\n" its \
    "[call inner-" name ".inner-x]\nupstream = inner-well\n" last

static const char config[] =
    UNTRUSTING
    UPSTREAM("well") UPSTREAM("late") UPSTREAM("ends") UPSTREAM("garbage") UPSTREAM("large")
    UPSTREAM("full") "connections = 1\n"
    "[upstream inner-down]\nurl = unix:/tmp/inner/no/such/socket\n"
    "[upstream inner-name]\nurl = http://inner.test:80\n"
    ROUTE("well") ROUTE("late") ROUTE("ends") ROUTE("garbage") ROUTE("down") ROUTE("name")
    ROUTE("full")
    "[route inner-asked]\nmatch = /asked\nsteps = inner-x\n[call inner-asked.inner-x]\n"
    "upstream = inner-well\nrequest = GET /?q={query.inner}\n"
    STEPS("told", "well", "request = GET /\n", "header = X-Inner: {inner-w.header.x-inner}\n")
    STEPS("kept", "large", "request = GET /\nmax-body = 1KiB\n", "header = X-Inner: {inner-w.body}\n")
    STEPS("gap", "down", "request = GET /\noptional = yes\n", "")
    STEPS("both", "well", "", "");
/* clang-format on */

#define LARGE "HTTP/1.1 200 OK\r\nContent-Length: 4000\r\n\r\n"

static struct world *before(struct name_server *names)
{
    struct origin *well = origin_answering(ANSWER_OK, 0);
    struct origin *late = ORIGIN({.deeds = {SILENCE}});
    struct origin *ends = ORIGIN({.deeds = {CLOSE}});
    struct origin *garbage = ORIGIN({.deeds = {SEND("SSH-2.0-inner\r\n"), CLOSE}});
    struct origin *large = ORIGIN({.deeds = {SEND(LARGE), FLOOD(4000)}});
    struct origin *full = ORIGIN({.deeds = {SILENCE}});

    return world_start(config, name_server_port(names), origin_port(well), origin_port(late),
                       origin_port(ends), origin_port(garbage), origin_port(large),
                       origin_port(full));
}

static void expect_no_word_of(const char *told, const char *word, const char *path)
{
    cr_expect_null(strcasestr(told, word), "%s tells of %s:\n%s", path, word, told);
}

static void expect_nothing_told(const struct reply *reply, const char *path)
{
    static const char *const words[] = {
        "inner", "127.0.0.1",     "::1",      "/tmp",    "libcurl",
        "curl",  "Server-Timing", "details=", "no/such", "segment",
    };
    const struct message *message = &reply->message;

    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        expect_no_word_of(message->start, words[i], path);
        expect_no_word_of(message->head, words[i], path);
        expect_no_word_of(message->body, words[i], path);
    }
}

Test(stranger, learns_no_name_address_or_time_of_a_call_from_any_failure)
{
    static const struct {
        const char *path;
        int status;
        const char *error; /* of Proxy-Status, or in it */
    } cases[] = {
        {"/well", 200, ""},
        {"/late", 504, "error=http_response_timeout"},
        {"/ends", 502, "error=connection_terminated"},
        {"/garbage", 502, "error=http_protocol_error"},
        {"/down", 502, "error=connection_refused"},
        {"/name", 502, "error=dns_error"},
        {"/asked", 400, "error=http_request_error"},
        {"/told", 502, "error=proxy_internal_response"},
        {"/kept", 502, "error=http_response_body_size"},
        {"/gap", 200, ""},
        {"/nowhere", 404, "error=http_request_error"},
        {"/both", 200, ""},
    };
    struct name_server *names = name_server_start(NAME_IS_UNKNOWN);
    struct world *world = before(names);

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const struct reply *reply = world_get(world, cases[i].path, "X-Inner-Budget: 77\r\n");
        const char *status = reply_header(reply, "Proxy-Status");
        cr_expect_eq(reply->status, cases[i].status, "%s: %d", cases[i].path, reply->status);
        cr_expect_not_null(strstr(status, cases[i].error), "%s: %s", cases[i].path, status);
        expect_nothing_told(reply, cases[i].path);
    }
    cr_expect_str_eq(reply_header(world_get(world, "/gap", ""), "X-Budget-Partial"), "1");
    world_stop(world);
    name_server_stop(names);
}

Test(stranger, learns_nothing_from_what_is_refused_before_any_call)
{
    static const struct {
        const char *request;
        int status;
    } cases[] = {
        {"POST /well HTTP/1.1\r\nHost: h\r\n\r\n", 405},
        {"TRACE /well HTTP/1.1\r\nHost: h\r\n\r\n", 405},
        {"GET /well HTTP/1.1\r\n\r\n", 400},
        {"GET /well HTTP/9.9\r\nHost: h\r\n\r\n", 505},
        {"GET /a/../well HTTP/1.1\r\nHost: h\r\n\r\n", 400},
        {"POST /both HTTP/1.1\r\nHost: h\r\nContent-Length: 2000000\r\n\r\n", 413},
        {"POST /both HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc", 408},
    };
    struct name_server *names = name_server_start(NAME_IS_UNKNOWN);
    struct world *world = before(names);

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const struct reply *reply = world_ask(world, cases[i].request);
        cr_expect_eq(reply->status, cases[i].status, "%s: %d", cases[i].request, reply->status);
        expect_nothing_told(reply, cases[i].request);
    }
    world_stop(world);
    name_server_stop(names);
}

Test(stranger, learns_nothing_from_a_queue_a_slow_name_or_a_proxy_that_stops)
{
    struct name_server *names = name_server_start(NAME_IS_SILENT);
    struct world *world = before(names);
    struct dialogue *first = world_dial(world);
    struct dialogue *last = world_dial(world);

    dialogue_send(first, "GET /full HTTP/1.1\r\nHost: h\r\n\r\n");
    const struct reply *queued = world_get(world, "/full", "");
    cr_expect_eq(queued->status, 504);
    expect_nothing_told(queued, "/full");
    const struct reply *unnamed = world_get(world, "/name", "");
    cr_expect_eq(unnamed->status, 504);
    expect_nothing_told(unnamed, "/name");
    expect_nothing_told(dialogue_read(first), "/full");
    dialogue_send(last, "GET /late HTTP/1.1\r\nHost: h\r\n\r\n");
    cr_assert(LOGS(world, "path=/full"));
    cr_assert(world_comes_to(world, "hourglass_requests_in_flight", "inner-late", 1));
    program_signal(world_program(world), SIGTERM);
    const struct reply *stopped = dialogue_read(last);
    cr_expect_eq(stopped->status, 504);
    expect_nothing_told(stopped, "/late");
    world_stopped(world);
    name_server_stop(names);
}
