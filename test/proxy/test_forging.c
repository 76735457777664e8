/* What clients and upstreams send cannot forge a line or a field of the log, bring a terminal to do
 * anything, or push what the proxy has to say out of the line. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/support/clean.h"
#include "test/support/world.h"

TestSuite(forging, .timeout = 300);

/* How the log is written: all that follows is tried with both. */
static const char *const formats[] = {"logfmt", "json"};
enum { FORMATS = sizeof(formats) / sizeof(*formats) };

static struct world *before(const char *format, struct origin *origin)
{
    return world_start(WORLD_PROXY "log-format = %s\nlog-query = yes\n" WORLD_BUDGET
                                   "default = 20s\n" WORLD_ROUTE,
                       format, origin_port(origin));
}

#define GET(target, lines) "GET " target " HTTP/1.1\r\nHost: h\r\n" lines "\r\n"
#define FORGED "\ntime=0 status=299 forged=yes"

Test(forging, targets_are_shown_without_a_byte_that_means_anything)
{
    static const char *const requests[] = {
        GET("/\" status=299 x=\"", ""), /* no request at all: there are blanks in it */
        GET("/\"status=299", ""),
        GET("/\\\"status=299", ""),
        GET("/a=b\\", ""),
        GET("/%0atime=0%20status=299", ""),
        GET("/%1b[2J%1b]0;forged%07", ""),
        GET("/caf\xc3\xa9", ""),
        GET("/\xff\xfe\x80\x9b"
            "31m",
            ""),
        GET("/\xe2\x80\xae"
            "forged",
            ""), /* right to left from here on */
        GET("/\x1b[31mred", ""),
        GET("/\x7f", ""),
        GET("/" FORGED, ""),
        GET("/\rforged", ""),
        GET("http://h/\"status=299", ""),
        GET("/?q=\"status=299", ""),
        GET("/\",\"status\":299,\"forged\":\"", ""),
        GET("/\\\",\"status\":299,\"forged\":\"", ""),
        GET("/?q=\",\"status\":299,\"forged\":\"", ""),
        GET("/?q=\\", ""),
    };
    enum { COUNT = sizeof(requests) / sizeof(*requests) };

    for (size_t f = 0; f < FORMATS; f++) {
        struct world *world = before(formats[f], origin_answering(ANSWER_OK, 0));
        for (size_t i = 0; i < COUNT; i++)
            cr_expect_neq(world_ask(world, requests[i])->status, 0, "%s", requests[i]);
        clean_expect_log(world, COUNT);
        world_stop(world);
    }
}

Test(forging, methods_versions_and_headers_of_a_bad_request_are_not_shown)
{
    static const char *const requests[] = {
        "\x1b[31m / HTTP/1.1\r\nHost: h\r\n\r\n",
        "GE\"T / HTTP/1.1\r\nHost: h\r\n\r\n",
        "FORGED / HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET / HTTP/\x1b[31m\r\nHost: h\r\n\r\n",
        GET("/", "X-\x1b[31m: a\r\n"),
        GET("/", "X-A: a\x1b[31m\r\n"),
        GET("/", "X-A: a" FORGED "\r\n"),
        "GET / HTTP/1.1\r\nHost: h\"status=299\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: \x1b[31m\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: \x1b[31m\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: \"status=299\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: h\r\nContent-Length: \"status=299\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: h\r\nExpect: \"status=299\r\n\r\n",
    };
    enum { COUNT = sizeof(requests) / sizeof(*requests) };

    for (size_t f = 0; f < FORMATS; f++) {
        struct world *world = before(formats[f], origin_answering(ANSWER_OK, 0));
        for (size_t i = 0; i < COUNT; i++)
            cr_expect_geq(world_ask(world, requests[i])->status, 400, "%s", requests[i]);
        clean_expect_log(world, COUNT);
        world_stop(world);
    }
}

Test(forging, ids_traces_and_budgets_are_shown_only_as_they_should_be)
{
    static const char *const requests[] = {
        GET("/", "X-Request-Id: a\" status=299 x=\"\r\n"),
        GET("/", "X-Request-Id: a=b\r\n"),
        GET("/", "X-Request-Id: caf\xc3\xa9\r\n"),
        GET("/", "X-Request-Id: \xc2\x9b"
                 "31m\r\n"),
        GET("/", "X-Request-Id: a\tb\r\n"),
        GET("/", "traceparent: 00-0af7651916cd43dd8448eb211c8031\"c-b7ad6b7169203331-01\r\n"),
        GET("/", "traceparent: 00-\" status=299-x\r\n"),
        GET("/", "X-Request-Timeout-Ms: 20\" status=299\r\n"),
        GET("/", "X-Forwarded-For: \" status=299\r\n"),
        GET("/", "X-Request-Id: a\",\"status\":299,\"x\":\"\r\n"),
    };
    enum { COUNT = sizeof(requests) / sizeof(*requests) };

    for (size_t f = 0; f < FORMATS; f++) {
        struct world *world = before(formats[f], origin_answering(ANSWER_OK, 0));
        for (size_t i = 0; i < COUNT; i++)
            cr_expect_eq(world_ask(world, requests[i])->status, 200, "%s", requests[i]);
        cr_expect(LOGS(world, "request_id", "\"a=b\""));
        clean_expect_log(world, COUNT);
        world_stop(world);
    }
}

Test(forging, nothing_that_an_upstream_says_is_shown_but_a_number)
{
    static const char *const answers[] = {
        "HTTP/1.1 200 \" status=299\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 \xc2\x9b"
        "31m\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 \x1b[31m\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 2\x1b"
        "0 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 500 OK" FORGED "\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX-\x1b[31m: a\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX-Request-Id: \" status=299\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: \x1b[31m\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\x1b[31m" FORGED "\r\n",
        "\x1b[31m" FORGED "\r\n\r\n",
    };
    enum { COUNT = sizeof(answers) / sizeof(*answers) };
    struct script scripts[COUNT];

    for (size_t i = 0; i < COUNT; i++)
        scripts[i] = (struct script){.deeds = {SEND(answers[i]), CLOSE}};
    for (size_t f = 0; f < FORMATS; f++) {
        struct world *world = before(formats[f], origin_start("127.0.0.1", scripts, COUNT));
        for (size_t i = 0; i < COUNT; i++)
            (void)world_get(world, "/", "");
        clean_expect_log(world, COUNT);
        world_stop(world);
    }
}

enum { CALLS = 32, LONG_PATH = 4000 };

/* As many calls as there may be, with names as long as they may be: each stands in for the one
 * before it. */
static void write_long_route(char *room, size_t count)
{
    int at = snprintf(room, count, "[route r]\nmatch = /*\nsteps = %032d\n", 0);

    for (int i = 0; i < CALLS; i++) {
        at += snprintf(room + at, count - (size_t)at,
                       "[call r.%032d]\nupstream = u\nrequest = GET /\nretries = 1\n", i);
        if (i + 1 < CALLS)
            at += snprintf(room + at, count - (size_t)at, "fallback = call %032d\n", i + 1);
    }
}

static void ask_for_the_longest(const char *format)
{
    static char route[8192];
    static char request[LONG_PATH + 400];
    struct origin *origin =
        origin_answering("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n", 0);

    write_long_route(route, sizeof(route));
    struct world *world = world_start(WORLD_PROXY "log-format = %s\n" WORLD_BUDGET "default = 20s\n"
                                                  "[upstream u]\nurl = http://127.0.0.1:%u\n%s",
                                      format, origin_port(origin), route);
    int count = snprintf(request, sizeof(request), "GET /%0*d", LONG_PATH, 0);
    memset(request + 5, '"', LONG_PATH);
    count += snprintf(request + count, sizeof(request) - (size_t)count,
                      " HTTP/1.1\r\nHost: h\r\nX-Request-Id: %0127d=\r\n\r\n", 0);
    cr_assert_lt((size_t)count, sizeof(request));
    (void)world_ask(world, request);
    cr_expect(LOGS(world, "path", "\"/\\\"\\\"", "503", "00000031"));
    clean_expect_log(world, 1);
    world_stop(world);
}

Test(forging, longest_path_leaves_room_for_the_longest_ledger)
{
    for (size_t f = 0; f < FORMATS; f++)
        ask_for_the_longest(formats[f]);
}
