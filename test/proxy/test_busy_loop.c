/* Replies that are made in a turn of the event loop with much else to do. Most may wait until that is
 * done; one may not that has to be on its way soon. */
#include <criterion/criterion.h>
#include <signal.h>
#include <unistd.h>

#include "test/support/warp.h"
#include "test/support/world.h"

TestSuite(busy_loop, .timeout = 300);

#define REQUEST(path) "GET " path " HTTP/1.1\r\nHost: h\r\n\r\n"
#define JSON_OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"

enum { BUSY_MS = 1500 };

/* Half of the budget is kept for the way to the client, so that none of the rest may be lost. */
static struct world *before(const char *answer, struct origin *origin, struct origin *other)
{
    return world_start(WORLD_PROXY "[budget]\nlocal = 10ms\ndefault = 20s\nreply = 10s\n"
                                   "[upstream u]\nurl = http://127.0.0.1:%u\n"
                                   "[upstream other]\nurl = http://127.0.0.1:%u\n"
                                   "[route soon]\nmatch = /soon\nsteps = a\nanswer = %s\n"
                                   "[call soon.a]\nupstream = u\n"
                                   "[route other]\nmatch = /other\nupstream = other\n",
                       origin_port(origin), origin_port(other), answer);
}

/* While the process is stopped, another request comes, and then the answer for the first one. To make
 * the call of the other, on a connection that is there already, keeps the loop busy for BUSY_MS. */
static void expect_sent_before_the_loop_is_busy(const char *answer)
{
    struct warp_board *board = warp_board_open();
    struct origin *origin = ORIGIN({.deeds = {WAIT_MS(100), SEND(JSON_OK)}});
    struct world *world = before(answer, origin, origin_answering(JSON_OK, 0));
    struct dialogue *soon = world_dial(world), *other = world_dial(world);

    dialogue_send(other, REQUEST("/other"));
    cr_assert_eq(dialogue_read(other)->status, 200);
    dialogue_send(soon, REQUEST("/soon"));
    (void)origin_request(origin, 0);
    program_pause(world_program(world));
    atomic_store(&board->send_late_ms, BUSY_MS);
    dialogue_send(other, REQUEST("/other"));
    origin_await_sent(origin, strlen(JSON_OK));
    usleep(200 * 1000);
    program_signal(world_program(world), SIGCONT);
    const struct reply *reply = dialogue_read(soon);
    cr_expect_eq(reply->status, 200);
    cr_expect_lt(reply->took.ns, span_ms(BUSY_MS).ns);
    cr_expect_geq(dialogue_read(other)->took.ns, span_ms(BUSY_MS).ns, "the loop was not busy");
    world_stop(world);
    warp_board_close(board);
}

Test(busy_loop, an_answer_that_must_be_on_its_way_soon_does_not_wait)
{
    expect_sent_before_the_loop_is_busy("a");
}

Test(busy_loop, a_merge_that_must_be_on_its_way_soon_does_not_wait)
{
    expect_sent_before_the_loop_is_busy("merge");
}
