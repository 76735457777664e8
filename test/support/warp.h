/* Time that goes wrong for the program under test, and for the libraries in it: its event loops wake
 * late, its wall clock is set while it runs. The program is started with warp_shim.so before its
 * libraries; that and the test share a board in memory. */
#pragma once

#include <stdatomic.h>

/* Lock-free, since two processes use it. All zeros: time goes right. */
struct warp_board {
    atomic_int late_ms;       /* how late epoll_wait returns */
    atomic_int late_each;     /* only each so-manieth time; 0 and 1: always */
    atomic_int send_late_ms;  /* how late send returns: libcurl's, to an upstream */
    atomic_int close_late_ms; /* how late the next close of a connection returns */
    atomic_llong step_s;      /* how far the wall clock is off; it may be negative */
    atomic_llong late;        /* how often epoll_wait was late */
    atomic_llong asked;       /* how often the wall clock was */
};

/* The board of all programs that this process starts from here on. Fails the test when it cannot be
 * made. */
struct warp_board *warp_board_open(void);
void warp_board_close(struct warp_board *board);
