#include "proxy/top_view.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "test/support/top_pages.h"

static struct top_sample before;
static struct top_sample now;
static struct top_requests worst;
static char *drawn;

static void set_up(void)
{
    cr_assert(top_sample_read(&before, text_of(TOP_ROUTES_BEFORE)));
    cr_assert(top_sample_read(&now, text_of(TOP_ROUTES_AFTER)));
    cr_assert(top_requests_read(&worst, text_of(TOP_REQUESTS)));
}

static void tear_down(void)
{
    top_sample_finish(&before);
    top_sample_finish(&now);
    top_requests_finish(&worst);
    free(drawn);
}

TestSuite(top_view, .init = set_up, .fini = tear_down);

static size_t columns; /* 0: as many as there are */

static size_t draw(const struct top_sample *first, size_t rows, const char *fault)
{
    const struct top_view view = {
        .before = first, .now = &now, .worst = &worst, .address = "here", .fault = fault};
    size_t count;

    free(drawn);
    FILE *out = open_memstream(&drawn, &count);
    struct top_canvas canvas = {.out = out, .columns = columns, .rows = rows};
    top_view_draw(&view, &canvas);
    fclose(out);
    size_t lines = 0;
    for (size_t i = 0; i < count; i++)
        lines += drawn[i] == '\n';
    return lines;
}

static bool shows(const char *text)
{
    return strstr(drawn, text) != NULL;
}

Test(top_view, shows_what_came_between)
{
    draw(&before, SIZE_MAX, NULL);
    cr_expect(shows("\norder                   10.0      4   80% "), "%s", drawn);
    cr_expect(shows("504:call 2"));
}

Test(top_view, shows_nothing_as_longer_than_what_it_was_given_and_kept)
{
    struct top_route *order = &now.routes[1];

    draw(&before, SIZE_MAX, NULL);
    cr_expect(shows("  db                    10.0          80%    62 ms   500 ms   500 ms "), "%s",
              drawn);
    order->elapsed.buckets[2] += 1000;
    draw(&before, SIZE_MAX, NULL);
    cr_expect(shows("  80%  1200 ms  1200 ms  1200 ms "), "%s", drawn);
    order->used_ratio.buckets[2] += 1000;
    draw(&before, SIZE_MAX, NULL);
    cr_expect(shows("  80%  5455 ms  9909 ms  1200 ms "), "%s", drawn);
}

/* A call that has been cut 200 times since the first look, in two ways, and that was answered
 * so often within 50 ms of that, and so often within 100. */
static void answer_late(struct top_call *call, double within_50, double within_100)
{
    static const double bounds[] = {20, 50, 100};
    static double buckets[4];
    static double none[4];

    call->outcomes[CALL_TIMEOUT] += 58; /* there are two */
    call->outcomes[CALL_CONNECT_TIMEOUT] += 140;
    buckets[1] = within_50;
    buckets[2] = within_100;
    call->late = (struct top_histogram){within_50 + within_100, 0, bounds, 3, buckets};
    before.routes[1].calls[0].late = (struct top_histogram){0, 0, bounds, 3, none};
}

Test(top_view, says_of_a_call_how_many_that_were_cut_50_ms_more_would_have_saved)
{
    answer_late(now.routes[1].calls, 83, 7);
    draw(&before, SIZE_MAX, NULL);
    cr_expect(shows("  timeout 60  connect_timeout 140  +50ms:41%\n"), "%s", drawn);
    columns = 80;
    draw(&before, SIZE_MAX, NULL);
    cr_expect(shows("\n    timeout 60  connect_timeout 140  +50ms:41%\n"), "%s", drawn);
}

Test(top_view, never_says_that_more_would_have_been_saved_than_were_cut)
{
    answer_late(now.routes[1].calls, 220, 0);
    draw(&before, SIZE_MAX, NULL);
    cr_expect(shows("+50ms:100%\n"), "%s", drawn);
}

Test(top_view, is_silent_about_more_time_where_no_late_answer_was_read)
{
    answer_late(now.routes[1].calls, 0, 0);
    draw(&before, SIZE_MAX, NULL);
    cr_expect(shows("  timeout 60  connect_timeout 140\n"), "%s", drawn);
}

Test(top_view, says_which_call_takes_most_of_the_time_of_its_route)
{
    struct top_route *order = &now.routes[1];
    struct top_call calls[2] = {order->calls[0], order->calls[0]};

    calls[0].used.sum = before.routes[1].calls[0].used.sum + 240; /* 80 % of its grants */
    calls[0].granted.sum = before.routes[1].calls[0].granted.sum + 300;
    calls[1].used.sum = before.routes[1].calls[0].used.sum + 1320; /* 12 % of them */
    calls[1].granted.sum = before.routes[1].calls[0].granted.sum + 11000;
    calls[0].name = "small";
    order->calls = calls;
    order->calls_count = before.routes[1].calls_count = 2;
    before.routes[1].calls =
        (struct top_call[]){before.routes[1].calls[0], before.routes[1].calls[0]};
    draw(&before, SIZE_MAX, NULL);
    cr_expect(shows("30 ms   10%"), "%s", drawn);
    cr_expect(shows("1100 ms   55%"), "%s", drawn);
}

Test(top_view, has_nothing_to_tell_of_one_look)
{
    draw(&now, SIZE_MAX, NULL);
    cr_expect(shows("\norder                    0.0      4     -        -        -        -     -"
                    "     -\n"),
              "%s", drawn);
    cr_expect_not(shows("504:"));
    cr_expect_not(shows("  db "));
    cr_expect_not(shows("(none)"));
}

Test(top_view, shows_what_would_have_run_out_of_time)
{
    before.routes[1].would_time_out[REASON_QUEUE] = 3;
    now.routes[1].would_time_out[REASON_QUEUE] = 7;
    draw(&before, SIZE_MAX, NULL);
    cr_expect(shows("504:call 2  whose:client 2  would:queue 4\n"), "%s", drawn);
}

Test(top_view, shows_what_no_route_took)
{
    draw(&before, SIZE_MAX, NULL);
    cr_expect(shows("\n(none)                   5.0            -        -        -        -     -"
                    "     -  refused 5\n"),
              "%s", drawn);
}

Test(top_view, takes_a_restart_for_a_first_look)
{
    now.uptime_ms = 500;
    draw(&before, SIZE_MAX, NULL);
    cr_expect_not(shows("(none)"));
    cr_expect(shows("\norder                    0.0 "), "%s", drawn);
}

Test(top_view, does_not_compare_routes_that_are_not_the_same)
{
    before.routes[1].name = "other";
    draw(&before, SIZE_MAX, NULL);
    cr_expect(shows("\norder                    0.0 "), "%s", drawn);
    before.routes_count = 1;
    draw(&before, SIZE_MAX, NULL);
    cr_expect(shows("\norder                    0.0 "), "%s", drawn);
}

Test(top_view, says_why_there_is_no_newer_look)
{
    draw(&before, SIZE_MAX, "it has gone");
    cr_expect(shows("\nit has gone\n"), "%s", drawn);
}

Test(top_view, keeps_rows_for_the_worst_requests_where_routes_would_take_all)
{
    static struct top_route many[100];

    for (size_t i = 0; i < 100; i++)
        many[i] = now.routes[0];
    now.routes = many;
    now.routes_count = 100;
    cr_expect_eq(draw(&now, 30, NULL), 30);
    cr_expect(shows("r-77"), "%s", drawn);
    cr_expect(shows("quiet"));
}

Test(top_view, says_in_80_columns_what_went_wrong_under_its_row)
{
    columns = 80;
    now.routes[1].would_time_out[REASON_QUEUE] = 123456789;
    now.routes[1].timeouts[REASON_ARRIVAL] = 12345678901;
    now.routes[1].timeouts[REASON_INFEASIBLE] = 12345678901;
    draw(&before, SIZE_MAX, NULL);
    cr_expect(shows("  1200 ms   31%   98%\n    504:arrival 12345678901  504:infeasible "
                    "12345678901  504:call 2\n    whose:client 2  would:queue 123456789\n"),
              "%s", drawn);
    cr_expect(shows("\n    timeout 2  +50ms:0%\n"), "%s", drawn);
    cr_expect(shows("\nquiet "));
}

Test(top_view, says_in_80_columns_who_is_the_worst_and_how_to_find_it)
{
    columns = 80;
    worst.list[0].route = "a-route-with-a-long-name";
    worst.list[0].reason = "infeasible";
    worst.list[0].call = "recommendations";
    worst.list[0].id = "0af7651916cd43dd8448eb211c80319c";
    draw(&before, SIZE_MAX, NULL);
    cr_expect(shows("\n23:51:50 a-route-with- 504 BH  980 ms 1000 ms client infeasible:rec "
                    "0af7651916cd\n"),
              "%s", drawn);
}

Test(top_view, never_cuts_what_has_been_lost)
{
    columns = 40;
    now.log_lines_dropped = 12345678;
    now.memory_bytes = 1e15;
    now.connections = 1e9;
    draw(&before, SIZE_MAX, NULL);
    cr_expect(shows("\nlog lines dropped 12345678   "), "%s", drawn);
}

Test(top_view, says_how_late_the_proxy_was_between_the_looks)
{
    draw(&before, SIZE_MAX, NULL);
    cr_expect(shows("the proxy late by at most: loop 1000 ms, cuts -\n"), "%s", drawn);
    draw(&now, SIZE_MAX, NULL);
    cr_expect(shows("the proxy late by at most: loop -, cuts -\n"), "%s", drawn);
}

Test(top_view, has_rows_of_80_columns_but_for_what_went_wrong)
{
    draw(&before, SIZE_MAX, NULL);
    const char *row = strstr(drawn, "\norder ");
    cr_assert_not_null(row);
    cr_expect_eq(strstr(row, "  504:call") - (row + 1), 80);
}

Test(top_view, fits_into_any_window)
{
    for (size_t rows = 0; rows < 60; rows++) {
        columns = 2 * rows;
        cr_expect_leq(draw(&before, rows, "gone"), rows, "%zu rows", rows);
    }
}
