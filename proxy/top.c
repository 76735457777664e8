#include "proxy/top.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "proxy/clock.h"
#include "proxy/curl_loop.h"
#include "proxy/memory.h"
#include "proxy/top_fetch.h"
#include "proxy/top_screen.h"
#include "proxy/top_view.h"

static const char ROUTES[] = "/routes";
static const char WORST[] = "/requests?worst=1&limit=20";

struct top {
    const struct top_options *options; /* borrowed */
    struct top_fetch *fetch;           /* owned */
    struct top_sample before;          /* owned */
    struct top_sample now;             /* owned */
    struct top_requests worst;         /* owned */
    char fault[600];                   /* why the last look failed; empty: it did not */
};

/* ---- looking ---------------------------------------------------------------------------------- */

static bool fail(struct top *top, const char *why, const char *target)
{
    snprintf(top->fault, sizeof top->fault, "%s%s", why, target);
    return false;
}

static bool look_at_routes(struct top *top, struct top_sample *sample)
{
    struct text body;

    if (!top_fetch_get(top->fetch, ROUTES, &body))
        return fail(top, top_fetch_fault(top->fetch), "");
    if (!top_sample_read(sample, body))
        return fail(top, "the admin listener answers what is no list of routes to ", ROUTES);
    return true;
}

static bool look_at_worst(struct top *top, struct top_requests *worst)
{
    struct text body;

    if (!top_fetch_get(top->fetch, WORST, &body))
        return fail(top, top_fetch_fault(top->fetch), "");
    if (!top_requests_read(worst, body))
        return fail(top, "the admin listener answers what is no list of requests to ", WORST);
    return true;
}

/* What was now becomes before. False: all is as it was, and fault says why. */
static bool look(struct top *top)
{
    struct top_sample sample;
    struct top_requests worst;

    if (!look_at_routes(top, &sample))
        return false;
    if (!look_at_worst(top, &worst)) {
        top_sample_finish(&sample);
        return false;
    }
    top_sample_finish(&top->before);
    top_requests_finish(&top->worst);
    top->before = top->now;
    top->now = sample;
    top->worst = worst;
    top->fault[0] = '\0';
    return true;
}

/* ---- showing ---------------------------------------------------------------------------------- */

static bool is_colour_wanted(void)
{
    const char *refused = getenv("NO_COLOR"); /* https://no-color.org */

    return isatty(STDOUT_FILENO) && !(refused && *refused);
}

/* Before there were two looks, nothing has happened. */
static void draw(const struct top *top, struct top_canvas *canvas)
{
    const struct top_view view = {
        .before = top->before.routes ? &top->before : &top->now,
        .now = &top->now,
        .worst = &top->worst,
        .address = top->options->address->text,
        .fault = top->fault[0] ? top->fault : NULL,
    };

    top_view_draw(&view, canvas);
}

static void show(const struct top *top)
{
    struct top_size size = top_screen_size();
    char *bytes;
    size_t count;
    FILE *out = open_memstream(&bytes, &count);
    struct top_canvas canvas = {
        .out = out,
        .columns = size.columns,
        .rows = size.rows,
        .is_coloured = is_colour_wanted(),
        .is_screen = true,
    };

    if (!out)
        memory_is_missing();
    draw(top, &canvas);
    if (fclose(out) != 0)
        memory_is_missing();
    top_screen_show(bytes, count);
    free(bytes);
}

static void print(const struct top *top)
{
    struct top_canvas canvas = {
        .out = stdout,
        .columns = isatty(STDOUT_FILENO) ? top_screen_size().columns : 0,
        .rows = SIZE_MAX,
        .is_coloured = is_colour_wanted(),
    };

    draw(top, &canvas);
}

/* ---- the two ways to run ---------------------------------------------------------------------- */

static void rest(struct span span)
{
    struct timespec left = {.tv_sec = (time_t)(span.ns / NS_PER_S),
                            .tv_nsec = (long)(span.ns % NS_PER_S)};

    while (nanosleep(&left, &left) != 0 && errno == EINTR)
        continue;
}

static int say_fault(const struct top *top)
{
    fprintf(stderr, "hourglass: %s\n", top->fault);
    return 1;
}

static int run_once(struct top *top)
{
    rest(top->options->interval);
    if (!look(top))
        return say_fault(top);
    print(top);
    return fflush(stdout) == 0 ? 0 : 1;
}

/* Until somebody wants it to end. */
static enum top_event watch(struct top *top)
{
    struct instant next = instant_after(clock_now(), top->options->interval);

    for (;;) {
        show(top);
        switch (top_screen_wait(span_until(next, clock_now()))) {
        case TOP_QUIT:
            return TOP_QUIT;
        case TOP_END:
            return TOP_END;
        case TOP_KEY:
            break;
        case TOP_TICK:
            if (!look(top) && top_screen_is_disturbed())
                break;
            next = instant_after(clock_now(), top->options->interval);
            break;
        }
    }
}

static int run_live(struct top *top)
{
    if (!top_screen_open()) {
        fputs("hourglass: top needs a terminal; without one there is top --once\n", stderr);
        return 2;
    }
    enum top_event event = watch(top);
    top_screen_close();
    if (event == TOP_END)
        top_screen_die();
    return 0;
}

int top_run(const struct top_options *options)
{
    struct top top = {.options = options};
    int code;

    curl_loop_global_init();
    top.fetch = top_fetch_create(options->address, top_screen_is_disturbed);
    if (!top.fetch)
        memory_is_missing();
    if (!look(&top))
        code = say_fault(&top);
    else
        code = options->is_once ? run_once(&top) : run_live(&top);
    top_fetch_destroy(top.fetch);
    top_sample_finish(&top.before);
    top_sample_finish(&top.now);
    top_requests_finish(&top.worst);
    curl_loop_global_finish();
    return code;
}
