#include "test/support/fault.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

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

/* A loaded library with sanitizers insists on being the first of all; it works behind the shim too. */
static void prepare_environment(const char *path)
{
    const char *given = getenv("ASAN_OPTIONS");
    char options[1024];

    snprintf(options, sizeof(options), "%s:verify_asan_link_order=0", given == NULL ? "" : given);
    setenv("ASAN_OPTIONS", options, 1);
    setenv("LD_PRELOAD", HOURGLASS_FAULT_SHIM, 1);
    setenv(FAULT_BOARD, path, 1);
}

struct fault_board *fault_board_open(void)
{
    static char path[] = "/tmp/hourglass-fault-XXXXXX";
    int fd = mkstemp(path);
    void *shared;

    cr_assert_geq(fd, 0);
    cr_assert_eq(ftruncate(fd, sizeof(struct fault_board)), 0);
    shared = mmap(NULL, sizeof(struct fault_board), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    cr_assert_neq(shared, MAP_FAILED);
    prepare_environment(path);
    return shared;
}

void fault_board_close(struct fault_board *board)
{
    munmap(board, sizeof(*board));
    unlink(getenv(FAULT_BOARD));
    unsetenv(FAULT_BOARD);
    unsetenv("LD_PRELOAD");
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
