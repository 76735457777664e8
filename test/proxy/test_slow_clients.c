/* Clients that do not take what they are sent. They have until their budget ends; then they see that
 * it was not all, and neither the program nor an upstream pays for it. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "test/support/address.h"
#include "test/support/world.h"

TestSuite(slow_clients, .timeout = 300);

/* Bodies from those that the kernel takes whole to those that do not fit into the proxy's queue for
 * a client either, wherever the kernel's own limit is. */
enum { SIZES = 12, SIZE_LEAST = 100000, SIZE_STEP = 50000 };

static char spare[ADDRESS_ROOM];

/* On a unix socket, where the kernel's buffer does not grow; `proxy` and `budget` are keys. */
static struct world *before(struct origin *origin, const char *proxy, const char *budget)
{
    address_spare(spare);
    return world_start("[proxy]\nlisten = %s\nadmin = off\nworkers = 1\n%s" WORLD_BUDGET "%s"
                       "[upstream b]\nurl = http://127.0.0.1:%u\n"
                       "[call r.b]\nupstream = b\nbudget = 800ms\n"
                       "[route r]\nmatch = GET /body/*\nsteps = b\n",
                       spare, proxy, budget, origin_port(origin));
}

/* Answers the n-th request with the n-th size. */
static struct origin *origin_of_sizes(void)
{
    static char heads[SIZES][64];
    struct script scripts[SIZES];

    for (size_t i = 0; i < SIZES; i++) {
        size_t size = SIZE_LEAST + i * SIZE_STEP;
        snprintf(heads[i], sizeof(heads[i]), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n",
                 size);
        scripts[i] = (struct script){.deeds = {SEND(heads[i]), FLOOD(size)}};
    }
    return origin_start("127.0.0.1", scripts, SIZES);
}

static void ask_for_each_size(struct world *world, struct origin *origin,
                              struct dialogue *dialogues[SIZES])
{
    for (size_t i = 0; i < SIZES; i++) {
        dialogues[i] = world_dial(world);
        dialogue_send(dialogues[i], "GET /body/ HTTP/1.1\r\nHost: h\r\n\r\n");
        (void)origin_request(origin, i);
    }
}

/* What fits into the kernel has arrived whole, and nothing that did not passes for whole. */
static void expect_cuts(struct dialogue *const dialogues[SIZES])
{
    size_t cut = 0;

    for (size_t i = 0; i < SIZES; i++) {
        const struct reply *reply = dialogue_read(dialogues[i]);
        size_t size = SIZE_LEAST + i * SIZE_STEP;

        cr_expect_eq(reply->status, 200);
        cr_expect(reply->end == REPLY_COMPLETE || reply->end == REPLY_TRUNCATED, "%zu bytes: %d",
                  size, (int)reply->end);
        if (reply->end == REPLY_COMPLETE)
            cr_expect_eq(reply->message.body_count, size);
        cut += reply->end == REPLY_TRUNCATED;
    }
    cr_expect_gt(cut, 0);
}

Test(slow_clients, end_of_a_complete_answer_that_is_not_taken_is_cut_at_the_deadline)
{
    struct dialogue *dialogues[SIZES];
    struct origin *origin = origin_of_sizes();
    struct world *world = before(origin, "", "default = 1200ms\n");

    ask_for_each_size(world, origin, dialogues);
    cr_expect(LOGS(world, "status=200", "outcome=cut", "b:ok:"), "none was complete");
    usleep(1300 * 1000);
    expect_cuts(dialogues);
    cr_expect_null(strstr(program_stderr(world_program(world)), "b:timeout"),
                   "the upstream is blamed");
    world_stop(world);
}

Test(slow_clients, end_of_a_complete_answer_that_is_not_taken_is_cut_at_the_end_of_drain)
{
    struct dialogue *dialogues[SIZES];
    struct origin *origin = origin_of_sizes();
    struct world *world = before(origin, "drain = 150ms\n", "default = 20s\n");

    ask_for_each_size(world, origin, dialogues);
    usleep(100 * 1000);
    program_signal(world_program(world), SIGTERM);
    cr_expect_eq(program_exit_code(world_program(world), span_s(20)), 0);
    cr_expect(LOGS(world, "status=200", "outcome=cut", "b:ok:"), "none was complete");
    expect_cuts(dialogues);
    world_stopped(world);
}

/* Answers of the proxy's own, many of them, to requests whose client never reads. */
Test(slow_clients, refusals_that_nobody_reads_end_with_their_budget)
{
    static const char *const requests[] = {"GET /nowhere HTTP/1.1\r\nHost: h\r\n\r\n",
                                           "DELETE /body/ HTTP/1.1\r\nHost: h\r\n\r\n"};
    static const int statuses[] = {404, 405};
    static char pipeline[4 * 1024 * 1024];
    struct world *world = before(origin_answering(ANSWER_OK, 0), "", "default = 200ms\n");

    for (size_t i = 0; i < 2; i++) {
        struct dialogue *dialogue = world_dial(world);
        const struct reply *reply;
        size_t count = strlen(requests[i]);

        for (size_t at = 0; at + count <= sizeof(pipeline); at += count)
            memcpy(pipeline + at, requests[i], count);
        cr_expect_lt(dialogue_send_some(dialogue, pipeline, sizeof(pipeline)), sizeof(pipeline),
                     "all were taken");
        cr_expect(LOGS(world, "outcome=cut", i == 0 ? "status=404" : "status=405"));
        do {
            reply = dialogue_read(dialogue);
            cr_assert(reply->status == statuses[i] || reply->status == 0, "%d", reply->status);
        } while (reply->end == REPLY_COMPLETE);
        cr_expect_neq(reply->end, REPLY_LATE, "the connection stays open");
        cr_expect_neq(reply->end, REPLY_INVALID);
        cr_expect_eq(world_get(world, "/body/", "")->status, 200, "others are served");
    }
    world_stop(world);
}

enum { LARGE = 3 * 1000 * 1000 };

static struct origin *origin_of_much(void)
{
    return ORIGIN(
        {.deeds = {SEND("HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n"), FLOOD(LARGE)}});
}

/* The grant of the call is over long before the client reads; the upstream had not been able to send
 * all of it. */
Test(slow_clients, answer_may_be_read_until_the_budget_ends)
{
    struct world *world = before(origin_of_much(), "", "default = 20s\n");
    struct dialogue *dialogue = world_dial(world);

    dialogue_send(dialogue, "GET /body/ HTTP/1.1\r\nHost: h\r\n\r\n");
    usleep(1000 * 1000);
    const struct reply *reply = dialogue_read(dialogue);
    cr_expect_eq(reply->end, REPLY_COMPLETE, "%d", (int)reply->end);
    cr_expect_eq(reply->message.body_count, LARGE);
    cr_expect(LOGS(world, "status=200", "outcome=ok", "b:ok:"));
    world_stop(world);
}

Test(slow_clients, upstream_is_not_blamed_for_a_client_that_reads_nothing_to_the_end)
{
    struct origin *origin = origin_of_much();
    struct world *world = before(origin, "", "default = 1200ms\n");
    struct dialogue *dialogue = world_dial(world);

    dialogue_send(dialogue, "GET /body/ HTTP/1.1\r\nHost: h\r\n\r\n");
    (void)origin_ended(origin, 0);
    const struct reply *reply = dialogue_read(dialogue);
    cr_expect_eq(reply->end, REPLY_TRUNCATED);
    cr_expect_geq(reply->took.ns, span_ms(1170).ns);
    cr_expect(LOGS(world, "status=200", "outcome=cut", "termination=BT", "whose=default", "b:"));
    cr_expect_null(strstr(program_stderr(world_program(world)), "b:timeout"), "%s",
                   program_stderr(world_program(world)));
    world_stop(world);
}
