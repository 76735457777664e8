#include "proxy/top_view.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/memory.h"
#include "proxy/top_spread.h"
#include "proxy/top_worst.h"

enum {
    NAME_WIDTH = 20, /* so that a row fits into 80 columns, but for what went wrong */
    NOTES_ROOM = 512,
    NOTES_INDENT = 4,
    LATE_MS = 20, /* the most that reply = auto keeps back: what is later may cost a 504 its time */
    WORST_ROWS =
        8, /* kept free for the worst requests, in a terminal with more rows than twice that */
};

/* A route, and what came between the samples. */
struct line {
    const struct top_route *now;
    const struct top_route *before;
    double count;   /* of its requests */
    double elapsed; /* ms that these took, all together */
};

/* ---- counting --------------------------------------------------------------------------------- */

static double added(double now, double before)
{
    return fmax(now - before, 0);
}

static double seconds_of(const struct top_view *view)
{
    return fmax(view->now->time_ms - view->before->time_ms, 1) / 1000;
}

/* All counters begin anew then: nothing has happened between the two looks. */
static bool has_restarted(const struct top_view *view)
{
    return view->now->uptime_ms < view->before->uptime_ms;
}

/* One that was not there before is taken for one with which nothing has happened. So is all after a
 * restart. */
static const struct top_route *route_before(const struct top_view *view, size_t i)
{
    const struct top_route *now = &view->now->routes[i];

    if (i >= view->before->routes_count || has_restarted(view))
        return now;
    const struct top_route *before = &view->before->routes[i];
    bool is_same = strcmp(before->name, now->name) == 0 && before->calls_count == now->calls_count;
    return is_same ? before : now;
}

static int compare_lines(const void *a, const void *b)
{
    const struct line *one = a;
    const struct line *other = b;

    if (one->count != other->count)
        return one->count < other->count ? 1 : -1;
    return one->now < other->now ? -1 : 1;
}

/* The busiest first. Owned by the caller. */
static struct line *lines_of(const struct top_view *view)
{
    struct line *lines = memory_take_clear(view->now->routes_count + 1, sizeof *lines);

    for (size_t i = 0; i < view->now->routes_count; i++) {
        struct line *line = &lines[i];
        *line = (struct line){.now = &view->now->routes[i], .before = route_before(view, i)};
        for (size_t ending = 0; ending < ENDINGS; ending++)
            line->count += added(line->now->requests[ending], line->before->requests[ending]);
        line->elapsed = top_spread_of(&line->now->elapsed, &line->before->elapsed).sum;
    }
    qsort(lines, view->now->routes_count, sizeof *lines, compare_lines);
    return lines;
}

/* ---- cells ------------------------------------------------------------------------------------ */

struct cells {
    char rooms[6][TOP_TIME_ROOM];
    const char *p50;
    const char *p99;
    const char *given;
    const char *used_p50;
    const char *used_p99;
};

static void fill_times(struct cells *cells, struct top_spread took, struct top_spread given)
{
    cells->p50 = top_time(took.p50, took.bound, cells->rooms[0]);
    cells->p99 = top_time(took.p99, took.bound, cells->rooms[1]);
    cells->given = top_time(given.mean, given.bound, cells->rooms[2]);
}

/* " timeout 3": only what there is any of. */
static void note(char notes[static NOTES_ROOM], const char *kind, const char *name, double count)
{
    size_t used = strlen(notes);

    if (count > 0)
        snprintf(notes + used, NOTES_ROOM - used, "%s%s%s %.0f", used > 0 ? "  " : "", kind, name,
                 count);
}

static const char *share_of(double part, double all, char room[static TOP_TIME_ROOM])
{
    return top_share(all > 0 ? part / all : (double)NAN, 0, room);
}

/* How many bytes of the notes fit into so many columns: all, or those before two blanks. One note that
 * does not fit by itself is for the window to cut. */
static size_t notes_fitting(const char *notes, size_t columns)
{
    size_t count = strlen(notes);

    if (count <= columns)
        return count;
    for (size_t i = columns; i > 0; i--) {
        if (strncmp(notes + i, "  ", 2) == 0)
            return i;
    }
    return count;
}

/* Under their row, where it has no room for them. */
static void draw_notes(struct top_canvas *canvas, enum top_style style, const char *notes)
{
    size_t columns = canvas->columns > NOTES_INDENT ? canvas->columns - NOTES_INDENT : 0;

    while (*notes) {
        size_t count = notes_fitting(notes, columns);
        top_canvas_print(canvas, style, "%*s%.*s", NOTES_INDENT, "", (int)count, notes);
        notes += count + strspn(notes + count, " ");
    }
}

static void draw_row(struct top_canvas *canvas, enum top_style style, const char *head,
                     const struct cells *cells, const char *notes)
{
    bool is_narrow = top_canvas_is_narrow(canvas);

    top_canvas_print(canvas, style, "%s %8s %8s %8s %5s %5s  %s", head, cells->p50, cells->p99,
                     cells->given, cells->used_p50, cells->used_p99, is_narrow ? "" : notes);
    if (is_narrow)
        draw_notes(canvas, style, notes);
}

/* ---- routes and their calls ------------------------------------------------------------------- */

static void note_route(const struct line *line, char notes[static NOTES_ROOM])
{
    for (size_t reason = REASON_ARRIVAL; reason < REASONS; reason++)
        note(notes, "504:", reason_name((enum reason)reason),
             added(line->now->timeouts[reason], line->before->timeouts[reason]));
    for (size_t whose = WHOSE_CALL; whose < WHOSES; whose++)
        note(notes, "whose:", whose_name((enum whose)whose),
             added(line->now->timeouts_whose[whose], line->before->timeouts_whose[whose]));
    for (size_t reason = REASON_ARRIVAL; reason < REASONS; reason++)
        note(notes, "would:", reason_name((enum reason)reason),
             added(line->now->would_time_out[reason], line->before->would_time_out[reason]));
    for (size_t ending = 0; ending < ENDINGS; ending++) {
        if (ending != ENDING_OK && ending != ENDING_TIMEOUT)
            note(notes, "", ending_name((enum ending)ending),
                 added(line->now->requests[ending], line->before->requests[ending]));
    }
}

static void draw_route(const struct line *line, double seconds, struct top_canvas *canvas)
{
    const struct top_route *now = line->now;
    const struct top_route *before = line->before;
    struct top_spread used = top_spread_of(&now->used_ratio, &before->used_ratio);
    double well = added(now->requests[ENDING_OK], before->requests[ENDING_OK]);
    char head[128];
    char notes[NOTES_ROOM] = "";
    char room[TOP_TIME_ROOM];
    struct cells cells;

    struct top_spread budget = top_spread_of(&now->budget, &before->budget);
    fill_times(&cells,
               top_spread_within(top_spread_of(&now->elapsed, &before->elapsed), budget, used),
               budget);
    cells.used_p50 = top_share(used.p50, used.bound, cells.rooms[3]);
    cells.used_p99 = top_share(used.p99, used.bound, cells.rooms[4]);
    note_route(line, notes);
    snprintf(head, sizeof head, "%-*.*s %7.1f %6.0f %5s", NAME_WIDTH, NAME_WIDTH, now->name,
             line->count / seconds, now->in_flight, share_of(well, line->count, room));
    bool is_late = now->requests[ENDING_TIMEOUT] > before->requests[ENDING_TIMEOUT];
    draw_row(canvas, is_late ? TOP_ALARM : TOP_PLAIN, head, &cells, notes);
}

/* "+50ms:41%": of the calls that were cut, so many at the least were answered within so much more.
 * Nothing, where no answer was late, or nobody read it: then that is not known of any. */
static void note_soon(const struct top_call *now, const struct top_call *before,
                      char notes[static NOTES_ROOM])
{
    static const enum call_outcome cuts[] = {CALL_TIMEOUT, CALL_DNS_TIMEOUT, CALL_CONNECT_TIMEOUT};
    struct top_spread late = top_spread_of(&now->late, &before->late);
    size_t used = strlen(notes);
    double cut = 0;

    for (size_t i = 0; i < sizeof cuts / sizeof cuts[0]; i++)
        cut += added(now->outcomes[cuts[i]], before->outcomes[cuts[i]]);
    if (cut > 0 && late.count > 0)
        snprintf(notes + used, NOTES_ROOM - used, "  +%dms:%.0f%%", TOP_MORE_MS,
                 floor(100 * fmin(late.soon, cut) / cut));
}

/* Of those that were begun. Its share is that of the time of its route's requests, which is exact. */
static void draw_call(const struct line *line, size_t call, double seconds,
                      struct top_canvas *canvas)
{
    const struct top_call *now = &line->now->calls[call];
    const struct top_call *before = &line->before->calls[call];
    struct top_spread used = top_spread_of(&now->used, &before->used);
    struct top_spread granted = top_spread_of(&now->granted, &before->granted);
    double well = added(now->outcomes[CALL_OK], before->outcomes[CALL_OK]);
    double count = 0;
    char head[128];
    char notes[NOTES_ROOM] = "";
    char room[TOP_TIME_ROOM];
    struct cells cells = {.used_p99 = ""};

    for (size_t outcome = 0; outcome < OUTCOMES; outcome++) {
        double more = added(now->outcomes[outcome], before->outcomes[outcome]);
        count += more;
        if (outcome != CALL_OK)
            note(notes, "", call_outcome_name((enum call_outcome)outcome), more);
    }
    fill_times(&cells, top_spread_within(used, granted, (struct top_spread){.p50 = 1, .p99 = 1}),
               granted);
    cells.used_p50 = share_of(used.sum, line->elapsed, cells.rooms[3]);
    note_soon(now, before, notes);
    snprintf(head, sizeof head, "  %-*.*s %7.1f %6s %5s", NAME_WIDTH - 2, NAME_WIDTH - 2, now->name,
             count / seconds, "", share_of(well, count, room));
    draw_row(canvas, TOP_FAINT, head, &cells, notes);
}

/* Requests that no route took, if there were any: they have neither a budget nor calls. */
static void draw_unrouted(const struct top_view *view, double seconds, struct top_canvas *canvas)
{
    static const struct cells cells = {{""}, "-", "-", "-", "-", "-"};
    char notes[NOTES_ROOM] = "";
    char head[128];
    double count = 0;

    for (size_t ending = 0; ending < ENDINGS && !has_restarted(view); ending++) {
        double more = added(view->now->unrouted[ending], view->before->unrouted[ending]);
        note(notes, "", ending_name((enum ending)ending), more);
        count += more;
    }
    if (!(count > 0))
        return;
    snprintf(head, sizeof head, "%-*s %7.1f %6s %5s", NAME_WIDTH, "(none)", count / seconds, "",
             "-");
    draw_row(canvas, TOP_PLAIN, head, &cells, notes);
}

static void draw_routes(const struct top_view *view, struct top_canvas *canvas)
{
    struct line *lines = lines_of(view);
    double seconds = seconds_of(view);

    top_canvas_print(canvas, TOP_HEADING, "%-*s %7s %6s %5s %8s %8s %8s %5s %5s  %s", NAME_WIDTH,
                     "ROUTE, ITS CALLS", "PER S", "FLIGHT", "OK", "P50", "P99", "GIVEN", "USED",
                     "P99", top_canvas_is_narrow(canvas) ? "" : "NOT OK");
    for (size_t i = 0; i < view->now->routes_count && canvas->rows > 0; i++) {
        const struct line *line = &lines[i];
        draw_route(line, seconds, canvas);
        for (size_t call = 0; call < line->now->calls_count && line->count > 0; call++)
            draw_call(line, call, seconds, canvas);
    }
    draw_unrouted(view, seconds, canvas);
    free(lines);
}

/* ---- around them ------------------------------------------------------------------------------ */

static double mib(double bytes)
{
    return bytes / (1024 * 1024);
}

/* What has been lost, and how late the proxy itself was at most. */
static void draw_faults(const struct top_view *view, struct top_canvas *canvas)
{
    const struct top_sample *now = view->now;
    const struct top_sample *before = has_restarted(view) ? now : view->before;
    struct top_spread loop = top_spread_of(&now->loop_lag, &before->loop_lag);
    struct top_spread cut = top_spread_of(&now->deadline_lateness, &before->deadline_lateness);
    bool is_late = loop.most > LATE_MS || cut.most > LATE_MS;
    char rooms[2][TOP_TIME_ROOM];

    top_canvas_print(canvas, is_late || now->log_lines_dropped > 0 ? TOP_ALARM : TOP_PLAIN,
                     "log lines dropped %.0f   the proxy late by at most: loop %s, cuts %s",
                     now->log_lines_dropped, top_time(loop.most, loop.bound, rooms[0]),
                     top_time(cut.most, cut.bound, rooms[1]));
}

static void draw_head(const struct top_view *view, struct top_canvas *canvas)
{
    const struct top_sample *now = view->now;
    char room[TOP_TIME_ROOM];

    top_canvas_print(canvas, TOP_HEADING, "hourglass %s at %s, up %s, workers %.0f", now->version,
                     view->address, top_time(now->uptime_ms, 0, room), now->workers);
    top_canvas_print(canvas, TOP_PLAIN,
                     "in flight %.0f   connections %.0f of %.0f   memory %.1f of %.0f MiB",
                     now->in_flight, now->connections, now->max_connections, mib(now->memory_bytes),
                     mib(now->memory_max_bytes));
    draw_faults(view, canvas);
    if (view->fault)
        top_canvas_print(canvas, TOP_ALARM, "%s", view->fault);
    top_canvas_line(canvas, TOP_PLAIN, "");
}

static void draw_upstreams(const struct top_sample *now, struct top_canvas *canvas)
{
    top_canvas_line(canvas, TOP_PLAIN, "");
    top_canvas_print(canvas, TOP_HEADING, "%-*s %9s %7s %7s %8s %7s", NAME_WIDTH, "UPSTREAM",
                     "IN FLIGHT", "OF", "QUEUED", "RETRIES", "HEDGES");
    for (size_t i = 0; i < now->upstreams_count; i++) {
        const struct top_upstream *upstream = &now->upstreams[i];
        top_canvas_print(canvas, upstream->queued > 0 ? TOP_ALARM : TOP_PLAIN,
                         "%-*.*s %9.0f %7.0f %7.0f %8.0f %7.0f", NAME_WIDTH, NAME_WIDTH,
                         upstream->name, upstream->in_flight, upstream->connections,
                         upstream->queued, upstream->retries, upstream->hedges);
    }
}

/* Routes and upstreams leave the worst requests their rows, where there are not enough for all. */
void top_view_draw(const struct top_view *view, struct top_canvas *canvas)
{
    bool is_short = canvas->rows != SIZE_MAX && canvas->rows > 2 * WORST_ROWS;
    size_t wanted = view->worst->count < WORST_ROWS ? view->worst->count : WORST_ROWS;
    size_t kept = is_short ? wanted + 2 : 0;

    canvas->rows -= kept;
    draw_head(view, canvas);
    draw_routes(view, canvas);
    draw_upstreams(view->now, canvas);
    canvas->rows += kept;
    top_worst_draw(view->worst, canvas);
}
