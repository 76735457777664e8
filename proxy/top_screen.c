#include "proxy/top_screen.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

/* xterm's private modes, which terminals of today know: 1049 another page, 25 the cursor. */
static const char ENTER[] = "\x1b[?1049h\x1b[?25l\x1b[2J";
static const char LEAVE[] = "\x1b[?25h\x1b[?1049l";

static const int SIGNALS[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGWINCH};
enum { SIGNALS_COUNT = sizeof SIGNALS / sizeof SIGNALS[0] };

static struct {
    bool is_open;
    struct termios before; /* how the terminal was */
    sigset_t unblocked;    /* the signals that were blocked before */
    volatile sig_atomic_t ending;
    volatile sig_atomic_t stops;
} screen;

static void on_signal(int number)
{
    if (number == SIGTSTP)
        screen.stops = 1;
    else if (number != SIGWINCH)
        screen.ending = number;
}

/* What cannot be written is for nobody: then the terminal has gone, and so has its reader. */
static void put(const char *bytes, size_t count)
{
    while (count > 0) {
        ssize_t written = write(STDOUT_FILENO, bytes, count);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return;
        bytes += written;
        count -= (size_t)written;
    }
}

/* Keys come at once, and are not shown. */
static void enter(void)
{
    struct termios raw = screen.before;

    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    (void)tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
    put(ENTER, strlen(ENTER));
}

static void leave(void)
{
    put(LEAVE, strlen(LEAVE));
    (void)tcsetattr(STDIN_FILENO, TCSADRAIN, &screen.before);
}

bool top_screen_open(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigset_t all;

    if (!isatty(STDOUT_FILENO) || tcgetattr(STDIN_FILENO, &screen.before) != 0)
        return false;
    sigemptyset(&all);
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < SIGNALS_COUNT; i++) {
        sigaddset(&all, SIGNALS[i]);
        sigaction(SIGNALS[i], &action, NULL);
    }
    sigprocmask(SIG_BLOCK, &all, &screen.unblocked);
    screen.is_open = true;
    enter();
    return true;
}

void top_screen_close(void)
{
    if (!screen.is_open)
        return;
    screen.is_open = false;
    leave();
}

struct top_size top_screen_size(void)
{
    struct winsize size;

    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0)
        return (struct top_size){.columns = 80, .rows = 24};
    return (struct top_size){.columns = size.ws_col, .rows = size.ws_row};
}

void top_screen_show(const char *bytes, size_t count)
{
    put("\x1b[H", 3);
    put(bytes, count);
    put("\x1b[J", 3);
}

static enum top_event read_key(void)
{
    char key;
    ssize_t count = read(STDIN_FILENO, &key, 1);

    if (count < 0 && errno == EINTR)
        return TOP_KEY;
    return count <= 0 || key == 'q' || key == 'Q' ? TOP_QUIT : TOP_KEY;
}

/* It goes on when it is continued. */
static void stop(void)
{
    screen.stops = 0;
    leave();
    raise(SIGSTOP);
    enter();
}

enum top_event top_screen_wait(struct span longest)
{
    struct pollfd keys = {.fd = STDIN_FILENO, .events = POLLIN};
    struct timespec wait = {.tv_sec = (time_t)(longest.ns / NS_PER_S),
                            .tv_nsec = (long)(longest.ns % NS_PER_S)};
    int ready = ppoll(&keys, 1, &wait, &screen.unblocked);

    if (screen.ending)
        return TOP_END;
    if (screen.stops)
        stop();
    if (ready > 0)
        return read_key();
    return ready == 0 ? TOP_TICK : TOP_KEY;
}

bool top_screen_is_disturbed(void)
{
    struct pollfd keys = {.fd = STDIN_FILENO, .events = POLLIN};
    sigset_t pending;

    if (!screen.is_open)
        return false;
    sigpending(&pending);
    for (size_t i = 0; i < SIGNALS_COUNT; i++) {
        if (SIGNALS[i] != SIGWINCH && sigismember(&pending, SIGNALS[i]) == 1)
            return true;
    }
    return poll(&keys, 1, 0) > 0;
}

void top_screen_die(void)
{
    struct sigaction standard = {.sa_handler = SIG_DFL};

    sigaction(screen.ending, &standard, NULL);
    raise(screen.ending);
    sigprocmask(SIG_SETMASK, &screen.unblocked, NULL);
}
