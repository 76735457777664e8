/* One system call fails, or one allocation, while a set of requests is made: each of them ends all
 * the same, with an answer that is right or with one that is visibly none, nothing is left of it,
 * and the next ones are served.
 *
 * HOURGLASS_FAULTS=all tries each call of the set's life, and not only some; and
 * HOURGLASS_FAULTS=recv:17:ECONNRESET that one fault. */
#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/clock.h"
#include "test/support/dice.h"
#include "test/support/fault.h"
#include "test/support/stage.h"

TestSuite(faults, .timeout = 7200);

/* About how many calls are tried for each error. */
enum { STRIKES = 5 };

/* ---- one fault -------------------------------------------------------------------------------- */

/* Without memory the program may end, but with a sentence. */
static void expect_end(struct stage *stage, const struct fault *fault, bool serves)
{
    char *said;
    int code = stage_end(stage, &said);
    bool is_out_of_memory = fault->call == FAULT_MALLOC && code == -SIGABRT &&
                            strstr(said, "hourglass: out of memory\n") != NULL;

    cr_expect(is_out_of_memory || (serves && code == 0),
              "%s: exit code %d, %s; the program said:\n%s", stage->label, code,
              serves ? "further requests are served" : "further requests are not served", said);
    free(said);
}

/* Is it called before the program says that it is ready? Names are asked for at once. */
static bool is_early(enum fault_call call)
{
    return call == FAULT_RECVFROM || call == FAULT_GETRANDOM;
}

/* Or when nobody waits for it any more? Lines of the log lie in memory for a while. */
static bool is_late(enum fault_call call)
{
    return call == FAULT_WRITEV;
}

/* How many of the set's requests had the answer that they should. */
static int strike(struct fault_board *board, const struct fault *fault)
{
    char text[FAULT_TEXT_ROOM];
    struct stage stage;

    fault_write(fault, text);
    if (is_early(fault->call))
        fault_arm(board, fault);
    stage_start(&stage, text);
    if (!is_early(fault->call))
        fault_arm(board, fault);
    int well = stage_make_requests(&stage);
    if (!is_late(fault->call))
        fault_disarm(board);
    expect_end(&stage, fault, stage_serves(&stage));
    return well;
}

/* ---- many of them ----------------------------------------------------------------------------- */

static long count_calls(struct fault_board *board, enum fault_call call)
{
    const struct fault none = {.call = call};

    (void)strike(board, &none);
    return atomic_load(&board->counts[call]);
}

/* Some of the calls, at equal distances from one that differs from run to run, or all of them. */
static void sweep_error(struct fault_board *board, struct fault fault, long calls)
{
    const char *wanted = getenv("HOURGLASS_FAULTS");
    bool is_all = wanted != NULL && strcmp(wanted, "all") == 0;
    long step = is_all || calls < STRIKES ? 1 : calls / STRIKES;
    struct dice dice = {.state = (uint64_t)clock_now().ns};

    fault.at = 1 + dice_to(&dice, step - 1);
    for (; fault.at <= calls; fault.at += step)
        (void)strike(board, &fault);
}

static void sweep(enum fault_call call, const int *errors, size_t count)
{
    const char *wanted = getenv("HOURGLASS_FAULTS");
    struct fault_board *board = fault_board_open();
    struct fault fault;

    if (wanted != NULL && fault_read(wanted, &fault)) {
        if (fault.call == call)
            (void)strike(board, &fault);
    } else {
        long calls = count_calls(board, call);
        cr_expect_gt(calls, 0, "it is not called at all");
        for (size_t i = 0; i < count; i++)
            sweep_error(board, (struct fault){.call = call, .error = errors[i]}, calls);
    }
    fault_board_close(board);
}
#define SWEEP(call, ...) \
    sweep(call, (const int[]){__VA_ARGS__}, sizeof((const int[]){__VA_ARGS__}) / sizeof(int))

Test(faults, without_any_all_is_answered_as_it_should_be)
{
    struct fault_board *board = fault_board_open();
    const struct fault none = {.call = FAULT_RECV};

    cr_expect_eq(strike(board, &none), STAGE_ANSWERS);
    fault_board_close(board);
}

Test(faults, of_accept4)
{
    SWEEP(FAULT_ACCEPT, EMFILE, ENOBUFS, ECONNABORTED, EAGAIN, EINTR);
}

Test(faults, of_socket)
{
    SWEEP(FAULT_SOCKET, EMFILE, ENOBUFS, ENOMEM);
}

Test(faults, of_connect)
{
    SWEEP(FAULT_CONNECT, ECONNREFUSED, EADDRNOTAVAIL, ENETUNREACH);
}

Test(faults, of_send)
{
    SWEEP(FAULT_SEND, FAULT_SHORT, EAGAIN, EINTR, ECONNRESET, EPIPE, ENOBUFS);
}

Test(faults, of_sendmsg)
{
    SWEEP(FAULT_SENDMSG, FAULT_SHORT, EAGAIN, EINTR, ECONNRESET, EPIPE, ENOBUFS);
}

Test(faults, of_recv)
{
    SWEEP(FAULT_RECV, FAULT_SHORT, EAGAIN, EINTR, ECONNRESET, ENOMEM);
}

Test(faults, of_recvfrom)
{
    SWEEP(FAULT_RECVFROM, EAGAIN, EINTR, ECONNREFUSED);
}

Test(faults, of_epoll_ctl)
{
    SWEEP(FAULT_EPOLL_ADD, ENOMEM, ENOSPC);
}

Test(faults, of_epoll_wait)
{
    SWEEP(FAULT_EPOLL_WAIT, EINTR);
}

Test(faults, of_writev)
{
    SWEEP(FAULT_WRITEV, FAULT_SHORT, EAGAIN, EINTR, ENOSPC);
}

Test(faults, of_getrandom)
{
    SWEEP(FAULT_GETRANDOM, EINTR);
}

Test(faults, of_malloc)
{
    SWEEP(FAULT_MALLOC, ENOMEM);
}
