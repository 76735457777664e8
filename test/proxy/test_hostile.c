/* Paths, methods and headers that mean something to a browser, a terminal, or a program that reads JSON,
 * logfmt or metrics; and what upstreams say that does. Sent by who is trusted, so that all of it is
 * believed, and looked at wherever it is shown. How the page in a browser shows it is tested there. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "test/support/clean.h"
#include "test/support/collector.h"
#include "test/support/world.h"

TestSuite(hostile, .timeout = 300);

enum { LONG = 4000, REQUEST_ROOM = 3 * LONG };

/* Each route has an end of its own: a response, none in time, and nobody who listens. */
static const char *const beginnings[] = {"/ok", "/late", "/gone", "/copied"};
enum { BEGINNINGS = sizeof beginnings / sizeof beginnings[0] };

static struct world *before(const char *format, struct origin *collector, struct origin *upstream)
{
    return world_start(WORLD_PROXY
                       "log-format = %s\nlog-query = yes\ntrace-share = 100%%\n"
                       "trace-export = http://127.0.0.1:%u\n" WORLD_BUDGET "default = 20s\n"
                       "[upstream up]\nurl = http://127.0.0.1:%u\n"
                       "[upstream silent]\nurl = http://127.0.0.1:%u\n"
                       "[upstream gone]\nurl = unix:/nowhere/gone\n"
                       "[route ok]\nmatch = /ok/*\nupstream = up\n"
                       "[route late]\nmatch = /late/*\nupstream = silent\ndefault = 40ms\n"
                       "[route gone]\nmatch = /gone/*\nupstream = gone\n"
                       "[route copied]\nmatch = /copied/{rest}\nsteps = call\n[call copied.call]\n"
                       "upstream = up\nrequest = GET /{rest}?q={query.q|}\n"
                       "header = X-Agent: {header.user-agent|}\n",
                       format, origin_port(collector), origin_port(upstream),
                       origin_port(ORIGIN({.deeds = {SILENCE}})));
}

/* ---- where it is shown ------------------------------------------------------------------------ */

static const char *page(const struct world *world, const char *path)
{
    struct dialogue *dialogue = dialogue_open(world_admin(world));

    dialogue_send(dialogue, "GET ");
    dialogue_send(dialogue, path);
    dialogue_send(dialogue, " HTTP/1.1\r\nHost: localhost\r\n\r\n");
    const struct reply *reply = dialogue_read(dialogue);
    cr_assert_eq(reply->status, 200);
    return reply->body;
}

static void look_at_top(const struct world *world)
{
    struct program *top = program_start((const char *const[]){
        "top", "--once", "--admin", world_admin(world), "--interval", "100ms", NULL});

    cr_expect_eq(program_exit_code(top, span_s(30)), 0, "%s", program_stderr(top));
    cr_expect_not_null(strstr(program_stdout(top), "504"));
    clean_expect_visible(program_stdout(top));
    program_destroy(top);
}

/* Each message is read strictly. */
static void look_at_spans(const struct world *world, struct origin *collector, double least)
{
    double sent = 0;

    for (int i = 0; i < 500 && sent < least; i++, usleep(20000))
        sent = world_metric(world, "hourglass_trace_spans_exported_total", "");
    cr_expect_geq(sent, least);
    for (size_t i = 0; i < origin_requests(collector); i++)
        cr_expect_gt(collector_receive(collector, i), 0);
}

static void look_at_reply(const struct reply *reply)
{
    clean_expect_list(reply_header(reply, "Proxy-Status"));
    clean_expect_list(reply_header(reply, "Server-Timing"));
    clean_expect_visible(reply_header(reply, "X-Request-Id"));
    cr_expect_null(strpbrk(reply_header(reply, "X-Request-Id"), "\"\\ '"));
    if (strcmp(reply_header(reply, "Content-Type"), "application/problem+json") == 0)
        clean_expect_json(reply->body);
}

/* least: so many requests have been served. */
static void look_everywhere(struct world *world, struct origin *collector, int least, int lines)
{
    dialogues_hang_up();
    cr_assert(world_is_at_rest(world));
    clean_expect_json(page(world, "/requests?limit=1000"));
    clean_expect_json(page(world, "/requests?limit=1000&worst=1"));
    clean_expect_json(page(world, "/routes"));
    clean_expect_metrics(page(world, "/metrics"));
    look_at_top(world);
    look_at_spans(world, collector, least);
    clean_expect_log(world, lines);
}

/* ---- what clients send ------------------------------------------------------------------------ */

#define MARKUP "\"'><script>alert(1)</script><img/src=x/onerror=alert(1)>&amp;"
#define MEMBER "\",\"status\":299,\"forged\":\""
#define ESCAPES \
    "\xc2\x9b"  \
    "31m\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xae" /* CSI; line ends; right to left */
#define NO_UTF8 "\x80\xff\xc3(\xed\xa0\x80\xf4\x90\x80\x80\xc0\xaf"
#define HOST "Host: h\r\n"

static const struct {
    const char *method;
    const char *path; /* behind the route's beginning, and the query */
    const char *lines;
} rows[] = {
    {"GET", "/" MARKUP "?q=" MARKUP,
     HOST "User-Agent: " MARKUP "\r\nX-Request-Id: </script><b>&\r\n"},
    {"GET", "/" MEMBER "?q=" MEMBER,
     HOST "User-Agent: " MEMBER "\r\nX-Request-Id: a" MEMBER "\r\n"},
    {"GET", "/\\" MEMBER "\\?q=\\", HOST "User-Agent: \\\r\nX-Request-Id: a\\\r\n"},
    {"GET", "/\"status=299\"?q=\"status=299", HOST "X-Request-Id: a=b\"status=299\r\n"},
    {"GET", "/" ESCAPES "?q=" ESCAPES, HOST},
    {"GET", "/" NO_UTF8 "?q=" NO_UTF8, HOST},
    {"GET", "/x", HOST "User-Agent: " ESCAPES "\r\nX-Request-Id: " ESCAPES "\r\n"},
    {"GET", "/x", HOST "User-Agent: " NO_UTF8 "\t\r\nX-Request-Id: " NO_UTF8 "\r\n"},
    {"GET", "/\"}%201%0aforged_total{a=\"b\"}%201", HOST "X-Request-Id: \"}\r\n"},
    {"GET", "/%0d%0aforged%1b[31m%9b31m%e2%80%ae?q=%0d%0a%1b[31m", HOST},
    {"GET", "/\x1b[31m", HOST},
    {"GET", "/x", HOST "User-Agent: \x1b[31m\r\n"},
    {"GET", "/x", "Host: h'&(;)=,!$*+\r\n"},
    {"GET", "/x", "Host: \"><script>\r\n"},
    {"!#$%&'*+-.^_`|~", "/x", HOST},
    {"<SCRIPT>", "/x", HOST},
    {"GET", "/x",
     HOST "X-Forwarded-For: " MARKUP MEMBER ESCAPES "\r\nX-Forwarded-Host: " MARKUP "\r\n"},
    {"GET", "/x", HOST "X-Request-Timeout-Ms: 10\"} 1\r\nX-Request-Timeout-Ms: " MARKUP "\r\n"},
    {"GET", "/x",
     HOST "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n"
          "tracestate: a=" MARKUP NO_UTF8 "\r\nbaggage: " MEMBER "\r\n"},
    {"GET", "/x",
     HOST "traceparent: 00-0af7651916cd43dd8448eb211c80\"\\<>-b7ad6b7169203331-01\r\n"},
};
enum { ROWS = sizeof rows / sizeof rows[0] };

/* Returns 1 where it was taken for a request. */
static int send_row(struct world *world, const char *request)
{
    const struct reply *reply = world_ask(world, request);

    cr_expect_neq(reply->status, 0, "%s", request);
    look_at_reply(reply);
    return reply->status != 400;
}

/* Returns how many were taken for requests. */
static int send_all(struct world *world)
{
    char request[REQUEST_ROOM];
    int served = 0;

    for (size_t i = 0; i < ROWS * BEGINNINGS; i++) {
        int count = snprintf(request, sizeof request, "%s %s%s HTTP/1.1\r\n%s\r\n",
                             rows[i / BEGINNINGS].method, beginnings[i % BEGINNINGS],
                             rows[i / BEGINNINGS].path, rows[i / BEGINNINGS].lines);
        cr_assert_lt((size_t)count, sizeof request);
        served += send_row(world, request);
    }
    return served;
}

/* Everything that may be long is, and of bytes that grow when they are escaped. */
static int send_longest(struct world *world)
{
    static const char *const bytes[] = {"\"", "\\", "<", "\xff"};
    enum { BYTES = sizeof bytes / sizeof bytes[0] };
    char request[REQUEST_ROOM], text[LONG + 1] = "";

    for (size_t i = 0; i < BYTES * BEGINNINGS; i++) {
        memset(text, *bytes[i / BEGINNINGS], LONG);
        int count = snprintf(request, sizeof request,
                             "GET %s/%s HTTP/1.1\r\n" HOST "User-Agent: %s\r\n"
                             "X-Request-Id: %0128d\r\n\r\n",
                             beginnings[i % BEGINNINGS], text, text, 0);
        cr_assert_lt((size_t)count, sizeof request);
        (void)send_row(world, request);
    }
    return BYTES * BEGINNINGS;
}

static void expect_clients_are_harmless(const char *format)
{
    struct origin *collector = collector_start();
    struct world *world = before(format, collector, origin_answering(ANSWER_OK, 0));
    int served = send_all(world);
    int longest = send_longest(world);

    cr_expect_geq(served, 12 * BEGINNINGS);
    look_everywhere(world, collector, served + longest, ROWS * BEGINNINGS + longest);
    world_stop(world);
}

Test(hostile, what_clients_send_means_nothing_where_it_is_shown_with_a_log_of_logfmt)
{
    expect_clients_are_harmless("logfmt");
}

Test(hostile, what_clients_send_means_nothing_where_it_is_shown_with_a_log_of_json)
{
    expect_clients_are_harmless("json");
}

/* ---- what upstreams say ----------------------------------------------------------------------- */

/* A status line behind the version, a header that a template takes, and a string that one takes. */
static const struct {
    const char *status;
    const char *value;
    const char *string;
} sayings[] = {
    {"200 " MARKUP, MARKUP, "\\\"'><script>alert(1)</script>"},
    {"200 " MEMBER, MEMBER, "\\\",\\\"status\\\":299,\\\"forged\\\":\\\""},
    {"200 " ESCAPES, ESCAPES, ESCAPES},
    {"200 OK", NO_UTF8, "\\u001b[31m\\u009b\\u2028\\u0000"},
    {"200 OK", "a\tb", "../../\\\\\\n\\r\\nforged: 1"},
    {"503 " MARKUP, "x", "x"},
    {"209 " MEMBER, "x", "x"},
    {"200 \x1b[31m", "x", "x"},
    {"200 OK\ntime=0 status=299", "x", "x"},
};
enum { SAYINGS = sizeof sayings / sizeof sayings[0], SAYING_ROOM = 1024 };

static struct origin *says_all(void)
{
    static char answers[SAYINGS][SAYING_ROOM];
    struct script scripts[SAYINGS];

    for (size_t i = 0; i < SAYINGS; i++) {
        int count = snprintf(answers[i], SAYING_ROOM,
                             "HTTP/1.1 %s\r\nX-Value: %s\r\nContent-Type: application/json\r\n"
                             "Content-Length: %zu\r\n\r\n{\"v\":\"%s\"}",
                             sayings[i].status, sayings[i].value, strlen(sayings[i].string) + 8,
                             sayings[i].string);
        cr_assert_lt(count, SAYING_ROOM);
        scripts[i] = (struct script){.deeds = {READ_ALL, SEND(answers[i])}};
    }
    return origin_start("127.0.0.1", scripts, SAYINGS);
}

static void expect_upstreams_are_harmless(const char *format)
{
    struct origin *collector = collector_start();
    struct origin *uses = origin_answering(
        "HTTP/1.1 504 " MARKUP "\r\nRetry-After: " MEMBER "\r\nContent-Length: 0\r\n\r\n", 0);
    struct world *world =
        world_start(WORLD_PROXY "log-format = %s\ntrace-share = 100%%\n"
                                "trace-export = http://127.0.0.1:%u\n" WORLD_BUDGET
                                "default = 20s\n[upstream says]\nurl = http://127.0.0.1:%u\n"
                                "[upstream uses]\nurl = http://127.0.0.1:%u\n"
                                "[route r]\nmatch = /*\nsteps = look, use\n"
                                "[call r.look]\nupstream = says\nrequest = GET /\n"
                                "[call r.use]\nupstream = uses\n"
                                "request = GET /{look.body/v}?q={look.header.x-value}\n"
                                "header = X-Value: {look.header.x-value}\n",
                    format, origin_port(collector), origin_port(says_all()), origin_port(uses));

    for (size_t i = 0; i < SAYINGS; i++)
        look_at_reply(world_get(world, "/", ""));
    cr_expect_geq(origin_requests(uses), 4, "what is taken has come further");
    look_everywhere(world, collector, SAYINGS, SAYINGS);
    world_stop(world);
}

Test(hostile, what_upstreams_say_means_nothing_where_it_is_shown_with_a_log_of_logfmt)
{
    expect_upstreams_are_harmless("logfmt");
}

Test(hostile, what_upstreams_say_means_nothing_where_it_is_shown_with_a_log_of_json)
{
    expect_upstreams_are_harmless("json");
}
