#include "test/support/terminal.h"

#include <criterion/criterion.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "test/support/program.h"

enum { PATIENCE_MS = 10000, STEP_MS = 20, ARGUMENTS_MAX = 15, TEXT_MAX = 1 << 20 };

struct terminal {
    pid_t pid;
    int fd;
    size_t count;
    size_t seen; /* where terminal_shows begins */
    int status;
    bool has_ended;
    char text[TEXT_MAX + 1];
};

static _Noreturn void run(const char *const *arguments)
{
    char *copies[ARGUMENTS_MAX + 2] = {strdup(PROGRAM_CALLED)};

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (size_t i = 0; i < ARGUMENTS_MAX && arguments[i] != NULL; i++)
        copies[i + 1] = strdup(arguments[i]);
    execv(HOURGLASS_PROGRAM, copies);
    _exit(127);
}

struct terminal *terminal_start(const char *const *arguments)
{
    struct terminal *terminal = calloc(1, sizeof(*terminal));
    struct winsize size = {.ws_col = 120, .ws_row = 40};

    cr_assert_not_null(terminal);
    terminal->pid = forkpty(&terminal->fd, NULL, NULL, &size);
    if (terminal->pid == 0)
        run(arguments);
    cr_assert_gt(terminal->pid, 0);
    return terminal;
}

/* Takes what has been drawn, after a short wait for some. Where the program has gone, so has its side
 * of the terminal. */
static void take(struct terminal *terminal, int wait_ms)
{
    struct pollfd drawn = {.fd = terminal->fd, .events = POLLIN};

    if (poll(&drawn, 1, wait_ms) <= 0)
        return;
    ssize_t count =
        read(terminal->fd, terminal->text + terminal->count, TEXT_MAX - terminal->count);
    if (count > 0)
        terminal->count += (size_t)count;
    else
        usleep(1000);
    terminal->text[terminal->count] = '\0';
}

bool terminal_shows(struct terminal *terminal, const char *text)
{
    for (int waited_ms = 0; waited_ms < PATIENCE_MS; waited_ms += STEP_MS) {
        const char *found = strstr(terminal->text + terminal->seen, text);
        if (found != NULL) {
            terminal->seen = (size_t)(found - terminal->text) + strlen(text);
            return true;
        }
        take(terminal, STEP_MS);
    }
    return false;
}

const char *terminal_text(struct terminal *terminal)
{
    return terminal->text;
}

void terminal_type(struct terminal *terminal, const char *keys)
{
    cr_assert_eq(write(terminal->fd, keys, strlen(keys)), (ssize_t)strlen(keys));
}

void terminal_resize(struct terminal *terminal, unsigned short columns, unsigned short rows)
{
    struct winsize size = {.ws_col = columns, .ws_row = rows};

    terminal->seen = terminal->count;
    cr_assert_eq(ioctl(terminal->fd, TIOCSWINSZ, &size), 0);
}

pid_t terminal_pid(const struct terminal *terminal)
{
    return terminal->pid;
}

bool terminal_echoes(const struct terminal *terminal)
{
    struct termios state;

    cr_assert_eq(tcgetattr(terminal->fd, &state), 0);
    return (state.c_lflag & ECHO) != 0 && (state.c_lflag & ICANON) != 0;
}

bool terminal_stops(struct terminal *terminal)
{
    siginfo_t info = {.si_pid = 0};

    for (int waited_ms = 0; waited_ms < PATIENCE_MS && info.si_pid == 0; waited_ms += STEP_MS) {
        take(terminal, STEP_MS);
        cr_assert_eq(waitid(P_PID, (id_t)terminal->pid, &info, WSTOPPED | WNOHANG | WNOWAIT), 0);
    }
    return info.si_pid != 0;
}

int terminal_exit_code(struct terminal *terminal)
{
    for (int waited_ms = 0; waited_ms < PATIENCE_MS && !terminal->has_ended; waited_ms += STEP_MS) {
        take(terminal, STEP_MS);
        terminal->has_ended = waitpid(terminal->pid, &terminal->status, WNOHANG) == terminal->pid;
    }
    cr_assert(terminal->has_ended, "it goes on:\n%s", terminal->text);
    for (size_t before = terminal->count + 1; before != terminal->count;) {
        before = terminal->count;
        take(terminal, STEP_MS);
    }
    return WIFEXITED(terminal->status) ? WEXITSTATUS(terminal->status)
                                       : -WTERMSIG(terminal->status);
}

void terminal_destroy(struct terminal *terminal)
{
    if (!terminal->has_ended) {
        kill(terminal->pid, SIGKILL);
        waitpid(terminal->pid, &terminal->status, 0);
    }
    close(terminal->fd);
    free(terminal);
}
