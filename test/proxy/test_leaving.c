/* Clients that leave at every stage of a request, in order, by a reset, or by half: what was a
 * request ends once, what was not leaves no trace, and nothing is left of either. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "test/support/world.h"

TestSuite(leaving, .timeout = 300);

enum leaving { IN_ORDER, BY_RESET, BY_HALF };

/* What the client waits for before it leaves. */
enum awaited {
    NOTHING, /* for as long as it takes to read what it sent */
    CALL,    /* that the silent upstream has its request */
    ANSWER,  /* text */
};

struct stage_of_leaving {
    const char *sent;
    enum awaited awaited;
    const char *text;
    size_t done; /* requests that end well */
    size_t gone; /* and those that end with 499 */
};

#define HEAD(target) target " HTTP/1.1\r\nHost: h\r\n"
#define GET(path) HEAD("GET " path) "\r\n"
#define CHUNKS(path) HEAD("POST " path) "Transfer-Encoding: chunked\r\n\r\n"

static const struct stage_of_leaving stages[] = {
    {"", NOTHING, NULL, 0, 0},
    {"G", NOTHING, NULL, 0, 0},
    {"GET /silent HTT", NOTHING, NULL, 0, 0},
    {"GET /silent HTTP/1.1\r\n", NOTHING, NULL, 0, 0},
    {HEAD("GET /silent") "X-Half: ", NOTHING, NULL, 0, 0},
    {HEAD("GET /silent") "\r", NOTHING, NULL, 0, 0},

    {HEAD("POST /silent") "Content-Length: 9\r\n\r\n", CALL, NULL, 0, 1},
    {HEAD("POST /silent") "Content-Length: 9\r\n\r\nabc", CALL, NULL, 0, 1},
    {HEAD("POST /silent") "Content-Length: 3\r\n\r\nabc", CALL, NULL, 0, 1},
    {CHUNKS("/silent"), CALL, NULL, 0, 1},
    {CHUNKS("/silent") "3\r\nabc\r\n5", CALL, NULL, 0, 1},
    {CHUNKS("/silent") "5;half=", CALL, NULL, 0, 1},
    {CHUNKS("/silent") "5\r\nab", CALL, NULL, 0, 1},
    {CHUNKS("/silent") "3\r\nabc\r\n0\r\n", CALL, NULL, 0, 1},
    {CHUNKS("/silent") "3\r\nabc\r\n0\r\nX-Half: ", CALL, NULL, 0, 1},
    {HEAD("POST /several") "Content-Length: 9\r\n\r\nabc", NOTHING, NULL, 0, 1},
    {CHUNKS("/several") "3\r\nabc\r\n0\r\n", NOTHING, NULL, 0, 1},

    {GET("/silent"), CALL, NULL, 0, 1},
    {GET("/several-silent"), CALL, NULL, 0, 1},
    {GET("/part"), ANSWER, "abc", 0, 1},
    {GET("/chunk"), ANSWER, "abc", 0, 1},
    {GET("/much"), ANSWER, "200 OK", 0, 1},
    {GET("/ok"), ANSWER, "\r\n\r\nok", 1, 0},

    {GET("/ok") GET("/silent"), CALL, NULL, 1, 1},
    {GET("/ok") GET("/silent") GET("/ok"), CALL, NULL, 1, 1},
    {GET("/silent") GET("/ok") GET("/ok") GET("/ok"), CALL, NULL, 0, 1},
    {GET("/ok") GET("/part") GET("/ok"), ANSWER, "abc", 1, 1},
    {GET("/ok") "GET /silent HTTP/1.1\r\nHo", ANSWER, "\r\n\r\nok", 1, 0},
    {GET("/silent") "GET /silent HTTP/1.1\r\nHo", CALL, NULL, 0, 1},
};
enum { STAGES = sizeof(stages) / sizeof(*stages) };

struct scene {
    struct world *world;
    struct origin *ok;
    struct origin *silent;
    struct origin *part;
    struct origin *chunk;
    struct origin *much;
};

static void begin(struct scene *scene)
{
    scene->ok = origin_answering(ANSWER_OK, 0);
    scene->silent = ORIGIN({.deeds = {SILENCE}});
    scene->part =
        ORIGIN({.deeds = {SEND("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"), SILENCE}});
    scene->chunk =
        ORIGIN({.deeds = {SEND("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc"),
                          SILENCE}});
    scene->much = ORIGIN(
        {.deeds = {SEND("HTTP/1.1 200 OK\r\nContent-Length: 67108864\r\n\r\n"), FLOOD(67108864)}});
    scene->world = world_start(
        WORLD_PATIENT
        "[upstream ok]\nurl = http://127.0.0.1:%u\n[route ok]\nmatch = /ok\nupstream = ok\n"
        "[upstream silent]\nurl = http://127.0.0.1:%u\n"
        "[route silent]\nmatch = /silent\nupstream = silent\n"
        "[upstream part]\nurl = http://127.0.0.1:%u\n"
        "[route part]\nmatch = /part\nupstream = part\n"
        "[upstream chunk]\nurl = http://127.0.0.1:%u\n"
        "[route chunk]\nmatch = /chunk\nupstream = chunk\n"
        "[upstream much]\nurl = http://127.0.0.1:%u\n"
        "[route much]\nmatch = /much\nupstream = much\n"
        "[route several]\nmatch = /several\nsteps = a + b\n[call several.a]\nupstream = ok\n"
        "[call several.b]\nupstream = ok\n"
        "[route beside]\nmatch = /several-silent\nsteps = a + b, c\n"
        "[call beside.a]\nupstream = silent\n[call beside.b]\nupstream = silent\n"
        "[call beside.c]\nupstream = ok\n",
        origin_port(scene->ok), origin_port(scene->silent), origin_port(scene->part),
        origin_port(scene->chunk), origin_port(scene->much));
}

static size_t open_connections(struct origin *origin)
{
    size_t count = 0;

    for (size_t n = 0; n < origin_connections(origin); n++)
        count += origin_is_open(origin, n);
    return count;
}

/* Each cancelled call has had its connection closed. */
static void expect_cancelled(struct origin *origin)
{
    for (size_t n = 0; n < origin_connections(origin); n++)
        (void)origin_ended(origin, n);
}

/* The descriptors of its own: those that it keeps to upstreams for later are none of them. */
static size_t own_descriptors(const struct scene *scene)
{
    return world_descriptors(scene->world) - open_connections(scene->ok);
}

static size_t lines_now(const struct scene *scene, const char *text)
{
    const char *line = program_stderr(world_program(scene->world));
    size_t count = 0;

    while ((line = strstr(line, text)) != NULL) {
        line += strlen(text);
        count++;
    }
    return count;
}

static void wait_for_lines(const struct scene *scene, const char *text, size_t count)
{
    for (int i = 0; i < 1000 && lines_now(scene, text) < count; i++)
        usleep(5000);
}

/* Waits as a client does that is about to leave. */
static void await(struct scene *scene, struct dialogue *dialogue,
                  const struct stage_of_leaving *stage, size_t calls)
{
    switch (stage->awaited) {
    case NOTHING:
        usleep(20 * 1000);
        break;
    case CALL:
        (void)origin_request(scene->silent, calls);
        break;
    case ANSWER:
        cr_assert(dialogue_awaits(dialogue, stage->text), "%s", stage->sent);
        break;
    }
}

static void leave(struct dialogue *dialogue, enum leaving leaving)
{
    if (leaving == IN_ORDER)
        dialogue_close(dialogue);
    else if (leaving == BY_RESET)
        dialogue_reset(dialogue);
    else
        dialogue_half_close(dialogue);
}

static void leave_at(struct scene *scene, const struct stage_of_leaving *stage,
                     enum leaving leaving)
{
    struct dialogue *dialogue = world_dial(scene->world);
    size_t calls = origin_requests(scene->silent);
    size_t done = lines_now(scene, " status=200 ");
    size_t gone = lines_now(scene, " status=499 ");

    dialogue_send(dialogue, stage->sent);
    await(scene, dialogue, stage, calls);
    leave(dialogue, leaving);
    wait_for_lines(scene, " status=499 ", gone + stage->gone);
    wait_for_lines(scene, " status=200 ", done + stage->done);
    cr_expect_eq(lines_now(scene, " status=499 "), gone + stage->gone, "%d: %s", (int)leaving,
                 stage->sent);
    cr_expect_eq(lines_now(scene, " status=200 "), done + stage->done, "%d: %s", (int)leaving,
                 stage->sent);
}

/* Of all routes. */
static double counted(const struct scene *scene, const char *outcome)
{
    return world_metric_sum(scene->world, "hourglass_requests_total", outcome);
}

static void expect_nothing_left(struct scene *scene, size_t descriptors, size_t lines)
{
    cr_expect(world_is_at_rest(scene->world), "requests or connections are left");
    expect_cancelled(scene->silent);
    expect_cancelled(scene->part);
    expect_cancelled(scene->chunk);
    expect_cancelled(scene->much);
    cr_expect_eq(world_count_lines(scene->world), lines);
    for (int i = 0; i < 200 && own_descriptors(scene) != descriptors; i++)
        usleep(10 * 1000);
    cr_expect_eq(own_descriptors(scene), descriptors, "%zu descriptors, and %zu before",
                 own_descriptors(scene), descriptors);
}

static void leave_at_every_stage(enum leaving leaving)
{
    struct scene scene;
    size_t lines = 0;

    begin(&scene);
    size_t descriptors = own_descriptors(&scene);
    for (size_t i = 0; i < STAGES; i++) {
        leave_at(&scene, &stages[i], leaving);
        lines += stages[i].done + stages[i].gone;
    }
    expect_nothing_left(&scene, descriptors, lines);
    cr_expect_eq(counted(&scene, "\"ok\"") + counted(&scene, "\"client_gone\""), (double)lines);
    world_stop(scene.world);
}

Test(leaving, in_order_at_every_stage_ends_each_request_once)
{
    leave_at_every_stage(IN_ORDER);
}

Test(leaving, by_reset_at_every_stage_ends_each_request_once)
{
    leave_at_every_stage(BY_RESET);
}

Test(leaving, by_half_at_every_stage_ends_each_request_once)
{
    leave_at_every_stage(BY_HALF);
}
