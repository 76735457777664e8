#include "proxy/top_worst.h"

#include <string.h>

/* How wide what has no width of its own may be. */
struct widths {
    int route;
    int why;
    int id; /* more is not cut here */
};

/* The time of day of "2026-11-22T14:11:50.123Z". */
static const char *time_of_day(const char *time)
{
    return strlen(time) >= 19 ? time + 11 : "";
}

/* "client infeasible:db": whose time it was, if the reason does not say that, and what was the matter
 * with which call. */
static void write_why(const struct top_request *request, char *why, size_t room)
{
    const char *what = *request->reason ? request->reason : request->outcome;
    const char *whose = strcmp(request->whose, what) == 0 ? "" : request->whose;

    snprintf(why, room, "%s%s%s%s%s", whose, *whose ? " " : "", what, *request->call ? ":" : "",
             request->call);
}

static void draw_request(const struct top_request *request, const struct widths *widths,
                         struct top_canvas *canvas)
{
    char took[TOP_TIME_ROOM];
    char budget[TOP_TIME_ROOM];
    char why[256];
    bool is_known = *request->call || *request->reason;

    write_why(request, why, sizeof why);
    top_canvas_print(canvas, is_known ? TOP_ALARM : TOP_PLAIN,
                     "%-8.8s %-*.*s %3.0f %-2.2s %7s %7s %-*.*s %-*s %s %s",
                     time_of_day(request->time), widths->route, widths->route, request->route,
                     request->status, request->termination, top_time(request->elapsed_ms, 0, took),
                     top_time(request->budget_ms, 0, budget), widths->why, widths->why, why,
                     widths->id, request->id, request->method, request->path);
}

void top_worst_draw(const struct top_requests *worst, struct top_canvas *canvas)
{
    static const struct widths narrow = {.route = 13, .why = 21, .id = 12};
    static const struct widths wide = {.route = 20, .why = 30, .id = 32};
    const struct widths *widths = top_canvas_is_narrow(canvas) ? &narrow : &wide;

    top_canvas_line(canvas, TOP_PLAIN, "");
    top_canvas_print(canvas, TOP_HEADING, "%-8s %-*s %3s %-2s %7s %7s %-*s %-*s %s", "WORST",
                     widths->route, "ROUTE", "", "", "TOOK", "BUDGET", widths->why, "WHOSE, WHY",
                     widths->id, "ID", "REQUEST");
    for (size_t i = 0; i < worst->count; i++)
        draw_request(&worst->list[i], widths, canvas);
}
