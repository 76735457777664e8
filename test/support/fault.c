#include "test/support/fault.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "test/support/board.h"

static const char *const calls[FAULT_CALLS] = {
    [FAULT_ACCEPT] = "accept4",        [FAULT_SOCKET] = "socket",
    [FAULT_CONNECT] = "connect",       [FAULT_SEND] = "send",
    [FAULT_SENDMSG] = "sendmsg",       [FAULT_RECV] = "recv",
    [FAULT_RECVFROM] = "recvfrom",     [FAULT_EPOLL_ADD] = "epoll_add",
    [FAULT_EPOLL_WAIT] = "epoll_wait", [FAULT_WRITEV] = "writev",
    [FAULT_MALLOC] = "malloc",         [FAULT_GETRANDOM] = "getrandom",
};

static const struct {
    int error;
    const char *name;
} errors[] = {
    {FAULT_SHORT, "SHORT"},
#define ERROR(name) \
    {               \
        name, #name \
    }
    ERROR(EAGAIN),          ERROR(EINTR),         ERROR(ECONNRESET),  ERROR(ECONNABORTED),
    ERROR(ECONNREFUSED),    ERROR(EADDRNOTAVAIL), ERROR(ENETUNREACH), ERROR(EPIPE),
    ERROR(EMFILE),          ERROR(ENFILE),        ERROR(ENOBUFS),     ERROR(ENOMEM),
    ERROR(ENOSPC),
#undef ERROR
};
enum { ERRORS = sizeof(errors) / sizeof(*errors) };

struct fault_board *fault_board_open(void)
{
    struct fault_board *board = board_open(HOURGLASS_FAULT_SHIM, sizeof(*board));

    cr_assert_not_null(board);
    return board;
}

void fault_board_close(struct fault_board *board)
{
    board_close(board, sizeof(*board));
}

void fault_arm(struct fault_board *board, const struct fault *fault)
{
    atomic_store(&board->is_counting, false);
    for (int i = 0; i < FAULT_CALLS; i++)
        atomic_store(&board->counts[i], 0);
    atomic_store(&board->has_struck, false);
    atomic_store(&board->call, (int)fault->call);
    atomic_store(&board->error, fault->error);
    atomic_store(&board->at, fault->at);
    atomic_store(&board->is_counting, true);
}

void fault_disarm(struct fault_board *board)
{
    atomic_store(&board->is_counting, false);
}

void fault_write(const struct fault *fault, char text[FAULT_TEXT_ROOM])
{
    const char *error = "?";

    for (int i = 0; i < ERRORS; i++)
        error = errors[i].error == fault->error ? errors[i].name : error;
    snprintf(text, FAULT_TEXT_ROOM, "%s:%ld:%s", calls[fault->call], fault->at, error);
}

bool fault_read(const char *text, struct fault *ret_fault)
{
    char call[16], error[16];
    bool is_known = false;

    *ret_fault = (struct fault){.call = FAULT_CALLS};
    if (sscanf(text, "%15[^:]:%ld:%15s", call, &ret_fault->at, error) != 3)
        return false;
    for (int i = 0; i < FAULT_CALLS; i++) {
        if (strcmp(call, calls[i]) == 0)
            ret_fault->call = (enum fault_call)i;
    }
    for (int i = 0; i < ERRORS; i++) {
        if (strcmp(error, errors[i].name) == 0) {
            ret_fault->error = errors[i].error;
            is_known = true;
        }
    }
    return is_known && ret_fault->call != FAULT_CALLS;
}
