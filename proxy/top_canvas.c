#include "proxy/top_canvas.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

enum { LINE_ROOM = 2048, WIDE = 110 };

/* Select Graphic Rendition of ECMA-48. */
static const char *const STYLES[] = {
    [TOP_PLAIN] = "",
    [TOP_HEADING] = "\x1b[1m",
    [TOP_ALARM] = "\x1b[31m",
    [TOP_FAINT] = "\x1b[2m",
};

bool top_canvas_is_narrow(const struct top_canvas *canvas)
{
    return canvas->columns > 0 && canvas->columns < WIDE;
}

void top_canvas_line(struct top_canvas *canvas, enum top_style style, const char *text)
{
    size_t count = strlen(text);
    bool is_styled = canvas->is_coloured && style != TOP_PLAIN;

    if (canvas->rows == 0)
        return;
    canvas->rows--;
    if (canvas->columns > 0 && count > canvas->columns)
        count = canvas->columns;
    while (count > 0 && text[count - 1] == ' ')
        count--;
    fprintf(canvas->out, "%s%.*s%s", is_styled ? STYLES[style] : "", (int)count, text,
            is_styled ? "\x1b[0m" : "");
    if (!canvas->is_screen)
        fputc('\n', canvas->out);
    else /* no newline behind the last row: it would move the page up */
        fputs(canvas->rows > 0 ? "\x1b[K\r\n" : "\x1b[K", canvas->out);
}

void top_canvas_print(struct top_canvas *canvas, enum top_style style, const char *format, ...)
{
    char line[LINE_ROOM];
    va_list values;

    va_start(values, format);
    vsnprintf(line, sizeof line, format, values);
    va_end(values);
    top_canvas_line(canvas, style, line);
}

static void print_time(double ms, const char *before, char room[static TOP_TIME_ROOM])
{
    if (ms < 9.95)
        snprintf(room, TOP_TIME_ROOM, "%s%.2g ms", before, ms);
    else if (ms < 9999.5)
        snprintf(room, TOP_TIME_ROOM, "%s%.0f ms", before, ms);
    else if (ms < 600000)
        snprintf(room, TOP_TIME_ROOM, "%s%.1f s", before, ms / 1000);
    else
        snprintf(room, TOP_TIME_ROOM, "%s%.0f m", before, fmin(ms / 60000, 99999));
}

const char *top_time(double ms, double bound, char room[static TOP_TIME_ROOM])
{
    if (isnan(ms))
        return "-";
    print_time(isinf(ms) ? bound : ms, isinf(ms) ? ">" : "", room);
    return room;
}

const char *top_share(double share, double bound, char room[static TOP_TIME_ROOM])
{
    if (isnan(share))
        return "-";
    snprintf(room, TOP_TIME_ROOM, "%s%.0f%%", isinf(share) ? ">" : "",
             fmin(100 * (isinf(share) ? bound : share), 99999));
    return room;
}
