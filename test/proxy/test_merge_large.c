/* Pages of megabytes: whole, for those who read slowly too, and visibly cut when time is up. And
 * what calls of such a page may know of each other. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "test/support/world.h"

TestSuite(merge_large, .timeout = 600);

enum { KIB = 1024, MIB = 1024 * KIB, PARTS_MAX = 16 };

/* Answers with one JSON string, of so many bytes with its quotes. */
static struct origin *long_string(size_t count)
{
    static char head[100]; /* of one length in a test */

    snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n\"", count);
    return ORIGIN({.deeds = {SEND(head), FLOOD(count - 2), SEND("\"")}});
}

/* A page of so many calls p0, p1, ... side by side. */
static struct world *page_of(size_t parts, struct origin *origin)
{
    char steps[200] = "steps = p0";
    char calls[PARTS_MAX * 120] = "";

    for (size_t i = 0; i < parts; i++) {
        char part[120];
        snprintf(part, sizeof(part), " + p%zu", i);
        if (i > 0)
            strcat(steps, part);
        snprintf(part, sizeof(part), "[call page.p%zu]\nupstream = u\nrequest = GET /%zu\n", i, i);
        strcat(calls, part);
    }
    return world_start(WORLD_PATIENT "[upstream u]\nurl = http://127.0.0.1:%u\n[route page]\n"
                                     "match = /*\nanswer = merge\n%s\n%s",
                       origin_port(origin), steps, calls);
}

static void expect_parts(const struct reply *reply, size_t parts, size_t count)
{
    const char *at = reply->body;
    size_t length = strlen("{}") + parts - 1 + parts * (strlen("\"p0\":") + count);

    cr_assert_eq(reply->status, 200);
    cr_assert_eq(reply->end, REPLY_COMPLETE);
    cr_assert_eq(reply->message.body_count, length);
    cr_expect_eq(strtoul(reply_header(reply, "Content-Length"), NULL, 10), length);
    for (size_t i = 0; i < parts; i++) {
        char name[40];
        snprintf(name, sizeof(name), "%c\"p%zu\":\"", i == 0 ? '{' : ',', i);
        cr_assert_eq(strncmp(at, name, strlen(name)), 0, "part %zu begins with %.9s", i, at);
        at += strlen(name) - 1 + count;
        cr_assert_eq(at[-1], '"', "part %zu", i);
        cr_assert_eq(memchr(at - count + 1, '"', count - 1), at - 1, "part %zu", i);
    }
    cr_expect_str_eq(at, "}");
}

Test(merge_large, five_parts_of_100_kib_come_whole)
{
    struct world *world = page_of(5, long_string(100 * KIB));

    for (int i = 0; i < 5; i++)
        expect_parts(world_get(world, "/", ""), 5, 100 * KIB);
    world_stop(world);
}

Test(merge_large, five_parts_of_300_kib_come_whole)
{
    struct world *world = page_of(5, long_string(300 * KIB));

    for (int i = 0; i < 3; i++)
        expect_parts(world_get(world, "/", ""), 5, 300 * KIB);
    world_stop(world);
}

Test(merge_large, parts_of_just_one_mib_come_whole)
{
    struct world *world = page_of(2, long_string(MIB));

    expect_parts(world_get(world, "/", ""), 2, MIB);
    world_stop(world);
}

Test(merge_large, part_of_one_byte_more_fails)
{
    struct world *world = page_of(2, long_string(MIB + 1));
    const struct reply *reply = world_get(world, "/", "");

    cr_expect_eq(reply->status, 502);
    cr_expect(LOGS(world, "status=502", "too_large"));
    world_stop(world);
}

/* The parts are held once as they came and once as one text, and not a third time for the client;
 * the sanitizer of a test's build keeps what was freed for a while. */
Test(merge_large, slow_reader_gets_all_and_costs_no_more_memory_than_the_parts)
{
    struct world *world = page_of(8, long_string(MIB));
    struct dialogue *dialogue;
    size_t idle;

    cr_assert_eq(world_get(world, "/", "")->status, 200);
    idle = world_memory(world);
    dialogue = world_dial(world);
    dialogue_send(dialogue, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    cr_assert(dialogue_awaits(dialogue, "HTTP/1.1 200"));
    usleep(300000);
    cr_expect_lt(world_memory(world), idle + 24 * MIB, "%zu more", world_memory(world) - idle);
    expect_parts(dialogue_read(dialogue), 8, MIB);
    world_stop(world);
}

Test(merge_large, page_that_is_not_taken_in_time_is_visibly_cut)
{
    struct world *world = page_of(PARTS_MAX, long_string(MIB));
    struct dialogue *dialogue = world_dial(world);

    dialogue_send(dialogue, "GET / HTTP/1.1\r\nHost: h\r\nX-Request-Timeout-Ms: 3000\r\n\r\n");
    cr_assert(dialogue_awaits(dialogue, "HTTP/1.1 200"));
    cr_expect(LOGS(world, "status=200", "outcome=cut"));
    const struct reply *reply = dialogue_read(dialogue);
    cr_expect_eq(reply->status, 200);
    cr_expect(reply->end == REPLY_TRUNCATED || reply->end == REPLY_RESET, "%d", reply->end);
    cr_expect_lt(reply->message.body_count, (size_t)PARTS_MAX * MIB);
    world_stop(world);
}

Test(merge_large, client_that_leaves_a_page_half_read_leaves_nothing_behind)
{
    struct world *world = page_of(PARTS_MAX, long_string(MIB));

    for (int i = 0; i < 3; i++) {
        struct dialogue *dialogue = world_dial(world);
        dialogue_send(dialogue, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
        cr_assert(dialogue_awaits(dialogue, "HTTP/1.1 200"));
        dialogue_reset(dialogue);
    }
    cr_expect(LOGS(world, "status=499"));
    world_stop(world);
}

/* ---- steps of a page -------------------------------------------------------------------------- */

/* What is read by a template is embedded as well. */
Test(merge_large, later_part_may_be_made_of_an_earlier_one)
{
    struct origin *user =
        origin_answering("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n{\"id\":7}", 0);
    struct origin *rows = origin_answering("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n[1]", 0);
    struct world *world = world_start(
        WORLD_PATIENT "[upstream user]\nurl = http://127.0.0.1:%u\n"
                      "[upstream rows]\nurl = http://127.0.0.1:%u\n"
                      "[route p]\nmatch = /p\nanswer = merge\nsteps = user, rows + more\n"
                      "[call p.user]\nupstream = user\nrequest = GET /u\n"
                      "[call p.rows]\nupstream = rows\nrequest = GET /rows/{user.body/id}\n"
                      "[call p.more]\nupstream = rows\nrequest = GET /more/{user.body/nope}\n"
                      "optional = yes\n",
        origin_port(user), origin_port(rows));
    const struct reply *reply = world_get(world, "/p", "");

    cr_expect_eq(reply->status, 200);
    cr_expect_str_eq(reply->body,
                     "{\"user\":{\"id\":7},\"rows\":[1],\"more\":null,\"_partial\":[\"more\"]}");
    cr_expect_str_eq(reply_header(reply, "X-Budget-Partial"), "more");
    cr_expect_str_eq(origin_request(rows, 0)->message.start, "GET /rows/7 HTTP/1.1");
    cr_expect_eq(origin_requests(rows), 1);
    world_stop(world);
}

Test(merge_large, part_that_failed_once_and_is_tried_again_is_no_gap)
{
    struct origin *flaky =
        ORIGIN({.deeds = {SEND("HTTP/1.1 503 No\r\nContent-Length: 1\r\n\r\n0")}},
               {.deeds = {SEND("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1")}});
    struct world *world =
        world_start(WORLD_PATIENT "[upstream flaky]\nurl = http://127.0.0.1:%u\n"
                                  "[route p]\nmatch = /p\nanswer = merge\nsteps = it\n"
                                  "[call p.it]\nupstream = flaky\nrequest = GET /\nretries = 1\n"
                                  "optional = yes\n",
                    origin_port(flaky));
    const struct reply *reply = world_get(world, "/p", "");

    cr_expect_str_eq(reply->body, "{\"it\":1}");
    cr_expect_str_eq(reply_header(reply, "X-Budget-Partial"), "");
    world_stop(world);
}

/* Who may not know the calls by name is not told them in a header either, nor in the page beyond
 * its members, which are named as they are. */
Test(merge_large, stranger_is_told_how_many_parts_are_missing)
{
    struct origin *broken = ORIGIN({.deeds = {READ_ALL, CLOSE}});
    struct world *world =
        world_start(WORLD_PROXY "trust = 10.9.8.7/32\n" WORLD_BUDGET
                                "default = 20s\n[upstream u]\nurl = http://127.0.0.1:%u\n"
                                "[route p]\nmatch = /p\nanswer = merge\nsteps = a\n"
                                "[call p.a]\nupstream = u\nrequest = GET /\noptional = yes\n",
                    origin_port(broken));
    const struct reply *reply = world_get(world, "/p", "");

    cr_expect_str_eq(reply->body, "{\"a\":null,\"_partial\":[\"a\"]}");
    cr_expect_str_eq(reply_header(reply, "X-Budget-Partial"), "1");
    world_stop(world);
}

Test(merge_large, a_page_that_grows_leaves_the_thread_to_others_too)
{
    enum { LONG = 60 * MIB };
    struct origin *page = long_string(LONG);
    struct origin *plain = origin_answering(ANSWER_OK, 0);
    struct world *world = world_start(
        WORLD_PATIENT "[upstream u]\nurl = http://127.0.0.1:%u\n[upstream v]\n"
                      "url = http://127.0.0.1:%u\n[route page]\nmatch = /page\nanswer = merge\n"
                      "steps = p\n[call page.p]\nupstream = u\nrequest = GET /\nmax-body = 64MiB\n"
                      "[route plain]\nmatch = /plain\nupstream = v\n",
        origin_port(page), origin_port(plain));
    struct dialogue *reader = world_dial(world);

    dialogue_send(reader, "GET /page HTTP/1.1\r\nHost: h\r\n\r\n");
    (void)origin_request(page, 0);
    cr_expect_eq(world_get(world, "/plain", "")->status, 200);
    cr_expect_lt(origin_sent(page), (size_t)LONG, "the page was read to its end first");
    cr_expect_eq(dialogue_read(reader)->status, 200);
    world_stop(world);
}
