#include "proxy/top_canvas.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

static char *drawn;
static size_t drawn_count;
static struct top_canvas canvas;

static void begin(struct top_canvas kind)
{
    canvas = kind;
    canvas.out = open_memstream(&drawn, &drawn_count);
}

static void expect_drawn(const char *expected)
{
    fclose(canvas.out);
    cr_expect_str_eq(drawn, expected);
    free(drawn);
}

Test(top_canvas, lines_are_as_long_as_they_are_where_nothing_limits_them)
{
    begin((struct top_canvas){.rows = SIZE_MAX});
    top_canvas_print(&canvas, TOP_ALARM, "%s %d", "a", 7);
    top_canvas_line(&canvas, TOP_PLAIN, "blanks at the end   ");
    expect_drawn("a 7\nblanks at the end\n");
}

Test(top_canvas, a_screen_gets_neither_wider_lines_nor_more_of_them_than_it_has)
{
    begin((struct top_canvas){.columns = 4, .rows = 2, .is_screen = true});
    top_canvas_line(&canvas, TOP_PLAIN, "12345");
    top_canvas_line(&canvas, TOP_PLAIN, "1");
    top_canvas_line(&canvas, TOP_PLAIN, "never");
    expect_drawn("1234\x1b[K\r\n1\x1b[K");
}

Test(top_canvas, colours_do_not_count_as_columns)
{
    begin((struct top_canvas){.columns = 4, .rows = 9, .is_coloured = true});
    top_canvas_line(&canvas, TOP_ALARM, "12345");
    top_canvas_line(&canvas, TOP_PLAIN, "12345");
    expect_drawn("\x1b[31m1234\x1b[0m\n1234\n");
}

Test(top_canvas, times_and_shares_are_short)
{
    static const struct {
        double ms;
        const char *text;
    } times[] = {
        {0, "0 ms"},       {0.314, "0.31 ms"}, {9.94, "9.9 ms"},  {45.4, "45 ms"},
        {1200, "1200 ms"}, {9999, "9999 ms"},  {10000, "10.0 s"}, {599999, "600.0 s"},
        {3600000, "60 m"}, {1e300, "99999 m"}, {NAN, "-"},        {INFINITY, ">60.0 s"},
    };
    char room[TOP_TIME_ROOM];

    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++)
        cr_expect_str_eq(top_time(times[i].ms, 60000, room), times[i].text);
    cr_expect_str_eq(top_share(0.984, 0, room), "98%");
    cr_expect_str_eq(top_share(NAN, 0, room), "-");
    cr_expect_str_eq(top_share(INFINITY, 2, room), ">200%");
    cr_expect_str_eq(top_share(1e300, 2, room), "99999%");
}
