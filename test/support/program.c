#include "test/support/program.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ARGUMENTS_MAX = 15 };

/* A file in memory that the child writes and the test reads. */
struct stream {
    int fd;
    char *text; /* owned */
};

struct program {
    pid_t pid;
    int given_err; /* borrowed; where its stderr goes, if not into err; -1: none is open */
    bool is_bare;
    bool has_ended;
    int exit_code;
    struct stream out;
    struct stream err;
};

static void (*confine_child)(void);

static void run(const struct program *program, char *const *arguments)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(program->out.fd, STDOUT_FILENO);
    dup2(program->is_bare ? program->given_err : program->err.fd, STDERR_FILENO);
    close_range(program->is_bare && program->given_err < 0 ? 0 : STDERR_FILENO + 1, ~0U, 0);
    if (confine_child != NULL)
        confine_child();
    execv(HOURGLASS_PROGRAM, arguments);
    _exit(127);
}

void program_confine(void (*confine)(void))
{
    confine_child = confine;
}

/* The libraries are not instrumented: what they read after it was freed goes unseen unless it has
 * been overwritten. */
static void overwrite_what_is_freed(void)
{
    static char options[1024];
    const char *given = getenv("ASAN_OPTIONS");

    if (options[0] != '\0')
        return;
    snprintf(options, sizeof(options), "%s:max_free_fill_size=65536:free_fill_byte=221",
             given == NULL ? "" : given);
    setenv("ASAN_OPTIONS", options, 1);
}

static struct program *start(struct program *program, const char *const *arguments)
{
    char *copies[ARGUMENTS_MAX + 2] = {strdup(PROGRAM_CALLED)};

    for (size_t i = 0; i < ARGUMENTS_MAX && arguments[i] != NULL; i++)
        copies[i + 1] = strdup(arguments[i]);
    overwrite_what_is_freed();
    program->out.fd = memfd_create("stdout", MFD_CLOEXEC);
    program->err.fd = memfd_create("stderr", MFD_CLOEXEC);
    program->pid = fork();
    if (program->pid == 0)
        run(program, copies);
    cr_assert_gt(program->pid, 0);
    for (size_t i = 0; i < ARGUMENTS_MAX + 2; i++)
        free(copies[i]);
    return program;
}

struct program *program_start(const char *const *arguments)
{
    struct program *program = calloc(1, sizeof(*program));

    cr_assert_not_null(program);
    return start(program, arguments);
}

struct program *program_start_bare(const char *const *arguments, int stderr_fd)
{
    struct program *program = calloc(1, sizeof(*program));

    cr_assert_not_null(program);
    program->is_bare = true;
    program->given_err = stderr_fd;
    return start(program, arguments);
}

static const char *stream_text(struct stream *stream)
{
    struct stat status;

    free(stream->text);
    stream->text = NULL;
    cr_assert_eq(fstat(stream->fd, &status), 0);
    stream->text = calloc(1, (size_t)status.st_size + 1);
    cr_assert_geq(pread(stream->fd, stream->text, (size_t)status.st_size, 0), 0);
    return stream->text;
}

const char *program_stderr(struct program *program)
{
    return stream_text(&program->err);
}

const char *program_stdout(struct program *program)
{
    return stream_text(&program->out);
}

static bool has_ended(struct program *program)
{
    int status;

    if (!program->has_ended && waitpid(program->pid, &status, WNOHANG) == program->pid) {
        program->has_ended = true;
        program->exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    }
    return program->has_ended;
}

bool program_says(struct program *program, const char *text)
{
    for (int i = 0; i < 7500; i++) {
        bool is_over = has_ended(program);
        if (strstr(program_stderr(program), text) != NULL)
            return true;
        if (is_over)
            return false;
        usleep(2000);
    }
    return false;
}

pid_t program_pid(const struct program *program)
{
    return program->pid;
}

void program_signal(const struct program *program, int signal)
{
    if (!program->has_ended)
        kill(program->pid, signal);
}

void program_pause(const struct program *program)
{
    siginfo_t state;

    program_signal(program, SIGSTOP);
    int failed = waitid(P_PID, (id_t)program->pid, &state, WSTOPPED | WNOWAIT);
    cr_assert(!failed);
}

int program_exit_code(struct program *program, struct span patience)
{
    for (int64_t i = span_floor_ms(patience); i > 0 && !has_ended(program); i--)
        usleep(1000);
    cr_assert(has_ended(program), "the program did not end; it said:\n%s", program_stderr(program));
    return program->exit_code;
}

static void stream_finish(struct stream *stream)
{
    close(stream->fd);
    free(stream->text);
}

void program_destroy(struct program *program)
{
    if (program == NULL)
        return;
    if (!has_ended(program)) {
        kill(program->pid, SIGKILL);
        waitpid(program->pid, NULL, 0);
    }
    stream_finish(&program->out);
    stream_finish(&program->err);
    free(program);
}
