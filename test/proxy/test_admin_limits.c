/* The admin listener towards those who have no business there. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/support/address.h"
#include "test/support/world.h"

TestSuite(admin_limits, .timeout = 300);

enum { CONNECTIONS_MAX = 64 };

#define WITHOUT_ADMIN "[proxy]\nlisten = 127.0.0.1:0\nworkers = 1\nlog = stderr\n"
#define THE_REST WORLD_BUDGET "default = 20s\n" WORLD_ROUTE

static struct world *before(void)
{
    return world_start(WORLD_PROXY "header-timeout = 150ms\n" THE_REST,
                       origin_port(origin_answering(ANSWER_OK, 0)));
}

static const struct reply *ask(const char *address, const char *request)
{
    struct dialogue *dialogue = dialogue_open(address);

    dialogue_send(dialogue, request);
    return dialogue_read(dialogue);
}

static const char *const well = "GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n";

Test(admin_limits, foreign_names_other_methods_and_bodies_get_short_answers)
{
    static const struct {
        const char *request;
        int status;
    } cases[] = {
        {"GET /metrics HTTP/1.1\r\nHost: rebind.test:9901\r\n\r\n", 421},
        {"GET http://rebind.test/metrics HTTP/1.1\r\nHost: localhost\r\n\r\n", 421},
        {"POST /metrics HTTP/1.1\r\nHost: rebind.test\r\nContent-Length: 0\r\n\r\n", 421},
        {"GET /metrics HTTP/1.0\r\n\r\n", 200},
        {"GET /readyz HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 3\r\n\r\nabc", 200},
        {"DELETE /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n", 405},
        {"POST /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 999999999\r\n\r\nabc", 405},
        {"POST /healthz HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nx", 405},
    };
    struct world *world = before();

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const struct reply *reply = ask(world_admin(world), cases[i].request);
        cr_expect_eq(reply->status, cases[i].status, "%s: %d", cases[i].request, reply->status);
        cr_expect_str_eq(reply_header(reply, "Allow"), reply->status == 405 ? "GET, HEAD" : "");
        cr_expect_lt(reply->message.body_count, reply->status == 200 ? SIZE_MAX : 200);
    }
    world_stop(world);
}

Test(admin_limits, heads_that_are_too_long_or_too_slow_are_refused)
{
    enum { LONG = 17000 };
    static char request[LONG + 100];
    struct world *world = before();

    snprintf(request, sizeof(request), "GET /%0*d HTTP/1.1\r\nHost: localhost\r\n\r\n", LONG, 0);
    cr_expect_eq(ask(world_admin(world), request)->status, 414);
    snprintf(request, sizeof(request), "GET / HTTP/1.1\r\nX: %0*d\r\n\r\n", LONG, 0);
    cr_expect_eq(ask(world_admin(world), request)->status, 431);
    const struct reply *slow = ask(world_admin(world), "GET /metrics HTTP/1.1\r\n");
    cr_expect_eq(slow->status, 408);
    cr_expect_geq(slow->took.ns, span_ms(150).ns);
    world_stop(world);
}

Test(admin_limits, too_many_connections_are_turned_away_and_the_proxy_serves_on)
{
    struct world *world = before();
    struct dialogue *idle[CONNECTIONS_MAX];

    for (int i = 0; i < CONNECTIONS_MAX; i++) {
        idle[i] = dialogue_open(world_admin(world));
        dialogue_send(idle[i], well);
        cr_assert_eq(dialogue_read(idle[i])->status, 200, "connection %d", i);
    }
    const struct reply *reply = ask(world_admin(world), well);
    cr_expect_eq(reply->status, 503);
    cr_expect_str_eq(reply_header(reply, "Retry-After"), "1");
    cr_expect_eq(world_get(world, "/", "")->status, 200);
    for (int i = 0; i < CONNECTIONS_MAX; i++)
        dialogue_close(idle[i]);
    for (int i = 0; i < 500 && reply->status != 200; i++)
        reply = ask(world_admin(world), well);
    cr_expect_eq(reply->status, 200);
    world_stop(world);
}

/* How often the program warns of the listener. */
static int warnings(const char *admin)
{
    struct world *world = world_start(WITHOUT_ADMIN "admin = %s\n" THE_REST, admin,
                                      origin_port(origin_answering(ANSWER_OK, 0)));
    const char *said = program_stderr(world_program(world));
    int count = 0;

    while ((said = strstr(said, "warning: proxy.admin is for more than this machine")) != NULL) {
        said++;
        count++;
    }
    world_stop(world);
    return count;
}

Test(admin_limits, address_for_more_than_this_machine_is_warned_of)
{
    char path[ADDRESS_ROOM];

    address_spare(path);
    cr_expect_eq(warnings("0.0.0.0:0"), 1);
    cr_expect_eq(warnings("127.0.0.1:0"), 0);
    cr_expect_eq(warnings("127.3.2.1:0"), 0);
    cr_expect_eq(warnings(path), 0);
    if (address_has_v6()) {
        cr_expect_eq(warnings("[::]:0"), 1);
        cr_expect_eq(warnings("[::1]:0"), 0);
    }
}
