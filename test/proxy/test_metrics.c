#include "proxy/metrics.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static struct conf_route routes[] = {{.name = (char[]){"order"}}, {.name = (char[]){"a\"b\\c\nd"}}};
static struct conf_upstream upstreams[] = {{.name = (char[]){"db"}}};
static struct conf conf = {
    .routes = routes, .routes_count = 2, .upstreams = upstreams, .upstreams_count = 1};

/* The page for some workers; to be freed. */
static char *print(const struct metrics *const *workers, size_t count, uint64_t dropped)
{
    char *page = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&page, &length);

    cr_assert(out);
    const struct metrics_whole whole = {.log = {.dropped = dropped, .reopen_failures = 3}};
    metrics_print(out, &conf, workers, count, &whole);
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

Test(metrics, everything_is_there_from_the_start_with_zero)
{
    static const char *const lines[] = {
        "hourglass_requests_total{route=\"order\",outcome=\"ok\"} 0",
        "hourglass_requests_total{route=\"order\",outcome=\"upstream_5xx\"} 0",
        "hourglass_requests_total{route=\"order\",outcome=\"timeout\"} 0",
        "hourglass_requests_total{route=\"order\",outcome=\"failed\"} 0",
        "hourglass_requests_total{route=\"order\",outcome=\"refused\"} 0",
        "hourglass_requests_total{route=\"order\",outcome=\"client_gone\"} 0",
        "hourglass_requests_total{route=\"order\",outcome=\"cut\"} 0",
        "hourglass_requests_total{route=\"order\",outcome=\"overload\"} 0",
        "hourglass_requests_total{route=\"(none)\",outcome=\"refused\"} 0",
        "hourglass_timeouts_total{route=\"order\",reason=\"arrival\"} 0",
        "hourglass_timeouts_total{route=\"order\",reason=\"infeasible\"} 0",
        "hourglass_timeouts_total{route=\"order\",reason=\"drain\"} 0",
        "hourglass_requests_in_flight 0",
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

Test(metrics, workers_are_added_up)
{
    struct metrics metrics[2];
    const struct metrics *workers[] = {&metrics[0], &metrics[1]};

    for (int i = 0; i < 2; i++) {
        metrics_init(&metrics[i], &conf);
        counter_add(&metrics[i].routes[0].requests[ENDING_OK], 40);
        counter_add(&metrics[i].routes[2].requests[ENDING_REFUSED], 3);
        counter_add(&metrics[i].routes[0].timeouts[REASON_CALL], 2);
        counter_add(&metrics[i].upstreams[0].calls[CALL_STATUS], 7);
        counter_add(&metrics[i].upstreams[0].queued, 5);
    }
    counter_add(&metrics[0].in_flight, 9);
    counter_sub(&metrics[1].in_flight, 1); /* as long as the sum is right */
    char *page = print(workers, 2, 11);
    cr_expect(has_line(page, "hourglass_requests_total{route=\"order\",outcome=\"ok\"} 80"));
    cr_expect(has_line(page, "hourglass_requests_total{route=\"(none)\",outcome=\"refused\"} 6"));
    cr_expect(has_line(page, "hourglass_timeouts_total{route=\"order\",reason=\"call\"} 4"));
    cr_expect(has_line(page, "hourglass_upstream_queue_length{upstream=\"db\"} 10"));
    cr_expect(has_line(page, "hourglass_requests_in_flight 8"));
    cr_expect(has_line(page, "hourglass_log_lines_dropped_total 11"));
    cr_expect(has_line(page, "hourglass_log_reopen_failures_total 3"));
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

Test(metrics, every_counter_that_can_count_is_printed_once)
{
    enum { OWN = offsetof(struct metrics, routes) / sizeof(counter), FIRST = 100000 };
    struct metrics metrics;
    const struct metrics *worker = &metrics;
    uint64_t next = FIRST;

    metrics_init(&metrics, &conf);
    number(&metrics.begun, OWN, &next);
    for (size_t i = 0; i < conf.routes_count + 1; i++) {
        number(metrics.routes[i].requests, ENDINGS, &next);
        number(&metrics.routes[i].timeouts[REASON_ARRIVAL], REASON_DRAIN - REASON_ARRIVAL + 1,
               &next);
    }
    number(&metrics.upstreams[0].calls[CALL_OK], CALL_STATUS - CALL_OK + 1, &next);
    number(&metrics.upstreams[0].in_flight, 2, &next);
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

Test(metrics, times_are_seconds_and_how_often)
{
    struct metrics metrics;
    const struct metrics *workers[] = {&metrics, &metrics};

    metrics_init(&metrics, &conf);
    counter_add(&metrics.upstreams[0].late.sum_us, 1000021);
    counter_add(&metrics.upstreams[0].late.count, 2);
    char *page = print(workers, 2, 0);
    cr_expect(has_line(page, "# TYPE hourglass_upstream_late_seconds summary"));
    cr_expect(has_line(page, "hourglass_upstream_late_seconds_sum{upstream=\"db\"} 2.000042"));
    cr_expect(has_line(page, "hourglass_upstream_late_seconds_count{upstream=\"db\"} 4"));
    cr_expect(has_line(page, "hourglass_upstream_drained_total{upstream=\"db\"} 4"));
    free(page);
    metrics_finish(&metrics);
}

Test(metrics, label_values_are_escaped)
{
    struct metrics metrics;
    const struct metrics *worker = &metrics;

    metrics_init(&metrics, &conf);
    char *page = print(&worker, 1, 0);
    cr_expect(
        has_line(page, "hourglass_requests_total{route=\"a\\\"b\\\\c\\nd\",outcome=\"ok\"} 0"));
    free(page);
    metrics_finish(&metrics);
}

static bool ends_with(const char *name, const char *end)
{
    return strlen(name) > strlen(end) && strcmp(name + strlen(name) - strlen(end), end) == 0;
}

static const char *type_of(const char *name)
{
    if (ends_with(name, "_seconds"))
        return "summary";
    return ends_with(name, "_total") ? "counter" : "gauge";
}

/* Is it a value of the metric? A summary's have names that are longer. */
static bool is_value_of(const char *line, const char *metric)
{
    char name[100];
    size_t count = strlen(metric);

    snprintf(name, sizeof(name), "%.*s", (int)strcspn(line, "{ "), line);
    if (strncmp(name, metric, count) != 0)
        return false;
    if (strcmp(type_of(metric), "summary") == 0)
        return strcmp(name + count, "_sum") == 0 || strcmp(name + count, "_count") == 0;
    return name[count] == '\0';
}

Test(metrics, each_metric_is_described_once_and_before_its_values)
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

Test(metrics, every_ending_has_a_name_of_its_own)
{
    for (int a = 0; a < ENDINGS; a++) {
        cr_assert(ending_name((enum ending)a)[0] != '\0');
        for (int b = 0; b < a; b++)
            cr_expect_str_neq(ending_name((enum ending)a), ending_name((enum ending)b));
    }
}
