#include "proxy/metrics_print.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static struct conf_call calls[] = {{.name = (char[]){"stock"}}};
static struct conf_route routes[] = {
    {.name = (char[]){"order"}, .calls = calls, .calls_count = 1},
    {.name = (char[]){"a\"b\\c\nd"}},
};
static struct conf_upstream upstreams[] = {{.name = (char[]){"db"}, .connections = 8}};
static struct wire_field fields[] = {{.name = "X-Budget"}};
static struct conf conf = {
    .budget_headers = fields,
    .budget_headers_count = 1,
    .routes = routes,
    .routes_count = 2,
    .upstreams = upstreams,
    .upstreams_count = 1,
};

/* The page for some workers; to be freed. */
static char *print(const struct metrics *const *workers, size_t count, uint64_t dropped)
{
    char *page = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&page, &length);

    cr_assert(out);
    const struct metrics_view view = {
        .conf = &conf,
        .workers = workers,
        .workers_count = count,
        .whole = {.log = {.dropped = dropped, .reopen_failures = 3}, .admin_pages_cut_off = 4},
    };
    metrics_print(out, &view);
    fclose(out);
    return page;
}

/* Is it a whole line of the page? */
static bool has_line(const char *page, const char *line)
{
    size_t count = strlen(line);

    for (const char *at = page; (at = strstr(at, line)); at++) {
        if ((at == page || at[-1] == '\n') && at[count] == '\n')
            return true;
    }
    return false;
}

Test(metrics_print, everything_is_there_from_the_start_with_zero)
{
    static const char *const lines[] = {
        "hourglass_requests_total{route=\"order\",method=\"GET\",outcome=\"ok\"} 0",
        "hourglass_requests_total{route=\"order\",method=\"GET\",outcome=\"upstream_5xx\"} 0",
        "hourglass_requests_total{route=\"order\",method=\"GET\",outcome=\"timeout\"} 0",
        "hourglass_requests_total{route=\"order\",method=\"GET\",outcome=\"failed\"} 0",
        "hourglass_requests_total{route=\"order\",method=\"GET\",outcome=\"refused\"} 0",
        "hourglass_requests_total{route=\"order\",method=\"GET\",outcome=\"client_gone\"} 0",
        "hourglass_requests_total{route=\"order\",method=\"GET\",outcome=\"cut\"} 0",
        "hourglass_requests_total{route=\"order\",method=\"GET\",outcome=\"overload\"} 0",
        "hourglass_requests_total{route=\"(none)\",method=\"GET\",outcome=\"refused\"} 0",
        "hourglass_timeouts_total{route=\"order\",reason=\"arrival\"} 0",
        "hourglass_timeouts_total{route=\"order\",reason=\"infeasible\"} 0",
        "hourglass_timeouts_total{route=\"order\",reason=\"drain\"} 0",
        "hourglass_timeouts_whose_total{route=\"order\",whose=\"call\"} 0",
        "hourglass_timeouts_whose_total{route=\"order\",whose=\"drain\"} 0",
        "hourglass_requests_in_flight{route=\"order\"} 0",
        "hourglass_requests_in_flight{route=\"(none)\"} 0",
        "hourglass_connections 0",
        "hourglass_connections_accepted_total 0",
        "hourglass_connections_shed_total 0",
        "hourglass_accept_errors_total 0",
        "hourglass_bad_requests_total 0",
        "hourglass_malformed_budgets_total 0",
        "hourglass_untrusted_budgets_total 0",
        "hourglass_limit_reached_total{limit=\"connections\"} 0",
        "hourglass_limit_reached_total{limit=\"memory\"} 0",
        "hourglass_limit_reached_total{limit=\"request_body\"} 0",
        "hourglass_memory_bytes 0",
        "hourglass_upstream_calls_total{upstream=\"db\",outcome=\"ok\"} 0",
        "hourglass_upstream_calls_total{upstream=\"db\",outcome=\"timeout\"} 0",
        "hourglass_upstream_calls_in_flight{upstream=\"db\"} 0",
        "hourglass_upstream_queue_length{upstream=\"db\"} 0",
        "hourglass_log_lines_dropped_total 0",
        "hourglass_timeouts_total{route=\"order\",call=\"stock\",reason=\"call\"} 0",
        "hourglass_calls_total{route=\"order\",call=\"stock\",outcome=\"ok\"} 0",
        "hourglass_call_attempts_total{route=\"order\",call=\"stock\"} 0",
        "hourglass_client_aborts_total{stage=\"queue\"} 0",
        "hourglass_loop_lag_seconds_count 0",
        "hourglass_upstream_connections_max{upstream=\"db\"} 8",
        "hourglass_workers 1",
    };
    struct metrics metrics;
    const struct metrics *worker = &metrics;

    metrics_init(&metrics, &conf);
    char *page = print(&worker, 1, 0);
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        cr_expect(has_line(page, lines[i]), "%s", lines[i]);
    free(page);
    metrics_finish(&metrics);
}

Test(metrics_print, workers_are_added_up)
{
    struct metrics metrics[2];
    const struct metrics *workers[] = {&metrics[0], &metrics[1]};

    for (int i = 0; i < 2; i++) {
        metrics_init(&metrics[i], &conf);
        counter_add(&metrics[i].routes[0].requests[0][ENDING_OK], 40);
        counter_add(&metrics[i].routes[2].requests[0][ENDING_REFUSED], 3);
        counter_add(&metrics[i].calls[0][0].timeouts[REASON_CALL], 2);
        counter_add(&metrics[i].upstreams[0].calls[CALL_STATUS], 7);
        counter_add(&metrics[i].upstreams[0].queued, 5);
    }
    counter_add(&metrics[0].routes[0].in_flight, 9);
    counter_sub(&metrics[1].routes[0].in_flight, 1); /* as long as the sum is right */
    char *page = print(workers, 2, 11);
    cr_expect(has_line(
        page, "hourglass_requests_total{route=\"order\",method=\"GET\",outcome=\"ok\"} 80"));
    cr_expect(has_line(
        page, "hourglass_requests_total{route=\"(none)\",method=\"GET\",outcome=\"refused\"} 6"));
    cr_expect(has_line(
        page, "hourglass_timeouts_total{route=\"order\",call=\"stock\",reason=\"call\"} 4"));
    cr_expect(has_line(page, "hourglass_upstream_queue_length{upstream=\"db\"} 10"));
    cr_expect(has_line(page, "hourglass_requests_in_flight{route=\"order\"} 8"));
    cr_expect(has_line(page, "hourglass_log_lines_dropped_total 11"));
    cr_expect(has_line(page, "hourglass_log_reopen_failures_total 3"));
    cr_expect(has_line(page, "hourglass_admin_pages_cut_off_total 4"));
    free(page);
    metrics_finish(&metrics[0]);
    metrics_finish(&metrics[1]);
}

/* Sets each of count counters to a number that no other counter has. */
static void number(counter *counters, size_t count, uint64_t *next)
{
    for (size_t i = 0; i < count; i++)
        counter_add(&counters[i], (*next)++);
}

Test(metrics_print, every_counter_that_can_count_is_printed_once)
{
    enum { OWN = offsetof(struct metrics, deadline_lateness) / sizeof(counter), FIRST = 100000 };
    struct metrics metrics;
    const struct metrics *worker = &metrics;
    uint64_t next = FIRST;

    metrics_init(&metrics, &conf);
    number(&metrics.begun, OWN, &next);
    for (size_t i = 0; i < conf.routes_count + 1; i++) {
        struct route_metrics *route = &metrics.routes[i];
        for (size_t method = 0; method < METHOD_KINDS; method++)
            number(route->requests[method], ENDINGS, &next);
        number(&route->in_flight, 1, &next);
        number(&route->timeouts[REASON_ARRIVAL], REASON_DRAIN - REASON_ARRIVAL + 1, &next);
    }
    number(&metrics.calls[0][0].outcomes[CALL_OK], CALL_STATUS - CALL_OK + 1, &next);
    number(&metrics.calls[0][0].timeouts[REASON_ARRIVAL], REASON_DRAIN - REASON_ARRIVAL + 1, &next);
    number(&metrics.calls[0][0].attempts, 3, &next);
    number(&metrics.upstreams[0].calls[CALL_OK], CALL_STATUS - CALL_OK + 1, &next);
    number(&metrics.upstreams[0].in_flight, 2, &next);
    number(&metrics.upstreams[0].hedges, 5, &next);
    char *page = print(&worker, 1, 0);
    for (uint64_t value = FIRST; value < next; value++) {
        char text[32];
        snprintf(text, sizeof(text), " %llu\n", (unsigned long long)value);
        const char *at = strstr(page, text);
        cr_expect(at && !strstr(at + 1, text), "%s", text);
    }
    free(page);
    metrics_finish(&metrics);
}

Test(metrics_print, histograms_are_cumulative_and_in_seconds)
{
    struct metrics metrics;
    const struct metrics *workers[] = {&metrics, &metrics};

    metrics_init(&metrics, &conf);
    histogram_note_span(&metrics.upstreams[0].late, span_us(400));
    histogram_note_span(&metrics.upstreams[0].late, span_us(1000021));
    char *page = print(workers, 2, 0);
#define LATE "hourglass_upstream_late_seconds"
    cr_expect(has_line(page, "# TYPE " LATE " histogram"));
    cr_expect(has_line(page, LATE "_bucket{upstream=\"db\",le=\"0.0005\"} 2"));
    cr_expect(has_line(page, LATE "_bucket{upstream=\"db\",le=\"1\"} 2"));
    cr_expect(has_line(page, LATE "_bucket{upstream=\"db\",le=\"2\"} 4"));
    cr_expect(has_line(page, LATE "_bucket{upstream=\"db\",le=\"+Inf\"} 4"));
    cr_expect(has_line(page, LATE "_sum{upstream=\"db\"} 2.000842000"));
    cr_expect(has_line(page, LATE "_count{upstream=\"db\"} 4"));
    free(page);
    metrics_finish(&metrics);
}

Test(metrics_print, ratios_are_told_by_route_and_budgets_by_their_source_too)
{
    struct metrics metrics;
    const struct metrics *worker = &metrics;

    metrics_init(&metrics, &conf);
    histogram_note(&metrics.routes[0].used_ratio, &scale_of_ratios, 1050000);
    histogram_note_span(&metrics.budgets[0], span_ms(300)); /* route 0, X-Budget */
    histogram_note_span(&metrics.budgets[3], span_ms(300)); /* route 1, default */
    char *page = print(&worker, 1, 0);
#define RATIO "hourglass_budget_used_ratio"
    cr_expect(has_line(page, RATIO "_bucket{route=\"order\",le=\"1\"} 0"));
    cr_expect(has_line(page, RATIO "_bucket{route=\"order\",le=\"1.1\"} 1"));
    cr_expect(has_line(page, RATIO "_bucket{route=\"order\",le=\"+Inf\"} 1"));
    cr_expect(has_line(page, RATIO "_sum{route=\"order\"} 1.050000"));
    cr_expect(strstr(page, "budget_seconds_count{route=\"order\",source=\"X-Budget\"} 1\n"));
    cr_expect(strstr(page, "nd\",source=\"default\"} 1\n"));
    cr_expect_null(strstr(page, "route=\"order\",source=\"default\""));
    free(page);
    metrics_finish(&metrics);
}

Test(metrics_print, a_method_is_told_once_it_was_seen_with_all_outcomes)
{
    struct metrics metrics;
    const struct metrics *worker = &metrics;

    metrics_init(&metrics, &conf);
    counter_add(&metrics.routes[0].requests[2][ENDING_CUT], 1);
    char *page = print(&worker, 1, 0);
#define REQUESTS "hourglass_requests_total{route=\"order\",method="
    cr_expect(has_line(page, REQUESTS "\"POST\",outcome=\"cut\"} 1"));
    cr_expect(has_line(page, REQUESTS "\"POST\",outcome=\"ok\"} 0"));
    cr_expect_null(strstr(page, "\"PUT\""));
    free(page);
    metrics_finish(&metrics);
}

Test(metrics_print, label_values_are_escaped)
{
    struct metrics metrics;
    const struct metrics *worker = &metrics;

    metrics_init(&metrics, &conf);
    char *page = print(&worker, 1, 0);
    cr_expect(has_line(
        page,
        "hourglass_requests_total{route=\"a\\\"b\\\\c\\nd\",method=\"GET\",outcome=\"ok\"} 0"));
    free(page);
    metrics_finish(&metrics);
}

static bool ends_with(const char *name, const char *end)
{
    return strlen(name) > strlen(end) && strcmp(name + strlen(name) - strlen(end), end) == 0;
}

static const char *type_of(const char *name)
{
    if (ends_with(name, "_seconds") || ends_with(name, "_ratio"))
        return "histogram";
    return ends_with(name, "_total") ? "counter" : "gauge";
}

/* Is it a value of the metric? A histogram's have names that are longer. */
static bool is_value_of(const char *line, const char *metric)
{
    char name[100];
    size_t count = strlen(metric);

    snprintf(name, sizeof(name), "%.*s", (int)strcspn(line, "{ "), line);
    if (strncmp(name, metric, count) != 0)
        return false;
    if (strcmp(type_of(metric), "histogram") == 0)
        return strcmp(name + count, "_sum") == 0 || strcmp(name + count, "_count") == 0 ||
               strcmp(name + count, "_bucket") == 0;
    return name[count] == '\0';
}

Test(metrics_print, each_metric_is_described_once_and_before_its_values)
{
    struct metrics metrics;
    const struct metrics *worker = &metrics;
    char metric[100] = "";

    metrics_init(&metrics, &conf);
    char *page = print(&worker, 1, 0);
    for (char *rest = NULL, *line = strtok_r(page, "\n", &rest); line;
         line = strtok_r(NULL, "\n", &rest)) {
        char name[100], type[20];
        if (sscanf(line, "# HELP %99s", name) == 1) {
            snprintf(metric, sizeof(metric), "%s", name);
            cr_expect(rest && !strstr(rest, line), "%s", line);
        } else if (sscanf(line, "# TYPE %99s %19s", name, type) == 2) {
            cr_expect_str_eq(name, metric);
            cr_expect_str_eq(type, type_of(name), "%s", name);
        } else {
            cr_expect(is_value_of(line, metric), "%s", line);
        }
    }
    free(page);
    metrics_finish(&metrics);
}
