/* The terminal of `hourglass top`: a page of its own that covers what was there, and gives it back. One
 * for the process, since signals are the process's. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "budget/checked.h"
#include "budget/span.h"

enum top_event {
    TOP_TICK, /* the time is over */
    TOP_KEY,  /* some key was pressed, or the page may have to be drawn anew for another reason */
    TOP_QUIT, /* q was pressed, or the terminal has gone */
    TOP_END,  /* a signal that ends the program has come: see top_screen_die */
};

struct top_size {
    size_t columns;
    size_t rows;
};

/* False: stdin or stdout is no terminal. From here on signals wait for top_screen_wait. */
CHECKED bool top_screen_open(void);

/* The terminal is as it was. Also when it was not opened. */
void top_screen_close(void);

/* Its size now; 80 x 24 where it does not say. */
struct top_size top_screen_size(void);

/* Covers the page with these bytes. */
void top_screen_show(const char *bytes, size_t count);

/* Waits for a key or a signal, no longer than this. Stops the program for Ctrl-Z, with the terminal
 * as it was. */
enum top_event top_screen_wait(struct span longest);

/* Is there something for top_screen_wait already? */
bool top_screen_is_disturbed(void);

/* Ends the program as the signal that came would have. Closed before. */
void top_screen_die(void);
