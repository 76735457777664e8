/* Clients that send or read a byte now and then. Each byte is in time, the request is not: no clock
 * may begin anew with a byte. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "test/support/address.h"
#include "test/support/world.h"

TestSuite(dripping_clients, .timeout = 300);

enum { EVERY_MS = 10 };

/* More of it than any of these requests lives to send. */
static const char *endless(const char *byte)
{
    static char text[2000];

    memset(text, *byte, sizeof(text) - 1);
    return text;
}

static struct world *before(struct origin *origin, const char *proxy_keys)
{
    return world_start(WORLD_PROXY "%s" WORLD_BUDGET "default = 20s\n"
                                   "[upstream u]\nurl = http://127.0.0.1:%u\n"
                                   "[route one]\nmatch = /one\nupstream = u\n"
                                   "[route several]\nmatch = /several\nsteps = a + b\n"
                                   "[call several.a]\nupstream = u\n"
                                   "[call several.b]\nupstream = u\n",
                       proxy_keys, origin_port(origin));
}

static const struct reply *drip(struct world *world, const char *begin, const char *byte)
{
    struct dialogue *dialogue = world_dial(world);

    dialogue_send(dialogue, begin);
    dialogue_drip(dialogue, endless(byte), EVERY_MS);
    const struct reply *reply = dialogue_read(dialogue);
    cr_expect(dialogue_is_closed(dialogue), "the rest of it would pass for a request");
    return reply;
}

Test(dripping_clients, head_that_never_ends_is_a_408)
{
    static const char *const beginnings[] = {
        "G",
        "GET /on",
        "GET /one HTTP/1.1\r\nHos",
        "GET /one HTTP/1.1\r\nHost: h\r\nX-Request-Timeout-Ms: 50\r\nX-Drip: ",
        "POST /one HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nX-Drip: ",
    };
    enum { COUNT = sizeof(beginnings) / sizeof(*beginnings) };
    struct origin *origin = origin_answering(ANSWER_OK, 0);
    struct world *world = before(origin, "header-timeout = 200ms\n");

    for (size_t i = 0; i < COUNT; i++) {
        const struct reply *reply = drip(world, beginnings[i], "A");
        cr_expect_eq(reply->status, 408, "%d for %s", reply->status, beginnings[i]);
        cr_expect_geq(reply->took.ns, span_ms(200).ns, "%s", beginnings[i]);
    }
    cr_expect_eq(origin_connections(origin), 0);
    cr_expect_eq(world_count_lines(world), COUNT);
    cr_expect_eq(world_metric(world, "bad_requests_total", ""), COUNT);
    cr_expect(world_is_at_rest(world));
    world_stop(world);
}

#define POST(path) "POST " path " HTTP/1.1\r\nHost: h\r\nX-Request-Timeout-Ms: 200\r\n"
#define CHUNKED "Transfer-Encoding: chunked\r\n\r\n"

/* Within each kind of body; the byte goes on with what was begun. */
static const struct {
    const char *begin;
    const char *byte;
} bodies[] = {
    {"Content-Length: 100000\r\n\r\n", "a"},
    {CHUNKED "ffff\r\n", "a"},
    {CHUNKED "0", "0"},
    {CHUNKED "3;more=", "a"},
    {CHUNKED "0\r\nX-T: ", "a"},
    {CHUNKED "0\r\n", "T"},
};
enum { BODIES = sizeof(bodies) / sizeof(*bodies) };

static void expect_late_body(const char *head, int status)
{
    struct origin *origin = ORIGIN({.deeds = {READ_ALL, SEND(ANSWER_OK)}});
    struct world *world = before(origin, "");

    for (size_t i = 0; i < BODIES; i++) {
        char begin[200];
        snprintf(begin, sizeof(begin), "%s%s", head, bodies[i].begin);
        const struct reply *reply = drip(world, begin, bodies[i].byte);
        cr_expect_eq(reply->status, status, "%d for %s", reply->status, begin);
        cr_expect_geq(reply->took.ns, span_ms(185).ns, "%s", begin);
    }
    for (size_t i = 0; i < origin_connections(origin); i++)
        (void)origin_ended(origin, i);
    cr_expect_eq(world_count_lines(world), BODIES);
    cr_expect(world_is_at_rest(world));
    world_stop(world);
}

Test(dripping_clients, body_that_never_ends_is_a_504_that_blames_the_upload)
{
    expect_late_body(POST("/one"), 504);
}

Test(dripping_clients, body_for_several_calls_that_never_ends_is_a_408)
{
    expect_late_body(POST("/several"), 408);
}

Test(dripping_clients, request_that_comes_byte_by_byte_in_time_is_served)
{
    struct origin *origin = ORIGIN({.deeds = {READ_ALL, SEND(ANSWER_OK)}});
    struct world *world = before(origin, "");
    struct dialogue *dialogue = world_dial(world);

    dialogue_drip(dialogue,
                  "POST /one HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
                  "3;a=b\r\nabc\r\n2\r\nde\r\n0\r\nX-T: t\r\n\r\n",
                  2);
    cr_expect_eq(dialogue_read(dialogue)->status, 200);
    cr_expect_str_eq(origin_body(origin, 0)->message.body, "abcde");
    world_stop(world);
}

/* A request that asks for more than the kernel and the proxy hold for its client. */
static int ask_for_much(const struct world *world)
{
    static const char request[] =
        "GET /one HTTP/1.1\r\nHost: h\r\nX-Request-Timeout-Ms: 800\r\n\r\n";
    int fd = address_connect(world_address(world, 0));

    cr_assert_geq(fd, 0);
    cr_assert_eq(send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL),
                 (ssize_t)sizeof(request) - 1);
    return fd;
}

/* The client may go on reading what the kernel has; the proxy is rid of it. */
Test(dripping_clients, answer_that_is_read_byte_by_byte_is_cut_when_the_budget_ends)
{
    struct origin *origin = ORIGIN(
        {.deeds = {SEND("HTTP/1.1 200 OK\r\nContent-Length: 67108864\r\n\r\n"), FLOOD(67108864)}});
    struct world *world = before(origin, "");
    int fd = ask_for_much(world);
    char byte;

    for (int i = 0; i < 1000 / EVERY_MS; i++) {
        cr_assert_eq(recv(fd, &byte, 1, 0), 1);
        usleep(EVERY_MS * 1000);
    }
    cr_expect(LOGS(world, "status=200", "outcome=cut"));
    cr_expect(world_is_at_rest(world));
    (void)origin_ended(origin, 0);
    cr_expect_lt(origin_sent(origin), (size_t)67108864);
    cr_expect_eq(world_count_lines(world), 1);
    close(fd);
    world_stop(world);
}
