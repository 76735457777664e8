/* Stands before the C library in the program under test (LD_PRELOAD), and lets time go wrong as the
 * board says. Only CLOCK_MONOTONIC is left alone: the kernel never sets it. */
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "test/support/board.h"
#include "test/support/next.h"
#include "test/support/warp.h"

static struct warp_board *board; /* NULL: time goes right */

__attribute__((constructor)) static void find_board(void)
{
    board = board_find(sizeof(*board));
}

/* ---- loops that wake late --------------------------------------------------------------------- */

static void be_late(int late_ms)
{
    struct timespec wait = {.tv_sec = late_ms / 1000, .tv_nsec = late_ms % 1000 * 1000000L};

    atomic_fetch_add(&board->late, 1);
    nanosleep(&wait, NULL);
}

int epoll_wait(int epoll_fd, struct epoll_event *events, int most, int timeout_ms)
{
    NEXT(epoll_wait);
    static atomic_int turns;
    int count = next.call(epoll_fd, events, most, timeout_ms);

    if (board == NULL || atomic_load(&board->late_ms) == 0)
        return count;
    int each = atomic_load(&board->late_each);
    if (each < 2 || atomic_fetch_add(&turns, 1) % each == 0)
        be_late(atomic_load(&board->late_ms));
    return count;
}

/* ---- what is sent has been answered when that returns ------------------------------------------ */

ssize_t send(int fd, const void *bytes, size_t count, int flags)
{
    NEXT(send);
    ssize_t sent = next.call(fd, bytes, count, flags);

    if (board != NULL && atomic_load(&board->send_late_ms) > 0)
        be_late(atomic_load(&board->send_late_ms));
    return sent;
}

/* ---- what was said before a connection was closed has been heard when that returns -------------- */

static bool is_connection(int fd)
{
    struct sockaddr_in peer;
    socklen_t length = sizeof(peer);

    return getpeername(fd, (struct sockaddr *)&peer, &length) == 0 && peer.sin_family == AF_INET;
}

int close(int fd)
{
    NEXT(close);
    bool is_watched = board != NULL && is_connection(fd);
    int failed = next.call(fd);
    int late_ms = is_watched ? atomic_exchange(&board->close_late_ms, 0) : 0;

    if (late_ms > 0)
        be_late(late_ms);
    return failed;
}

/* ---- the wall clock --------------------------------------------------------------------------- */

static time_t step(void)
{
    if (board == NULL)
        return 0;
    atomic_fetch_add(&board->asked, 1);
    return (time_t)atomic_load(&board->step_s);
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    NEXT(clock_gettime);
    int failed = next.call(clock, now);

    if (!failed && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        now->tv_sec += step();
    return failed;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    NEXT(gettimeofday);
    int failed = next.call(now, zone);

    if (!failed)
        now->tv_sec += step();
    return failed;
}

time_t time(time_t *now)
{
    NEXT(time);
    time_t seconds = next.call(NULL) + step();

    if (now != NULL)
        *now = seconds;
    return seconds;
}
