/* A run of the program under test as a child process, with what it writes. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "budget/checked.h"
#include "budget/span.h"

/* What a test calls the program under test: its messages begin with that, and not with a path whose
 * words depend on where the project lies. */
#define PROGRAM_CALLED "hourglass"

struct program;

/* Starts HOURGLASS_PROGRAM with these arguments (NULL ends them). It dies with the test. */
struct program *program_start(const char *const *arguments);

/* The same with its stderr there (borrowed), which is then not to be looked at here; or, when that
 * is negative, with stdin, stdout and stderr closed. */
struct program *program_start_bare(const char *const *arguments, int stderr_fd);

/* From now on programs are started after this function was called in their process. It may do only
 * what is allowed between fork and exec. NULL: no more. */
void program_confine(void (*confine)(void));

/* All it has written so far. Owned by program, until asked again. */
const char *program_stderr(struct program *program);
const char *program_stdout(struct program *program);

/* Waits 15 s for text on its stderr. */
CHECKED bool program_says(struct program *program, const char *text);

pid_t program_pid(const struct program *program);
void program_signal(const struct program *program, int signal);

/* Stops it by SIGSTOP: all its threads, once this returns. SIGCONT has it go on. */
void program_pause(const struct program *program);

/* Waits for its end. The exit code; -N when signal N ended it. Fails the test when it does not end
 * within patience. May be asked again. */
int program_exit_code(struct program *program, struct span patience);

/* Kills it when it still runs, and frees. NULL is fine. */
void program_destroy(struct program *program);
