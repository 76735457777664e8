/* Which requests have a line in the log, and in which format: as clients and those who read the log
 * see it. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "conf/json.h"
#include "test/support/world.h"

TestSuite(log_choice, .timeout = 300);

static struct world *logging(const char *keys, struct origin *origin)
{
    return world_start(WORLD_PROXY "%s" WORLD_BUDGET "default = 20s\n" WORLD_ROUTE, keys,
                       origin_port(origin));
}

/* The first line of the log, which is JSON, that holds this text. It must come. */
static struct text object_with(struct world *world, const char *part)
{
    cr_assert(LOGS(world, "{\"time\":", part));
    const char *said = program_stderr(world_program(world));
    const char *at = strstr(said, part);
    while (at > said && at[-1] != '\n')
        at--;
    struct text line = {.at = at, .count = strcspn(at, "\n")};
    cr_assert(json_is_value(line), "%.*s", (int)line.count, line.at);
    return line;
}

static void expect_member(struct text object, const char *pointer, const char *expected)
{
    struct text found = json_find(object, text_of(pointer));

    cr_expect(text_is(found, text_of(expected)), "%s: %.*s in %.*s", pointer, (int)found.count,
              found.at, (int)object.count, object.at);
}

Test(log_choice, json_has_the_ledger_of_a_request)
{
    struct world *world = logging("log-format = json\n", ORIGIN({.deeds = {SILENCE}}));

    cr_expect_eq(world_get(world, "/a?b=c", "X-Request-Timeout-Ms: 400\r\n")->status, 504);
    struct text object = object_with(world, "\"path\":\"/a\"");
    expect_member(object, "/status", "504");
    expect_member(object, "/outcome", "\"timeout\"");
    expect_member(object, "/termination", "\"BH\"");
    expect_member(object, "/budget_ms", "400");
    expect_member(object, "/source", "\"X-Request-Timeout-Ms\"");
    expect_member(object, "/calls/0/name", "\"backend\"");
    expect_member(object, "/calls/0/outcome", "\"timeout\"");
    expect_member(object, "/calls/0/attempts", "1");
    cr_expect_eq(world_count_lines(world), 0, "nothing is logfmt");
    world_stop(world);
}

Test(log_choice, json_has_what_is_no_valid_request_and_whose_fault_that_is)
{
    struct world *world = logging("log-format = json\nlog-when = failed\nheader-timeout = 60ms\n",
                                  origin_answering(ANSWER_OK, 0));

    cr_expect_eq(world_ask(world, "GET / HTTP/1.1\r\n\r\n")->status, 400);
    struct text object = object_with(world, "\"status\":400");
    expect_member(object, "/outcome", "\"bad_request\"");
    expect_member(object, "/termination", "\"RA\"");
    cr_expect_gt(json_find(object, TEXT("/detail")).count, 10);
    cr_expect_eq(world_ask(world, "GET / HT")->status, 408);
    expect_member(object_with(world, "\"status\":408"), "/termination", "\"CA\"");
    world_stop(world);
}

Test(log_choice, query_is_shown_only_where_it_is_asked_for)
{
    struct world *without = logging("", origin_answering(ANSWER_OK, 0));

    (void)world_get(without, "/a?secret=1", "");
    cr_expect(LOGS(without, " path=/a "));
    cr_expect_null(strstr(program_stderr(world_program(without)), "secret"));
    world_stop(without);

    struct world *with = logging("log-query = yes\n", origin_answering(ANSWER_OK, 0));
    (void)world_get(with, "/a?secret=1", "");
    (void)world_get(with, "/b", "");
    cr_expect(LOGS(with, " path=\"/a?secret=1\" "));
    cr_expect(LOGS(with, " path=/b "));
    world_stop(with);
}

Test(log_choice, those_alone_that_failed)
{
    static const char fails[] = "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n";
    struct origin *origin =
        ORIGIN({.deeds = {SEND(ANSWER_OK)}}, {.deeds = {SEND(fails)}}, {.deeds = {CLOSE}},
               {.deeds = {SILENCE}}, {.deeds = {SEND(ANSWER_OK)}});
    struct world *world = logging("log-when = failed\n", origin);

    cr_expect_eq(world_get(world, "/good", "")->status, 200);
    cr_expect_eq(world_get(world, "/5xx", "")->status, 500);
    cr_expect_eq(world_ask(world, "POST /ends HTTP/1.1\r\nHost: h\r\n\r\n")->status, 502);
    cr_expect_eq(world_get(world, "/late", "X-Request-Timeout-Ms: 400\r\n")->status, 504);
    cr_expect_eq(world_get(world, "/a/../b", "")->status, 400);
    cr_expect_eq(world_get(world, "/good", "")->status, 200);
    cr_expect_eq(world_count_lines(world), 4);
    cr_expect_null(strstr(program_stderr(world_program(world)), "path=/good"));
    world_stop(world);
}

Test(log_choice, those_too_that_used_more_than_the_share)
{
    struct origin *origin = ORIGIN({.deeds = {READ_ALL, WAIT_MS(100), SEND(ANSWER_OK)}});
    struct world *world = logging("log-when = slow:5%\n", origin);

    cr_expect_eq(world_get(world, "/slow", "X-Request-Timeout-Ms: 2000\r\n")->status, 200);
    cr_expect_eq(world_get(world, "/quick", "X-Request-Timeout-Ms: 20000\r\n")->status, 200);
    cr_expect_eq(world_get(world, "/failed", "X-Request-Timeout-Ms: 0\r\n")->status, 504);
    cr_expect(LOGS(world, "path=/slow", "status=200"));
    cr_expect(LOGS(world, "path=/failed", "status=504"));
    cr_expect_eq(world_count_lines(world), 2);
    world_stop(world);
}

enum { IDS = 60 };

/* Every second request fails. Returns how many lines the log has of the others. */
static size_t ask_often(struct world *world)
{
    struct dialogue *dialogue = world_dial(world);
    char request[200];

    for (int i = 0; i < IDS; i++) {
        for (int is_bad = 0; is_bad < 2; is_bad++) {
            snprintf(request, sizeof(request),
                     "GET / HTTP/1.1\r\nHost: h\r\nX-Request-Id: r-%d\r\n%s\r\n", i,
                     is_bad ? "X-Request-Timeout-Ms: 0\r\n" : "");
            dialogue_send(dialogue, request);
            cr_expect_eq(dialogue_read(dialogue)->status, is_bad ? 504 : 200);
        }
    }
    return world_count_lines(world) - IDS;
}

static bool has_good(struct world *world, int number)
{
    char id[32];

    snprintf(id, sizeof(id), "request_id=r-%d trace", number);
    const char *at = strstr(program_stderr(world_program(world)), id);
    for (; at; at = strstr(at + 1, id)) {
        if (memmem(at, strcspn(at, "\n"), " status=200 ", 12))
            return true;
    }
    return false;
}

Test(log_choice, a_sample_has_all_that_failed_and_is_the_same_at_every_proxy)
{
    static const char sample[] = "log-sample = 25%\n";
    struct world *first = logging(sample, origin_answering(ANSWER_OK, 0));
    struct world *second = logging(sample, origin_answering(ANSWER_OK, 0));
    size_t count = ask_often(first);

    cr_expect(count > 0 && count < IDS / 2, "%zu", count);
    cr_expect_eq(ask_often(second), count);
    for (int i = 0; i < IDS; i++)
        cr_expect_eq(has_good(first, i), has_good(second, i), "r-%d", i);
    world_stop(first);
    world_stop(second);
}

Test(log_choice, nothing_that_went_well_is_in_a_sample_of_0)
{
    struct world *world = logging("log-sample = 0%\n", origin_answering(ANSWER_OK, 0));

    cr_expect_eq(ask_often(world), 0);
    world_stop(world);
}
