/* Where the proxy listens and what it connects to: IPv4, IPv6, unix sockets, names; and how
 * connections are used again. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "test/support/address.h"
#include "test/support/name_server.h"
#include "test/support/world.h"

TestSuite(addresses, .timeout = 300);

static const char *const get = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

static void expect_ok(const char *address)
{
    struct dialogue *dialogue = dialogue_open(address);

    for (int i = 0; i < 2; i++) {
        dialogue_send(dialogue, get);
        const struct reply *reply = dialogue_read(dialogue);
        cr_expect_eq(reply->status, 200, "%s: %d", address, reply->status);
        cr_expect_str_eq(reply->body, "ok", "%s", address);
    }
}

Test(addresses, listens_on_ipv4_ipv6_and_unix_sockets_at_once)
{
    if (!address_has_v6())
        cr_skip_test("this machine has no IPv6");
    struct origin *origin = origin_answering(ANSWER_OK, 0);
    char path[ADDRESS_ROOM];

    address_spare(path);
    struct world *world =
        world_start("[proxy]\nlisten = 127.0.0.1:0, [::1]:0, %s\nadmin = off\nworkers = 2\n"
                    "log = stderr\n" WORLD_BUDGET "default = 20s\n" WORLD_ROUTE,
                    path, origin_port(origin));
    for (size_t i = 0; i < 3; i++)
        expect_ok(world_address(world, i));
    cr_expect_str_eq(message_header(&origin_request(origin, 2)->message, "X-Forwarded-For", 0),
                     "::1");
    world_stop(world);
    cr_expect_neq(access(path + strlen("unix:"), F_OK), 0, "the socket's file stayed");
}

Test(addresses, upstream_may_be_ipv6)
{
    if (!address_has_v6())
        cr_skip_test("this machine has no IPv6");
    struct origin *origin =
        origin_start("[::1]", (const struct script[]){{.deeds = {READ_ALL, SEND(ANSWER_OK)}}}, 1);
    struct world *world = world_start(WORLD_PATIENT "[upstream six]\nurl = http://[::1]:%u\n"
                                                    "[route r]\nmatch = /*\nupstream = six\n",
                                      origin_port(origin));

    expect_ok(world_address(world, 0));
    world_stop(world);
}

Test(addresses, upstreams_may_be_unix_sockets_and_are_not_mixed_up)
{
    char paths[2][ADDRESS_ROOM];
    struct origin *origins[2];

    for (int i = 0; i < 2; i++) {
        address_spare(paths[i]);
        const char *answer =
            i == 0 ? ANSWER_OK : "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nother";
        origins[i] =
            origin_start(paths[i], (const struct script[]){{.deeds = {READ_ALL, SEND(answer)}}}, 1);
    }
    struct world *world =
        world_start(WORLD_PATIENT "[upstream a]\nurl = %s\n[upstream b]\nurl = %s\n"
                                  "[route a]\nmatch = /*\nupstream = a\n"
                                  "[route b]\nmatch = /b\nupstream = b\n",
                    paths[0], paths[1]);
    expect_ok(world_address(world, 0));
    cr_expect_str_eq(world_get(world, "/b", "")->body, "other");
    cr_expect_str_eq(world_get(world, "/", "")->body, "ok");
    cr_expect_eq(origin_requests(origins[1]), 1);
    world_stop(world);
    for (int i = 0; i < 2; i++)
        unlink(paths[i] + strlen("unix:"));
}

Test(addresses, upstream_may_be_a_name_and_its_last_good_address_is_kept)
{
    struct origin *origin = origin_answering(ANSWER_OK, 0);
    struct name_server *names = name_server_start(NAME_IS_LOCAL);
    struct world *world =
        world_start(WORLD_PROXY "resolver = 127.0.0.1:%u\n" WORLD_BUDGET "default = 20s\n"
                                "[upstream named]\nurl = http://origin.test:%u\n"
                                "[route r]\nmatch = /*\nupstream = named\n",
                    name_server_port(names), origin_port(origin));

    expect_ok(world_address(world, 0));
    cr_expect_gt(name_server_asked(names), 0);
    name_server_turn(names, NAME_IS_UNKNOWN);
    expect_ok(world_address(world, 0));
    world_stop(world);
    name_server_stop(names);
}

/* Nothing was sent where no connection could be made, so the next address does as well. */
Test(addresses, all_addresses_of_a_name_are_tried_within_one_call)
{
    struct origin *origin = origin_answering(ANSWER_OK, 0);
    struct name_server *names = name_server_start(NAME_IS_LAST);
    struct world *world =
        world_start(WORLD_PROXY "resolver = 127.0.0.1:%u\n" WORLD_BUDGET "default = 20s\n"
                                "[upstream named]\nurl = http://origin.test:%u\n"
                                "[route r]\nmatch = /*\nupstream = named\n",
                    name_server_port(names), origin_port(origin));

    expect_ok(world_address(world, 0));
    unsigned before = (unsigned)origin_requests(origin);
    const struct reply *reply =
        world_ask(world, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc");
    cr_expect_eq(reply->status, 200);
    cr_expect_eq(origin_requests(origin), before + 1);
    world_stop(world);
    name_server_stop(names);
}

static struct world *before_name(struct name_server *names, struct origin *origin)
{
    return world_start(WORLD_PROXY "resolver = 127.0.0.1:%u\n" WORLD_BUDGET "default = 20s\n"
                                   "[upstream named]\nurl = http://origin.test:%u\n"
                                   "[route r]\nmatch = /*\nupstream = named\n",
                       name_server_port(names), origin_port(origin));
}

/* Such a question is given up after 4 s. */
Test(addresses, name_server_that_never_answers_for_ipv6_does_not_keep_requests_waiting)
{
    struct name_server *names = name_server_start(NAME_IS_HALF_SILENT);
    struct world *world = before_name(names, origin_answering(ANSWER_OK, 0));

    cr_expect_eq(world_get(world, "/", "X-Request-Timeout-Ms: 1500\r\n")->status, 200);
    cr_expect(LOGS(world, "status=200", ":queued="), "it has waited for the name");
    world_stop(world);
    name_server_stop(names);
}

static int ask_ready(const struct world *world)
{
    struct dialogue *dialogue = dialogue_open(world_admin(world));

    dialogue_send(dialogue, "GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n");
    int status = dialogue_read(dialogue)->status;
    dialogue_close(dialogue);
    return status;
}

/* An unanswered question is asked again after 2 s. */
Test(addresses, proxy_is_not_ready_before_its_name_server_has_answered)
{
    struct name_server *names = name_server_start(NAME_IS_SILENT);
    struct world *world = before_name(names, origin_answering(ANSWER_OK, 0));

    cr_expect_eq(ask_ready(world), 503);
    name_server_turn(names, NAME_IS_LOCAL);
    for (int i = 0; i < 200 && ask_ready(world) != 200; i++)
        usleep(50 * 1000);
    cr_expect_eq(ask_ready(world), 200);
    cr_expect_eq(world_get(world, "/", "X-Request-Timeout-Ms: 1500\r\n")->status, 200);
    world_stop(world);
    name_server_stop(names);
}

Test(addresses, proxy_is_ready_at_once_when_a_name_does_not_exist)
{
    struct name_server *names = name_server_start(NAME_IS_UNKNOWN);
    struct world *world = before_name(names, origin_answering(ANSWER_OK, 0));

    cr_expect_eq(world_get(world, "/", "")->status, 502, "so it has been heard of");
    cr_expect_eq(ask_ready(world), 200);
    world_stop(world);
    name_server_stop(names);
}

/* libevent would say so itself, in a form of its own. */
Test(addresses, a_name_server_that_cannot_be_reached_is_told_in_the_programs_own_words)
{
    struct name_server *names = name_server_start(NAME_IS_LOCAL);
    unsigned port = name_server_port(names);

    name_server_stop(names);
    struct world *world =
        world_start(WORLD_PROXY "resolver = 127.0.0.1:%u\n" WORLD_BUDGET "default = 20s\n"
                                "[upstream named]\nurl = http://origin.test\n"
                                "[route r]\nmatch = /*\nupstream = named\n",
                    port);

    cr_expect_eq(world_get(world, "/", "")->status, 502);
    const char *said = program_stderr(world_program(world));
    cr_expect_not_null(strstr(said, "\nhourglass: Nameserver"), "%s", said);
    cr_expect_null(strstr(said, "\n["), "%s", said);
    world_stop(world);
}

Test(addresses, one_upstream_connection_serves_many_requests)
{
    struct origin *origin = origin_answering(ANSWER_OK, 0);
    struct world *world = world_start(WORLD_PATIENT WORLD_ROUTE, origin_port(origin));

    for (int i = 0; i < 10; i++)
        cr_assert_eq(world_get(world, "/", "")->status, 200);
    cr_expect_eq(origin_connections(origin), 1);
    world_stop(world);
}

Test(addresses, connections_to_an_upstream_stay_within_their_limit)
{
    struct origin *origin = origin_answering(ANSWER_OK, 30);
    struct world *world =
        world_start(WORLD_PATIENT "[upstream narrow]\nurl = http://127.0.0.1:%u\nconnections = 2\n"
                                  "[route r]\nmatch = /*\nupstream = narrow\n",
                    origin_port(origin));
    struct dialogue *dialogues[8];

    for (int i = 0; i < 8; i++) {
        dialogues[i] = world_dial(world);
        dialogue_send(dialogues[i], get);
    }
    for (int i = 0; i < 8; i++)
        cr_expect_eq(dialogue_read(dialogues[i])->status, 200);
    cr_expect_eq(origin_connections(origin), 2);
    world_stop(world);
}

Test(addresses, every_worker_serves)
{
    struct origin *origin = origin_answering(ANSWER_OK, 0);
    struct world *world =
        world_start("[proxy]\nlisten = 127.0.0.1:0\nworkers = 3\nadmin = off\n" WORLD_BUDGET
                    "default = 20s\n" WORLD_ROUTE,
                    origin_port(origin));

    for (int i = 0; i < 40; i++)
        cr_assert_eq(world_get(world, "/", "")->status, 200);
    cr_expect_geq(origin_connections(origin), 2, "each worker has connections of its own");
    world_stop(world);
}
