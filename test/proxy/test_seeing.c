/* What an operator sees: a line of log for each request, counters, the pages of the admin
 * listener; and stubs, which stand in for upstreams. */
#include <criterion/criterion.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/support/logfmt.h"
#include "test/support/world.h"

TestSuite(seeing, .timeout = 300);

static struct world *before(struct origin *origin)
{
    return world_start(WORLD_PATIENT WORLD_ROUTE, origin_port(origin));
}

static const struct reply *admin_ask(struct world *world, const char *start)
{
    struct dialogue *dialogue = dialogue_open(world_admin(world));

    dialogue_send(dialogue, start);
    dialogue_send(dialogue, " HTTP/1.1\r\nHost: localhost\r\n\r\n");
    return strncmp(start, "HEAD", 4) == 0 ? dialogue_read_head(dialogue) : dialogue_read(dialogue);
}

Test(seeing, every_request_is_one_line_of_logfmt_whatever_it_holds)
{
    static const char *const paths[] = {"/plain",        "/a\"b=c\"",  "/a\\b",
                                        "/x=y%0atime=1", "/caf%C3%A9", "/?q=a\"\\&status=200"};
    enum { COUNT = sizeof(paths) / sizeof(*paths) };
    struct origin *origin = origin_answering(ANSWER_OK, 0);
    struct world *world = before(origin);

    for (size_t i = 0; i < COUNT; i++)
        cr_expect_eq(world_get(world, paths[i], "")->status, 200, "%s", paths[i]);
    world_get(world, "/last", "X-Request-Timeout-Ms: 0\r\nX-Request-Id: the-last-one\r\n");
    cr_assert(LOGS(world, "request_id=the-last-one", "status=504", "reason=arrival"));
    cr_expect_eq(logfmt_count(program_stderr(world_program(world))), (int)COUNT + 1);
    world_stop(world);
}

Test(seeing, line_of_a_request_with_a_long_path_still_holds_its_ledger)
{
    enum { COUNT = 6000 };
    static char request[COUNT + 100];
    struct world *world = before(origin_answering(ANSWER_OK, 0));
    int count = snprintf(request, sizeof(request), "GET /%0*d", COUNT, 0);

    memset(request + 5, '"', COUNT);
    strcpy(request + count, " HTTP/1.1\r\nHost: h\r\nX-Request-Id: long\r\n\r\n");
    cr_expect_eq(world_ask(world, request)->status, 200);
    cr_assert(LOGS(world, "request_id=long", "status=200", "calls=\"backend:ok:"));
    cr_expect_eq(logfmt_count(program_stderr(world_program(world))), 1);
    world_stop(world);
}

Test(seeing, head_request_is_sent_no_bytes_of_a_body)
{
    struct origin *origin = origin_answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", 0);
    struct world *world = world_start(WORLD_PATIENT "[upstream u]\nurl = http://127.0.0.1:%u\n"
                                                    "[route all]\nmatch = /*\nupstream = u\n"
                                                    "[route page]\nmatch = /page\nsteps = a\n"
                                                    "answer = merge\n[call page.a]\nupstream = u\n"
                                                    "request = GET /a\noptional = yes\n"
                                                    "budget = 50ms\n",
                                      origin_port(origin));
    static const char *const cases[][2] = {
        {"/theirs", ""}, {"/ours", "X-Request-Timeout-Ms: 0\r\n"}, {"/page", ""}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char request[200], path[20];
        struct dialogue *dialogue = world_dial(world);
        snprintf(request, sizeof(request), "HEAD %s HTTP/1.1\r\nHost: h\r\n%s\r\n", cases[i][0],
                 cases[i][1]);
        dialogue_send(dialogue, request);
        cr_expect_gt(dialogue_read_head(dialogue)->status, 0);
        snprintf(path, sizeof(path), "path=%s ", cases[i][0]);
        cr_expect(LOGS(world, "method=HEAD", path, " bytes_down=0 "), "%s", cases[i][0]);
    }
    world_stop(world);
}

Test(seeing, request_id_that_could_forge_a_line_is_replaced)
{
    static const char *const forged[] = {"a b", "a\"b", "a,b", "a\\b", "caf\xc3\xa9", ""};
    struct origin *origin = origin_answering(ANSWER_OK, 0);
    struct world *world = before(origin);
    char line[300];

    for (size_t i = 0; i < sizeof(forged) / sizeof(*forged); i++) {
        snprintf(line, sizeof(line), "X-Request-Id: %s\r\n", forged[i]);
        const char *id = reply_header(world_get(world, "/", line), "X-Request-Id");
        cr_expect_str_neq(id, forged[i]);
        cr_expect_geq(strlen(id), 16);
    }
    world_stop(world);
}

Test(seeing, admin_pages_answer_and_other_paths_do_not_exist)
{
    struct world *world = before(origin_answering(ANSWER_OK, 0));

    cr_expect_eq(admin_ask(world, "GET /healthz")->status, 200);
    cr_expect_eq(admin_ask(world, "GET /readyz")->status, 200);
    cr_expect_eq(admin_ask(world, "HEAD /healthz")->status, 200);
    cr_expect_eq(admin_ask(world, "GET /nothing")->status, 404);
    cr_expect_eq(admin_ask(world, "POST /metrics")->status, 405);
    const struct reply *metrics = admin_ask(world, "GET /metrics");
    cr_expect_eq(metrics->status, 200);
    cr_expect_eq(strncmp(reply_header(metrics, "Content-Type"), "text/plain", 10), 0);
    world_stop(world);
}

/* # HELP, # TYPE, or name{labels} number. */
static bool is_metric_line(const char *line, size_t count)
{
    char text[1024];
    char *end;

    snprintf(text, sizeof(text), "%.*s", (int)count, line);
    if (text[0] == '#')
        return strncmp(text, "# HELP ", 7) == 0 || strncmp(text, "# TYPE ", 7) == 0;
    char *blank = strrchr(text, ' ');
    if (blank == NULL || !isalpha((unsigned char)text[0]))
        return false;
    (void)strtod(blank + 1, &end);
    return end != blank + 1 && *end == '\0';
}

Test(seeing, metrics_are_text_that_prometheus_can_read)
{
    struct world *world = before(origin_answering(ANSWER_OK, 0));
    const char *text = admin_ask(world, "GET /metrics")->body;

    cr_assert_neq(*text, '\0');
    for (; *text != '\0'; text += strcspn(text, "\n") + 1)
        cr_expect(is_metric_line(text, strcspn(text, "\n")), "%.*s", (int)strcspn(text, "\n"),
                  text);
    world_stop(world);
}

Test(seeing, requests_calls_and_timeouts_are_counted)
{
    struct origin *origin = ORIGIN({.deeds = {SEND(ANSWER_OK)}}, {.deeds = {SEND(ANSWER_OK)}},
                                   {.deeds = {CLOSE}}, {.deeds = {SILENCE}});
    struct world *world = before(origin);

    world_get(world, "/", "");
    world_get(world, "/", "");
    world_ask(world, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n");
    world_get(world, "/", "X-Request-Timeout-Ms: 500\r\n");
    world_get(world, "/", "X-Request-Timeout-Ms: 0\r\n");
    cr_expect_eq(world_metric(world, "requests_total{route=\"all\"", "outcome=\"ok\""), 2);
    cr_expect_eq(world_metric(world, "timeouts_total{route=\"all\"", "reason=\"call\""), 1);
    cr_expect_eq(world_metric(world, "timeouts_total{route=\"all\"", "reason=\"arrival\""), 1);
    cr_expect_eq(world_metric(world, "calls_total{upstream=\"backend\"", "outcome=\"ok\""), 2);
    cr_expect_eq(world_metric(world, "calls_total{upstream=\"backend\"", "outcome=\"broken\""), 1);
    cr_expect_eq(world_metric(world, "calls_total{upstream=\"backend\"", "outcome=\"timeout\""), 1);
    cr_expect_eq(world_metric_sum(world, "hourglass_requests_in_flight", ""), 0);
    cr_expect_eq(world_metric(world, "calls_in_flight", "backend"), 0);
    world_stop(world);
}

Test(seeing, stubs_play_upstreams_with_their_latency_status_and_body)
{
    struct origin *probe = origin_answering(ANSWER_OK, 0); /* its port is free once it ends */
    unsigned port = origin_port(probe);

    origins_stop();
    struct world *world =
        world_start(WORLD_PATIENT "[upstream a]\nurl = http://127.0.0.1:%u\n[route r]\nmatch = /*\n"
                                  "upstream = a\n[stub a]\nlisten = 127.0.0.1:%u\nlatency = 60ms\n"
                                  "status = 201\nbody = {\"rows\": 3}\n",
                    port, port);
    const struct reply *reply = world_get(world, "/", "");
    cr_expect_eq(reply->status, 201);
    cr_expect_str_eq(reply->body, "{\"rows\": 3}");
    cr_expect_geq(reply->took.ns, span_ms(60).ns);
    world_stop(world);
}

Test(seeing, shipped_configuration_passes_its_own_check)
{
    struct program *program =
        program_start((const char *const[]){"check", "-c", HOURGLASS_SOURCE "/proxy.ini", NULL});

    cr_expect_eq(program_exit_code(program, span_s(20)), 0, "%s", program_stderr(program));
    program_destroy(program);
}
