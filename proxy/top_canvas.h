/* Where `hourglass top` draws: lines that are no longer than the terminal is wide, and no more of them
 * than it has rows. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum top_style { TOP_PLAIN, TOP_HEADING, TOP_ALARM, TOP_FAINT };

struct top_canvas {
    FILE *out;      /* borrowed */
    size_t columns; /* 0: as many as there are */
    size_t rows;    /* left; SIZE_MAX: as many as there are */
    bool is_coloured;
    bool is_screen; /* a terminal's page: what stood behind a line is wiped */
};

/* Are rows that do not say everything better there than rows that are cut? */
bool top_canvas_is_narrow(const struct top_canvas *canvas);

/* Writes a line, without its newline; the text holds visible ASCII and blanks only. Nothing, where no
 * row is left. */
void top_canvas_line(struct top_canvas *canvas, enum top_style style, const char *text);

/* The same, printed. */
void top_canvas_print(struct top_canvas *canvas, enum top_style style, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Milliseconds in at most 7 characters: "0.31 ms", "45 ms", "1.2 s", "12 m"; "-" for NAN. Beyond what
 * is known (INFINITY): ">" and the bound. */
enum { TOP_TIME_ROOM = 16 };
const char *top_time(double ms, double bound, char room[static TOP_TIME_ROOM]);

/* A share in percent: "98%"; "-" for NAN. The same with INFINITY. */
const char *top_share(double share, double bound, char room[static TOP_TIME_ROOM]);
