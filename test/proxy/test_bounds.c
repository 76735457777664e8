/* What clients meet when they ask for too much of one connection, or for too many: a clear answer and
 * a counter for each limit, nothing held that nobody has asked for, and all as before when they have
 * gone. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "proxy/clock.h"
#include "test/support/world.h"

TestSuite(bounds, .timeout = 300);

enum { KIB = 1024, MIB = 1024 * KIB };

static const char get[] = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

static struct world *before(const char *proxy_lines, struct origin *origin)
{
    return world_start(WORLD_PROXY "%s" WORLD_BUDGET "default = 20s\n" WORLD_ROUTE, proxy_lines,
                       origin_port(origin));
}

static double reached(const struct world *world, const char *limit)
{
    char label[64];

    snprintf(label, sizeof(label), "limit=\"%s\"", limit);
    return world_metric(world, "hourglass_limit_reached_total", label);
}

/* A request with a long target, with long headers, or with many. */
static struct dialogue *ask_much(const struct world *world, size_t target, size_t header,
                                 size_t headers)
{
    struct dialogue *dialogue = world_dial(world);
    char *text = malloc(target + headers * (header + 8) + 64);
    char *at = text + sprintf(text, "GET /");

    memset(at, 'a', target);
    at += target;
    at += sprintf(at, " HTTP/1.1\r\nHost: h\r\n");
    for (size_t i = 0; i < headers; i++) {
        at += sprintf(at, "X: ");
        memset(at, 'b', header);
        at += header;
        at += sprintf(at, "\r\n");
    }
    at += sprintf(at, "\r\n");
    dialogue_send_bytes(dialogue, text, (size_t)(at - text));
    free(text);
    return dialogue;
}

Test(bounds, a_head_that_is_too_much_is_answered_by_its_status_and_counted_by_its_limit)
{
    static const struct {
        size_t target, header, headers;
        int status;
        const char *limit;
    } rows[] = {
        {20000, 0, 0, 414, "request_line"},
        {1, 20000, 1, 431, "header_size"},
        {1, 1, 128, 431, "header_count"},
        {1, 1, 127, 200, NULL}, /* and Host */
    };
    struct origin *origin = origin_answering(ANSWER_OK, 0);
    struct world *world = before("", origin);

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct reply *reply =
            dialogue_read(ask_much(world, rows[i].target, rows[i].header, rows[i].headers));
        cr_expect_eq(reply->status, rows[i].status, "row %zu: %d", i, reply->status);
        if (rows[i].limit)
            cr_expect_eq(reached(world, rows[i].limit), 1, "row %zu", i);
    }
    cr_expect_eq(world_metric(world, "hourglass_bad_requests_total", ""), 3);
    world_stop(world);
}

/* No line of log: when there are too many connections, there would be as many lines. */
Test(bounds, too_many_connections_are_told_so_and_counted_and_the_next_is_served_when_one_has_gone)
{
    enum { MOST = 8, MORE = 40 };
    struct origin *origin = origin_answering(ANSWER_OK, 0);
    struct world *world = before("max-connections = 8\n", origin);
    struct dialogue *dialogues[MOST];

    for (int i = 0; i < MOST; i++) {
        dialogues[i] = world_dial(world);
        dialogue_send(dialogues[i], get);
        cr_assert_eq(dialogue_read(dialogues[i])->status, 200);
    }
    for (int i = 0; i < MORE; i++) {
        const struct reply *reply = dialogue_read(world_dial(world));
        cr_assert_eq(reply->status, 503);
        cr_assert_str_eq(reply_header(reply, "Retry-After"), "1");
        cr_assert_eq(reply->end, REPLY_COMPLETE);
    }
    cr_expect_eq(reached(world, "connections"), MORE);
    cr_expect_eq(world_metric(world, "hourglass_connections_shed_total", ""), MORE);
    cr_expect_eq(world_count_lines(world), MOST);
    dialogue_close(dialogues[0]);
    for (int i = 0; i < 100 && world_metric(world, "hourglass_connections", " ") >= MOST; i++)
        usleep(10000);
    cr_expect_eq(world_get(world, "/", "")->status, 200);
    world_stop(world);
}

Test(bounds, what_a_client_sends_ahead_of_its_answer_is_left_in_the_kernel)
{
    enum { REQUESTS = 20 * MIB / (sizeof(get) - 1) };
    struct origin *origin = ORIGIN({.deeds = {READ_ALL, SILENCE}});
    struct world *world = before("", origin);
    struct dialogue *dialogue = world_dial(world);
    char *requests = malloc(REQUESTS * (sizeof(get) - 1) + 1);

    for (size_t i = 0; i < REQUESTS; i++)
        memcpy(requests + i * (sizeof(get) - 1), get, sizeof(get));
    size_t sent = dialogue_send_some(dialogue, requests, REQUESTS * (sizeof(get) - 1));
    cr_expect_lt(sent, REQUESTS * (sizeof(get) - 1), "all of it was read");
    cr_expect_leq(world_metric(world, "hourglass_memory_bytes", " "), 128 * KIB);
    cr_expect_eq(origin_requests(origin), 1);
    free(requests);
    dialogue_reset(dialogue);
    world_stop(world);
}

Test(bounds, the_admin_pages_have_connections_of_their_own_and_not_endlessly_many)
{
    enum { MOST = 64 };
    struct origin *origin = origin_answering(ANSWER_OK, 0);
    struct world *world = before("max-connections = 1\n", origin);
    struct dialogue *client = world_dial(world), *admins[MOST];

    dialogue_send(client, get);
    cr_assert_eq(dialogue_read(client)->status, 200);
    for (int i = 0; i < MOST; i++) {
        admins[i] = dialogue_open(world_admin(world));
        dialogue_send(admins[i], "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
        cr_assert_eq(dialogue_read(admins[i])->status, 200);
    }
    cr_expect_eq(dialogue_read(dialogue_open(world_admin(world)))->status, 503);
    dialogue_close(admins[0]);
    usleep(50000);
    cr_expect_eq(reached(world, "connections"), 0, "those of the admin listener are not clients");
    world_stop(world);
}

/* As the limit of open files would be where nobody has raised it. */
Test(bounds, clients_that_only_connect_leave_descriptors_for_calls)
{
    enum { FILES = 150, MORE = 120 };
    struct rlimit few = {.rlim_cur = FILES, .rlim_max = FILES};
    struct origin *origin = origin_answering(ANSWER_OK, 0);
    struct dialogue *dialogues[MORE];
    int shed = 0;

    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
    struct world *world = before("", origin);
    cr_expect(
        strstr(program_stderr(world_program(world)), "hourglass: the limit of open files allows "));
    for (int i = 0; i < MORE; i++) {
        dialogues[i] = world_dial(world);
        if (i % 10 == 9)
            usleep(20000); /* the kernel's queue is not what is tested */
    }
    dialogue_send(dialogues[0], get);
    cr_expect_eq(dialogue_read(dialogues[0])->status, 200);
    for (int i = 1; i < MORE; i++)
        dialogue_close(dialogues[i]);
    shed = (int)reached(world, "connections");
    cr_expect_gt(shed, 0);
    cr_expect_lt(shed, MORE);
    cr_expect_eq(world_metric(world, "hourglass_accept_errors_total", ""), 0);
    world_stop(world);
}
