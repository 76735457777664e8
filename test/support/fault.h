/* A fault of one system call, or of one allocation, in the program under test. The program is started
 * with fault_shim.so before its libraries; that and the test share a board in memory. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>

#include "budget/checked.h"

enum fault_call {
    FAULT_ACCEPT, /* accept4 */
    FAULT_SOCKET,
    FAULT_CONNECT,
    FAULT_SEND,     /* libcurl's, and to the name server */
    FAULT_SENDMSG,  /* to clients */
    FAULT_RECV,     /* from clients, and libcurl's */
    FAULT_RECVFROM, /* from the name server */
    FAULT_EPOLL_ADD,
    FAULT_EPOLL_WAIT,
    FAULT_WRITEV, /* of the log */
    FAULT_MALLOC, /* and calloc, realloc */
    FAULT_GETRANDOM,
    FAULT_CALLS,
};

/* In place of an errno: no error, but one byte only. */
enum { FAULT_SHORT = -1 };

/* Lock-free, since two processes use it. */
struct fault_board {
    atomic_bool is_counting;
    atomic_int call; /* the enum fault_call that fails */
    atomic_int error;
    atomic_long at; /* which of its calls, from 1; 0: none */
    atomic_long counts[FAULT_CALLS];
    atomic_bool has_struck;
};

struct fault {
    enum fault_call call;
    int error;
    long at;
};

/* The board of all programs that this process starts from here on. Fails the test when it cannot be
 * made. */
struct fault_board *fault_board_open(void);
void fault_board_close(struct fault_board *board);

/* Forgets all counts, and counts from here on, to strike once. */
void fault_arm(struct fault_board *board, const struct fault *fault);
void fault_disarm(struct fault_board *board);

/* "recv:17:ECONNRESET", both ways. False: not such a text. */
enum { FAULT_TEXT_ROOM = 48 };
void fault_write(const struct fault *fault, char text[FAULT_TEXT_ROOM]);
CHECKED bool fault_read(const char *text, struct fault *ret_fault);
