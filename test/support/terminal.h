/* The program under test on a terminal of its own, with what it draws there. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "budget/checked.h"

struct terminal;

/* Starts HOURGLASS_PROGRAM with these arguments (NULL ends them) on a pseudoterminal of 120 columns and
 * 40 rows. It dies with the test. */
struct terminal *terminal_start(const char *const *arguments);

/* Waits 10 s for text among what it draws from now on: what was drawn before counts no more. */
CHECKED bool terminal_shows(struct terminal *terminal, const char *text);

/* All it has drawn so far, escape sequences included. Owned by terminal, until asked again. */
const char *terminal_text(struct terminal *terminal);

void terminal_type(struct terminal *terminal, const char *keys);
void terminal_resize(struct terminal *terminal, unsigned short columns, unsigned short rows);
pid_t terminal_pid(const struct terminal *terminal);

/* Are keys shown as they are typed, as a terminal does by itself? */
bool terminal_echoes(const struct terminal *terminal);

/* Waits 10 s until it is stopped, as by SIGSTOP. */
CHECKED bool terminal_stops(struct terminal *terminal);

/* Waits 10 s for its end. The exit code; -N when signal N ended it. */
int terminal_exit_code(struct terminal *terminal);

/* Kills it when it still runs, and frees. */
void terminal_destroy(struct terminal *terminal);
