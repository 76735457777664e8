/* Answers of which much is there as soon as libcurl has sent the request: it reads them in the same
 * go, before it has asked for the socket to be watched. And answers that are held back, whose end it
 * has read when it is told to go on: it does not ask for the socket any more. */
#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "test/support/warp.h"
#include "test/support/world.h"

TestSuite(early_bytes, .timeout = 300);

#define GET "GET / HTTP/1.1\r\nHost: h\r\n\r\n"

enum { LARGE = 150 * 1000, ALPHABET = 26 };

/* Two calls side by side, of which the slower one holds the answer of the other back. */
static struct world *before(struct origin *fast)
{
    struct origin *slow = ORIGIN({.deeds = {READ_ALL, WAIT_MS(80), SEND(ANSWER_OK)}});

    return world_start(WORLD_PATIENT "[upstream slow]\nurl = http://127.0.0.1:%u\n"
                                     "[upstream fast]\nurl = http://127.0.0.1:%u\n"
                                     "[route r]\nmatch = /*\nsteps = one + two\n"
                                     "[call r.one]\nupstream = slow\nrequest = GET /slow\n"
                                     "[call r.two]\nupstream = fast\n",
                       origin_port(slow), origin_port(fast));
}

static void expect_all(const struct reply *reply)
{
    const char *body = reply->body;
    size_t wrong = 0;

    cr_expect_eq(reply->end, REPLY_COMPLETE, "end %d", (int)reply->end);
    cr_assert_eq(reply->message.body_count, LARGE, "%zu bytes", reply->message.body_count);
    for (size_t i = 0; i < LARGE; i++)
        wrong += body[i] != 'a' + (char)(i % (26 * 1024) % ALPHABET);
    cr_expect_eq(wrong, 0, "%zu bytes are not where they belong", wrong);
}

/* Paused before libcurl has asked for the socket, it never does: on a kept connection, which is
 * watched while it is idle, what comes next would be taken for nobody's. */
Test(early_bytes, none_is_lost_when_the_answer_is_held_back)
{
    struct warp_board *board = warp_board_open();
    struct origin *fast =
        ORIGIN({.deeds = {READ_ALL, SEND(ANSWER_OK)}},
               {.deeds = {READ_ALL, SEND("HTTP/1.1 200 OK\r\nContent-Length: 150000\r\n\r\n"),
                          FLOOD(LARGE)}});
    struct world *world = before(fast);

    cr_expect_eq(world_get(world, "/", "")->status, 200);
    atomic_store(&board->send_late_ms, 30);
    expect_all(world_get(world, "/", ""));
    cr_expect_eq(origin_connections(fast), 1);
    world_stop(world);
    warp_board_close(board);
}

#define STRAY "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nstray"
#define LONG_HEAD "HTTP/1.1 200 OK\r\nContent-Length: 70000\r\n\r\n"

/* first: of the upstream's answers, of so many bytes, with another one, "stray", in its wake. */
static void expect_no_stray(const struct script *first, size_t bytes)
{
    const struct script scripts[] = {*first, {.deeds = {READ_ALL, SEND(ANSWER_OK)}}};
    struct warp_board *board = warp_board_open();
    struct origin *fast = origin_start("127.0.0.1", scripts, 2);
    struct world *world = before(fast);

    atomic_store(&board->send_late_ms, 20);
    cr_expect_eq(world_get(world, "/", "")->end, REPLY_COMPLETE);
    origin_await_sent(fast, bytes + strlen(STRAY));
    cr_expect_str_eq(world_get(world, "/", "")->body, "ok");
    world_stop(world);
    warp_board_close(board);
}

/* The end of the answer is what libcurl holds back; what comes behind it nobody has asked for. */
Test(early_bytes, that_follow_an_answer_held_back_meet_no_other_request)
{
    expect_no_stray(&(struct script){.deeds = {READ_ALL, SEND(LONG_HEAD), FLOOD(70000), WAIT_MS(40),
                                               SEND(STRAY)}},
                    strlen(LONG_HEAD) + 70000);
}

Test(early_bytes, that_follow_the_first_answer_on_a_connection_meet_no_other_request)
{
    expect_no_stray(
        &(struct script){.deeds = {READ_ALL, SEND(ANSWER_OK), WAIT_MS(40), SEND(STRAY)}},
        strlen(ANSWER_OK));
}

/* The end of a long answer, which was paused on its way, and the beginning of another request fall into
 * one turn of the loop: that one must not take the connection before it was looked at. */
Test(early_bytes, that_follow_a_resumed_answer_meet_no_request_that_begins_in_the_same_turn)
{
    for (int i = 0; i < 5; i++) {
        struct origin *origin =
            ORIGIN({.deeds = {READ_ALL, WAIT_MS(60), SEND(LONG_HEAD), FLOOD(70000), SEND(STRAY)}},
                   {.deeds = {READ_ALL, SEND(ANSWER_OK)}});
        struct world *world = world_start(WORLD_PATIENT WORLD_ROUTE, origin_port(origin));
        struct dialogue *first = world_dial(world), *second = world_dial(world);
        dialogue_send(first, GET);
        (void)origin_request(origin, 0);
        program_pause(world_program(world));
        usleep(100 * 1000);
        dialogue_send(second, GET);
        program_signal(world_program(world), SIGCONT);
        cr_expect_eq(dialogue_read(first)->end, REPLY_COMPLETE);
        cr_expect_str_eq(dialogue_read(second)->body, "ok");
        cr_expect_eq(origin_connections(origin), 2);
        world_stop(world);
    }
}

/* Two connections to the upstream that can be used again. */
static void warm_two(struct world *world)
{
    struct dialogue *first = world_dial(world), *second = world_dial(world);

    dialogue_send(first, GET);
    dialogue_send(second, GET);
    cr_assert_eq(dialogue_read(first)->status, 200);
    cr_assert_eq(dialogue_read(second)->status, 200);
}

/* More of the upload comes in one turn of the loop with another request, whose sending is late: by
 * then the first bytes of the answer have come, and libcurl reads these and sends those in one go. The
 * upstream says no more: what the client waits for is there. */
Test(early_bytes, that_come_as_more_of_the_upload_goes_up_reach_the_client_at_once)
{
    enum { UPLOAD = 100 };
    static char more[3000];
    struct warp_board *board = warp_board_open();
    struct origin *origin =
        ORIGIN({.deeds = {WAIT_MS(30), SEND(ANSWER_OK)}}, {.deeds = {WAIT_MS(30), SEND(ANSWER_OK)}},
               {.deeds = {READ_BYTES(UPLOAD), WAIT_MS(150),
                          SEND("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"), SILENCE}},
               {.deeds = {SEND(ANSWER_OK)}});
    struct world *world = world_start(WORLD_PATIENT WORLD_ROUTE, origin_port(origin));

    warm_two(world);
    struct dialogue *uploads = world_dial(world), *other = world_dial(world);
    dialogue_send(uploads, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4000000\r\n\r\n");
    memset(more, 'x', sizeof more);
    dialogue_send_bytes(uploads, more, UPLOAD);
    (void)origin_request(origin, 2);
    while (origin_received(origin, 2) < UPLOAD)
        usleep(1000);
    program_pause(world_program(world));
    atomic_store(&board->send_late_ms, 250);
    dialogue_send_bytes(uploads, more, sizeof more);
    dialogue_send(other, GET);
    program_signal(world_program(world), SIGCONT);
    cr_expect(dialogue_awaits(uploads, "hello"));
    cr_expect_eq(dialogue_read(other)->status, 200);
    world_stop(world);
    warp_board_close(board);
}
