#include "test/support/stage.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "test/support/name_server.h"
#include "test/support/world.h"

enum { LARGE = 100000, BUDGET_MS = 600 };

/* The longest that a request may take beyond its budget, on a machine that is busy. */
#define PATIENCE span_ms(BUDGET_MS + 3000)

#define ROWS "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{\"rows\":3}"
#define SAD "HTTP/1.1 503 Sad\r\nContent-Length: 0\r\n\r\n"
#define FLOODS "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"

void stage_start(struct stage *stage, const char *label)
{
    struct origin *large = ORIGIN({.deeds = {SEND(FLOODS), FLOOD(LARGE)}});
    struct origin *flaky = ORIGIN({.deeds = {SEND(SAD)}}, {.deeds = {SEND(ROWS)}});
    struct origin *slow = ORIGIN({.deeds = {WAIT_MS(60), SEND(ROWS)}}, {.deeds = {SEND(ROWS)}});

    *stage = (struct stage){.label = label};
    stage->names = name_server_start(NAME_IS_LOCAL);
    stage->rows = origin_answering(ROWS, 0);
    stage->sink = origin_answering(ROWS, 0);
    stage->silent = ORIGIN({.deeds = {SILENCE}});
    stage->world = world_start(
        WORLD_PROXY "resolver = 127.0.0.1:%u\n" WORLD_BUDGET "default = %dms\n"
                    "[upstream rows]\nurl = http://127.0.0.1:%u\n"
                    "[upstream large]\nurl = http://127.0.0.1:%u\n"
                    "[upstream sink]\nurl = http://127.0.0.1:%u\n"
                    "[upstream silent]\nurl = http://127.0.0.1:%u\n"
                    "[upstream named]\nurl = http://rows.test:%u\n"
                    "[upstream flaky]\nurl = http://127.0.0.1:%u\nretry-budget = 100%%\n"
                    "[upstream slow]\nurl = http://127.0.0.1:%u\nhedge-budget = 100%%\n"
                    "[route rows]\nmatch = /rows\nupstream = rows\n"
                    "[route large]\nmatch = /large\nupstream = large\n"
                    "[route sink]\nmatch = /sink\nupstream = sink\n"
                    "[route late]\nmatch = /late\nupstream = silent\ndefault = 60ms\n"
                    "[route leave]\nmatch = /leave\nupstream = silent\n"
                    "[route named]\nmatch = /named\nupstream = named\n"
                    "[route again]\nmatch = /again\nsteps = a\n"
                    "[call again.a]\nupstream = flaky\nretries = 1\nbackoff = 1ms\n"
                    "[route race]\nmatch = /race\nsteps = a\n"
                    "[call race.a]\nupstream = slow\nhedge = 10ms\n"
                    "[route merge]\nmatch = /merge\nsteps = a + b, c\nanswer = merge\n"
                    "[call merge.a]\nupstream = rows\nrequest = GET /a\n"
                    "[call merge.b]\nupstream = rows\nrequest = GET /b\n"
                    "[call merge.c]\nupstream = sink\nrequest = GET /c\n",
        name_server_port(stage->names), BUDGET_MS, origin_port(stage->rows), origin_port(large),
        origin_port(stage->sink), origin_port(stage->silent), origin_port(stage->rows),
        origin_port(flaky), origin_port(slow));
}

/* ---- the set of requests ---------------------------------------------------------------------- */

/* NULL: nobody is there any more. */
static struct dialogue *dial(struct stage *stage)
{
    return dialogue_try(world_address(stage->world, 0));
}

static bool has_ended_well(const struct reply *reply)
{
    static const int statuses[] = {200, 502, 503, 504};

    if (reply->end != REPLY_COMPLETE)
        return reply->end != REPLY_LATE && reply->end != REPLY_INVALID;
    for (size_t i = 0; i < sizeof(statuses) / sizeof(*statuses); i++) {
        if (reply->status == statuses[i])
            return true;
    }
    return false;
}

/* Whatever has failed: an end in time, and nothing wrong that looks right. body: of a 200; NULL: it
 * should be a 504. */
static const struct reply *read_end(struct stage *stage, struct dialogue *dialogue,
                                    const char *path, const char *body)
{
    const struct reply *reply = dialogue_read(dialogue);

    cr_expect(has_ended_well(reply), "%s: %s: status %d, end %d", stage->label, path, reply->status,
              (int)reply->end);
    cr_expect(!span_covers(reply->took, PATIENCE), "%s: %s: took %lld ms", stage->label, path,
              (long long)span_floor_ms(reply->took));
    if (reply->status == 200 && reply->end == REPLY_COMPLETE && body != NULL)
        cr_expect_str_eq(reply->body, body, "%s: %s: %.100s", stage->label, path, reply->body);
    stage->well += reply->end == REPLY_COMPLETE && reply->status == (body != NULL ? 200 : 504);
    return reply;
}

/* The status; 0 when there is none. */
static int get(struct stage *stage, const char *path, const char *body)
{
    struct dialogue *dialogue = dial(stage);
    char request[100];

    if (dialogue == NULL)
        return 0;
    snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: h\r\n\r\n", path);
    dialogue_send(dialogue, request);
    const struct reply *reply = read_end(stage, dialogue, path, body);
    dialogue_close(dialogue);
    return reply->end == REPLY_COMPLETE ? reply->status : 0;
}

static void fill(char *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        bytes[i] = (char)('a' + i % 26);
}

/* A body larger than what is read at once, both ways. */
static void get_large(struct stage *stage)
{
    static char expected[LARGE + 1];

    fill(expected, LARGE);
    (void)get(stage, "/large", expected);
}

static void post_large(struct stage *stage)
{
    static char body[LARGE];
    char head[100];
    struct dialogue *dialogue = dial(stage);

    if (dialogue == NULL)
        return;
    fill(body, LARGE);
    snprintf(head, sizeof(head), "POST /sink HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n",
             LARGE);
    dialogue_send(dialogue, head);
    dialogue_send_bytes(dialogue, body, LARGE);
    const struct reply *reply = read_end(stage, dialogue, "/sink", "{\"rows\":3}");
    dialogue_close(dialogue);
    if (reply->status != 200)
        return;
    const struct message *came =
        &origin_body(stage->sink, origin_requests(stage->sink) - 1)->message;
    cr_expect_eq(came->body_count, LARGE, "%s: %zu bytes", stage->label, came->body_count);
    cr_expect_arr_eq(came->body, body, LARGE, "%s: the body was changed", stage->label);
}

/* Two requests, the second of which comes with the first. */
static void get_two(struct stage *stage)
{
    struct dialogue *dialogue = dial(stage);

    if (dialogue == NULL)
        return;
    dialogue_send(dialogue, "GET /rows HTTP/1.1\r\nHost: h\r\n\r\n"
                            "GET /rows HTTP/1.1\r\nHost: h\r\n\r\n");
    if (read_end(stage, dialogue, "/rows", "{\"rows\":3}")->end == REPLY_COMPLETE)
        (void)read_end(stage, dialogue, "/rows, again", "{\"rows\":3}");
    dialogue_close(dialogue);
}

static void leave(struct stage *stage)
{
    size_t before = origin_requests(stage->silent);
    struct dialogue *dialogue = dial(stage);

    if (dialogue == NULL)
        return;
    dialogue_send(dialogue, "GET /leave HTTP/1.1\r\nHost: h\r\n\r\n");
    for (int i = 0; i < 20 && origin_requests(stage->silent) == before; i++)
        usleep(2000);
    dialogue_reset(dialogue);
}

int stage_make_requests(struct stage *stage)
{
    stage->well = 0;
    (void)get(stage, "/rows", "{\"rows\":3}");
    get_two(stage);
    get_large(stage);
    post_large(stage);
    (void)get(stage, "/merge", "{\"a\":{\"rows\":3},\"b\":{\"rows\":3},\"c\":{\"rows\":3}}");
    (void)get(stage, "/again", "{\"rows\":3}");
    (void)get(stage, "/race", "{\"rows\":3}");
    (void)get(stage, "/late", NULL);
    leave(stage);
    (void)get(stage, "/named", "{\"rows\":3}");
    return stage->well;
}

/* ---- after it --------------------------------------------------------------------------------- */

static void expect_nothing_left(struct stage *stage)
{
    static const char *const gauges[] = {"calls_in_flight", "queue_length"};
    static const char *const upstreams[] = {"rows",  "large", "sink", "silent",
                                            "named", "flaky", "slow"};

    cr_expect_eq(world_metric_sum(stage->world, "hourglass_requests_in_flight", ""), 0,
                 "%s: requests are left", stage->label);
    for (size_t i = 0; i < sizeof(upstreams) / sizeof(*upstreams); i++) {
        for (int gauge = 0; gauge < 2; gauge++)
            cr_expect_eq(world_metric(stage->world, gauges[gauge], upstreams[i]), 0,
                         "%s: %s of %s is not 0", stage->label, gauges[gauge], upstreams[i]);
    }
}

/* What was sent upstream, in full or once more, is what was asked for. */
static void expect_nothing_wrong(struct stage *stage, struct origin *origin)
{
    static const char *const lines[] = {
        "GET /rows HTTP/1.1", "GET /named HTTP/1.1", "GET /a HTTP/1.1",
        "GET /b HTTP/1.1",    "GET /c HTTP/1.1",     "POST /sink HTTP/1.1",
    };
    enum { LINES = sizeof(lines) / sizeof(*lines) };

    for (size_t i = 0; i < origin_requests(origin); i++) {
        const char *came = origin_request(origin, i)->message.start;
        bool is_known = false;
        for (size_t line = 0; line < LINES; line++)
            is_known = is_known || strcmp(came, lines[line]) == 0;
        cr_expect(is_known, "%s: %s was sent", stage->label, came);
    }
}

bool stage_serves(struct stage *stage)
{
    bool serves = get(stage, "/rows", "{\"rows\":3}") == 200;

    if (serves)
        expect_nothing_left(stage);
    expect_nothing_wrong(stage, stage->rows);
    expect_nothing_wrong(stage, stage->sink);
    return serves;
}

int stage_end(struct stage *stage, char **ret_said)
{
    int code = world_end(stage->world, ret_said);

    name_server_stop(stage->names);
    return code;
}
