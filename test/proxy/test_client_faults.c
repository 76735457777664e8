/* Clients that leave, and clients that do not speak HTTP. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "proxy/clock.h"
#include "test/support/world.h"

TestSuite(client_faults, .timeout = 300);

static const char *const get = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

static struct world *before(struct origin *origin)
{
    return world_start(WORLD_PATIENT WORLD_ROUTE, origin_port(origin));
}

enum leaving { LEAVES_IN_ORDER, LEAVES_BY_RESET, LEAVES_BY_HALF };

static void leave(struct dialogue *dialogue, enum leaving leaving)
{
    if (leaving == LEAVES_IN_ORDER)
        dialogue_close(dialogue);
    else if (leaving == LEAVES_BY_RESET)
        dialogue_reset(dialogue);
    else
        dialogue_half_close(dialogue);
}

/* The client leaves while request n is with the origin, which must see it soon. */
static void expect_cancelled(struct world *world, struct origin *origin, size_t n,
                             enum leaving leaving, const char *request)
{
    struct dialogue *dialogue = world_dial(world);

    dialogue_send(dialogue, request);
    size_t connection = origin_request(origin, n)->connection;
    usleep(20 * 1000);
    struct instant left = clock_now();
    leave(dialogue, leaving);
    struct span took = span_since(left, origin_ended(origin, connection));
    cr_expect_lt(took.ns, span_s(2).ns, "%g ms", span_as_ms(took));
}

Test(client_faults, client_that_leaves_ends_its_call_at_once_however_it_leaves)
{
    struct origin *origin = ORIGIN({.deeds = {SILENCE}});
    struct world *world = before(origin);

    expect_cancelled(world, origin, 0, LEAVES_IN_ORDER, get);
    expect_cancelled(world, origin, 1, LEAVES_BY_RESET, get);
    expect_cancelled(world, origin, 2, LEAVES_BY_HALF, get);
    cr_expect(LOGS(world, "status=499", "backend", "cancelled"));
    world_stop(world);
}

Test(client_faults, client_that_leaves_during_its_upload_ends_the_call)
{
    struct origin *origin = ORIGIN({.deeds = {READ_ALL}});
    struct world *world = before(origin);
    const char *request = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\nabc";

    expect_cancelled(world, origin, 0, LEAVES_IN_ORDER, request);
    expect_cancelled(world, origin, 1, LEAVES_BY_RESET, request);
    expect_cancelled(world, origin, 2, LEAVES_BY_HALF, request);
    cr_expect(LOGS(world, "status=499"));
    world_stop(world);
}

Test(client_faults, client_that_leaves_while_it_waits_for_100_continue_ends_the_call)
{
    struct origin *origin = ORIGIN({.deeds = {READ_ALL}});
    struct world *world = before(origin);
    const char *request = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n"
                          "Expect: 100-continue\r\n\r\n";

    expect_cancelled(world, origin, 0, LEAVES_IN_ORDER, request);
    expect_cancelled(world, origin, 1, LEAVES_BY_RESET, request);
    expect_cancelled(world, origin, 2, LEAVES_BY_HALF, request);
    cr_expect(LOGS(world, "status=499", "backend", "cancelled"));
    cr_expect_eq(world_count_lines(world), 3);
    world_stop(world);
}

Test(client_faults, client_that_leaves_after_its_upload_ends_the_call)
{
    struct origin *origin = ORIGIN({.deeds = {READ_ALL, SILENCE}});
    struct world *world = before(origin);
    const char *request = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc";

    expect_cancelled(world, origin, 0, LEAVES_BY_HALF, request);
    expect_cancelled(world, origin, 1, LEAVES_BY_RESET, request);
    cr_expect(LOGS(world, "status=499"));
    world_stop(world);
}

Test(client_faults, client_that_leaves_during_the_answer_ends_the_call)
{
    struct origin *origin =
        ORIGIN({.deeds = {SEND("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"), SILENCE}});
    struct world *world = before(origin);
    struct dialogue *dialogue = world_dial(world);

    dialogue_send(dialogue, get);
    cr_assert(dialogue_awaits(dialogue, "abc"));
    struct instant left = clock_now();
    dialogue_reset(dialogue);
    cr_expect_lt(span_since(left, origin_ended(origin, 0)).ns, span_s(2).ns);
    cr_expect(LOGS(world, "request_id=", "backend", "cancelled"));
    world_stop(world);
}

/* Its pipelined bytes must not hide that it has gone. */
Test(client_faults, client_that_leaves_with_requests_in_the_pipe_ends_the_first)
{
    struct origin *origin = ORIGIN({.deeds = {SILENCE}});
    struct world *world = before(origin);

    expect_cancelled(world, origin, 0, LEAVES_BY_RESET,
                     "GET /1 HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\n");
    expect_cancelled(world, origin, 1, LEAVES_IN_ORDER,
                     "GET /1 HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\n");
    expect_cancelled(world, origin, 2, LEAVES_BY_HALF,
                     "GET /1 HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\n");
    usleep(50 * 1000);
    cr_expect_eq(origin_requests(origin), 3, "nobody waits for the second of a pipe");
    world_stop(world);
}

Test(client_faults, departure_cancels_all_calls_of_a_step_and_counts_against_nobody)
{
    struct origin *origin = ORIGIN({.deeds = {SILENCE}});
    struct world *world = world_start(WORLD_PATIENT "[upstream u]\nurl = http://127.0.0.1:%u\n"
                                                    "[call r.a]\nupstream = u\nrequest = GET /a\n"
                                                    "[call r.b]\nupstream = u\nrequest = GET /b\n"
                                                    "[call r.c]\nupstream = u\n"
                                                    "[route r]\nmatch = /*\nsteps = a + b, c\n",
                                      origin_port(origin));
    struct dialogue *dialogue = world_dial(world);

    dialogue_send(dialogue, get);
    (void)origin_request(origin, 1);
    dialogue_close(dialogue);
    (void)origin_ended(origin, 0);
    (void)origin_ended(origin, 1);
    cr_expect(LOGS(world, "status=499", "a", "b", "cancelled"));
    cr_expect_eq(world_metric(world, "upstream_calls_total", "outcome=\"cancelled\""), 2);
    cr_expect_leq(world_metric(world, "upstream_calls_total", "outcome=\"broken\""), 0);
    cr_expect_leq(world_metric(world, "upstream_calls_total", "outcome=\"timeout\""), 0);
    cr_expect_eq(world_metric_sum(world, "hourglass_requests_in_flight", ""), 0);
    world_stop(world);
}

Test(client_faults, client_that_leaves_the_queue_for_a_connection_is_never_heard_of)
{
    struct origin *origin = ORIGIN({.deeds = {READ_ALL, WAIT_MS(1000), SEND(ANSWER_OK)}});
    struct world *world =
        world_start(WORLD_PATIENT "[upstream narrow]\nurl = http://127.0.0.1:%u\nconnections = 1\n"
                                  "[route r]\nmatch = /*\nupstream = narrow\n",
                    origin_port(origin));
    struct dialogue *first = world_dial(world);
    struct dialogue *second = world_dial(world);

    dialogue_send(first, get);
    (void)origin_request(origin, 0);
    dialogue_send(second, get);
    cr_expect(world_comes_to(world, "upstream_queue_length", "narrow", 1));
    dialogue_close(second);
    cr_expect(LOGS(world, "status=499"));
    cr_expect_eq(dialogue_read(first)->status, 200);
    usleep(50 * 1000);
    cr_expect_eq(origin_requests(origin), 1);
    cr_expect_eq(world_metric(world, "upstream_queue_length", ""), 0);
    world_stop(world);
}

Test(client_faults, what_is_not_http_is_refused_and_the_connection_closed)
{
    static const struct {
        const char *request;
        int status;
    } cases[] = {
        {"\x16\x03\x01\x02\x01", 400},
        {"GET / HTTP/1.1\nHost: h\n\n", 400},
        {"GET / HTTP/1.1\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: h\r\nHost: i\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: h\r\nX : a\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: h\r\nX: a\r\n b\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: h\r\n: a\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: h\r\nX@Y: a\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: h\r\nX: a\x01"
         "b\r\n\r\n",
         400},
        {"GET /a b HTTP/1.1\r\nHost: h\r\n\r\n", 400},
        {"GET / HTTP/1.9\r\nHost: h\r\n\r\n", 505},
        {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
        {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400},
        {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nab", 400},
        {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: +1\r\n\r\na", 400},
        {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1, 1\r\n\r\na", 400},
        {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999999999999\r\n\r\na", 400},
        {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"
         "0\r\n\r\n",
         400},
        {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\n\r\n", 501},
        {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked, chunked\r\n\r\n", 501},
    };
    struct origin *origin = origin_answering(ANSWER_OK, 0);
    struct world *world = before(origin);

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct dialogue *dialogue = world_dial(world);
        dialogue_send(dialogue, cases[i].request);
        int status = dialogue_read(dialogue)->status;
        cr_expect_eq(status, cases[i].status, "got %d for %s", status, cases[i].request);
        cr_expect(dialogue_is_closed(dialogue), "%s", cases[i].request);
    }
    cr_expect_eq(origin_requests(origin), 0);
    world_stop(world);
}

Test(client_faults, head_that_is_too_long_is_refused)
{
    struct origin *origin = origin_answering(ANSWER_OK, 0);
    struct world *world = before(origin);
    static char target[20 * 1024] = "GET /";
    static char header[20 * 1024] = "GET / HTTP/1.1\r\nHost: h\r\nX-Long: ";

    memset(target + 5, 'a', sizeof(target) - 6);
    memset(header + 33, 'a', sizeof(header) - 34);
    cr_expect_eq(world_ask(world, target)->status, 414);
    cr_expect_eq(world_ask(world, header)->status, 431);
    world_stop(world);
}

/* The origin must not take what came for a whole body. */
Test(client_faults, broken_chunk_ends_the_call_and_the_connection)
{
    struct origin *origin = ORIGIN({.deeds = {READ_ALL, SEND(ANSWER_OK)}});
    struct world *world = before(origin);
    struct dialogue *dialogue = world_dial(world);

    dialogue_send(dialogue, "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
                            "3\r\nabc\r\n");
    (void)origin_request(origin, 0);
    dialogue_send(dialogue, "zz\r\n\r\n");
    const struct reply *reply = dialogue_read(dialogue);
    cr_expect(reply->status == 400 || reply->end == REPLY_NONE, "%d", reply->status);
    (void)origin_ended(origin, 0);
    cr_expect_neq(origin_request(origin, 0)->message.state, MESSAGE_COMPLETE);
    world_stop(world);
}

/* Its budget, of which most is left, has not ended it, nor has the upstream. */
Test(client_faults, broken_chunk_behind_the_begin_of_the_answer_is_the_clients)
{
    struct origin *origin =
        ORIGIN({.deeds = {SEND("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"), READ_ALL}});
    struct world *world = before(origin);
    struct dialogue *dialogue = world_dial(world);

    dialogue_send(dialogue, "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
    cr_assert(dialogue_awaits(dialogue, "abc"));
    dialogue_send(dialogue, "zz\r\n\r\n");
    cr_expect(LOGS(world, "outcome=cut", "termination=CD", "backend:cancelled:"), "%s",
              program_stderr(world_program(world)));
    cr_expect_null(strstr(program_stderr(world_program(world)), "whose="));
    world_stop(world);
}

/* Both sides of it know: the one that reads the body and the one that has a request under way. */
Test(client_faults, broken_chunk_is_one_line_of_the_log)
{
    static const char *const bodies[] = {"zz\r\n\r\n", "3\r\nabcd\r\n", "3\nabc\n0\n\n"};
    struct origin *origin = ORIGIN({.deeds = {READ_ALL, SEND(ANSWER_OK)}});
    struct world *world = before(origin);

    for (size_t i = 0; i < 3; i++) {
        struct dialogue *dialogue = world_dial(world);

        dialogue_send(dialogue, "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
        dialogue_send(dialogue, bodies[i]);
        const struct reply *reply = dialogue_read(dialogue);
        cr_expect_eq(reply->status, 400, "%d for %s", reply->status, bodies[i]);
        cr_expect(dialogue_is_closed(dialogue));
    }
    cr_expect_eq(world_count_lines(world), 3);
    cr_expect(LOGS(world, "status=400", "route=all", "outcome=refused"));
    world_stop(world);
}

/* The routes would take them for one place and an upstream for another. */
Test(client_faults, path_that_means_two_places_is_refused_and_logged)
{
    static const char *const paths[] = {
        "/open/../secret", "/open/..",     "/./secret",     "/open/%2e%2e/secret", "/open/.%2E/s",
        "/open%2f../s",    "/open/..%2fs", "/open/..\\s",   "/open/..%5Cs",        "/a%00b",
        "/a%zzb",          "/a%2",         "http://h/../s", "/open/../s?q=1",
    };
    enum { COUNT = sizeof(paths) / sizeof(*paths) };
    struct origin *origin = origin_answering(ANSWER_OK, 0);
    struct world *world = before(origin);

    for (size_t i = 0; i < COUNT; i++) {
        const struct reply *reply = world_get(world, paths[i], "");
        cr_expect_eq(reply->status, 400, "%d for %s", reply->status, paths[i]);
    }
    cr_expect_eq(origin_connections(origin), 0);
    cr_expect(LOGS(world, "status=400", "outcome=bad_request", "detail="));
    cr_expect_eq(world_count_lines(world), COUNT, "a line for each");
    cr_expect_eq(world_get(world, "/a/.../b..c/.d?x=/../", "")->status, 200);
    world_stop(world);
}

Test(client_faults, connections_over_the_limit_are_turned_away)
{
    struct origin *origin = ORIGIN({.deeds = {SILENCE}});
    struct world *world =
        world_start(WORLD_PROXY "max-connections = 2\n" WORLD_BUDGET "default = 20s\n" WORLD_ROUTE,
                    origin_port(origin));
    struct dialogue *first = world_dial(world);
    struct dialogue *second = world_dial(world);

    dialogue_send(first, get);
    dialogue_send(second, get);
    (void)origin_request(origin, 1);
    const struct reply *reply = dialogue_read(world_dial(world));
    cr_expect_eq(reply->status, 503);
    cr_expect_str_neq(reply_header(reply, "Retry-After"), "");
    dialogue_close(first);
    dialogue_close(second);
    (void)origin_ended(origin, 0);
    (void)origin_ended(origin, 1);
    world_stop(world);
}

/* CPU time of the program so far, in clock ticks. */
static long ticks(const struct world *world)
{
    char path[64];
    long user = 0;
    long kernel = 0;
    FILE *file;

    snprintf(path, sizeof(path), "/proc/%d/stat", (int)program_pid(world_program(world)));
    file = fopen(path, "r");
    cr_assert_not_null(file);
    cr_assert_eq(fscanf(file, "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %ld %ld",
                        &user, &kernel),
                 2);
    fclose(file);
    return user + kernel;
}

Test(client_faults, descriptors_that_run_out_neither_spin_nor_stay_out)
{
    struct origin *origin = origin_answering(ANSWER_OK, 0);
    struct world *world = before(origin);
    struct rlimit few = {.rlim_cur = 24, .rlim_max = 24};
    struct dialogue *dialogues[40];

    cr_assert_eq(world_get(world, "/", "")->status, 200);
    cr_assert_eq(prlimit(program_pid(world_program(world)), RLIMIT_NOFILE, &few, NULL), 0);
    for (int i = 0; i < 40; i++)
        dialogues[i] = world_dial(world);
    usleep(50 * 1000);
    long spent = ticks(world);
    usleep(1000 * 1000);
    spent = ticks(world) - spent;
    cr_expect_lt(spent, sysconf(_SC_CLK_TCK) / 2, "%ld ticks in a second", spent);
    for (int i = 0; i < 40; i++)
        dialogue_close(dialogues[i]);
    cr_expect_eq(world_get(world, "/", "")->status, 200);
    world_stop(world);
}

Test(client_faults, idle_connection_is_closed_without_a_word)
{
    struct origin *origin = origin_answering(ANSWER_OK, 0);
    struct world *world =
        world_start(WORLD_PROXY "idle-timeout = 60ms\n" WORLD_BUDGET "default = 20s\n" WORLD_ROUTE,
                    origin_port(origin));
    struct dialogue *dialogue = world_dial(world);

    dialogue_send(dialogue, get);
    cr_assert_eq(dialogue_read(dialogue)->status, 200);
    struct instant answered = clock_now();
    cr_expect(dialogue_is_closed(dialogue));
    cr_expect_geq(span_since(answered, clock_now()).ns, span_ms(50).ns);
    world_stop(world);
}
