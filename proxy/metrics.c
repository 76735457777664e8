#include "proxy/metrics.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/memory.h"

#ifndef HOURGLASS_VERSION
#define HOURGLASS_VERSION "0.0.0"
#endif

enum { CACHE_LINE = 64 };

const char *ending_name(enum ending ending)
{
    static const char *const names[] = {
        [ENDING_OK] = "ok",           [ENDING_UPSTREAM_5XX] = "upstream_5xx",
        [ENDING_TIMEOUT] = "timeout", [ENDING_FAILED] = "failed",
        [ENDING_REFUSED] = "refused", [ENDING_CLIENT_GONE] = "client_gone",
        [ENDING_CUT] = "cut",         [ENDING_OVERLOAD] = "overload",
    };

    assert(ending < ENDINGS);
    return names[ending];
}

/* Zeros on cache lines of their own, so that workers do not slow each other down by counting. */
static void *counters_create(size_t count, size_t size)
{
    size_t bytes = (count * size + CACHE_LINE) / CACHE_LINE * CACHE_LINE;
    void *counters = aligned_alloc(CACHE_LINE, bytes);

    if (!counters)
        memory_is_missing();
    memset(counters, 0, bytes);
    return counters;
}

void metrics_init(struct metrics *metrics, const struct conf *conf)
{
    memset(metrics, 0, sizeof(*metrics));
    metrics->routes = counters_create(conf->routes_count + 1, sizeof(struct route_metrics));
    metrics->upstreams = counters_create(conf->upstreams_count, sizeof(struct upstream_metrics));
    metrics->routes_count = conf->routes_count;
    metrics->calls = memory_take_clear(conf->routes_count + 1, sizeof *metrics->calls);
    for (size_t i = 0; i < conf->routes_count; i++)
        metrics->calls[i] =
            counters_create(conf->routes[i].calls_count, sizeof(struct call_metrics));
}

void metrics_finish(struct metrics *metrics)
{
    for (size_t i = 0; i < metrics->routes_count; i++)
        free(metrics->calls[i]);
    free(metrics->calls);
    free(metrics->routes);
    free(metrics->upstreams);
    memset(metrics, 0, sizeof(*metrics));
}

static const char *ending_label(unsigned value)
{
    return ending_name((enum ending)value);
}

static const char *reason_label(unsigned value)
{
    return reason_name((enum reason)value);
}

static const char *verdict_label(unsigned value)
{
    return retry_verdict_name((enum retry_verdict)value);
}

static const char *outcome_label(unsigned value)
{
    return call_outcome_name((enum call_outcome)value);
}

static const char *limit_label(unsigned value)
{
    static const char *const names[LIMIT_KINDS] = {
        [LIMIT_CONNECTIONS] = "connections",   [LIMIT_MEMORY] = "memory",
        [LIMIT_REQUEST_LINE] = "request_line", [LIMIT_HEADER_SIZE] = "header_size",
        [LIMIT_HEADER_COUNT] = "header_count", [LIMIT_REQUEST_BODY] = "request_body",
    };

    return names[value];
}

static const char *class_label(unsigned value)
{
    static const char *const names[RESPONSE_CLASSES] = {"1xx", "2xx", "3xx", "4xx", "5xx"};

    return names[value];
}

/* Whose counters a metric has. */
enum owner { OWNER_PROXY, OWNER_ROUTE, OWNER_CALL, OWNER_UPSTREAM };

struct row {
    const char *name;
    const char *type;
    const char *help;
    enum owner owner;
    size_t field;                   /* where its first counter is, or a summary's time_metric */
    const char *label;              /* NULL: one counter only */
    const char *(*value)(unsigned); /* of the label */
    unsigned first, last;           /* which of the label's values occur */
};

/* One row for each metric, in the order of the page. */
static const struct row rows[] = {
    {"hourglass_requests_total", "counter", "Requests that have ended, by how they ended.",
     OWNER_ROUTE, offsetof(struct route_metrics, requests), "outcome", ending_label, 0,
     ENDINGS - 1},
    {"hourglass_timeouts_total", "counter", "Requests answered 504, by what took the time.",
     OWNER_ROUTE, offsetof(struct route_metrics, timeouts), "reason", reason_label, REASON_ARRIVAL,
     REASON_DRAIN},
    {"hourglass_observed_requests_total", "counter", "Requests that were not held to their budget.",
     OWNER_ROUTE, offsetof(struct route_metrics, observed), NULL, NULL, 0, 0},
    {"hourglass_would_time_out_total", "counter",
     "Those of them that would have been answered 504, by what took the time.", OWNER_ROUTE,
     offsetof(struct route_metrics, would_time_out), "reason", reason_label, REASON_ARRIVAL,
     REASON_DRAIN},
    {"hourglass_would_cut_total", "counter", "Calls of them that would have been cut.", OWNER_CALL,
     offsetof(struct call_metrics, would_cut), NULL, NULL, 0, 0},
    {"hourglass_would_skip_total", "counter", "Calls of them that would have been skipped.",
     OWNER_CALL, offsetof(struct call_metrics, would_skip), NULL, NULL, 0, 0},
    {"hourglass_requests_begun_total", "counter",
     "Requests whose head was read: those that have ended, and those in flight.", OWNER_PROXY,
     offsetof(struct metrics, begun), NULL, NULL, 0, 0},
    {"hourglass_requests_in_flight", "gauge", "Requests begun and not ended.", OWNER_PROXY,
     offsetof(struct metrics, in_flight), NULL, NULL, 0, 0},
    {"hourglass_connections", "gauge", "Connections of clients that are open.", OWNER_PROXY,
     offsetof(struct metrics, connections), NULL, NULL, 0, 0},
    {"hourglass_connections_accepted_total", "counter", "Connections accepted from clients.",
     OWNER_PROXY, offsetof(struct metrics, connections_accepted), NULL, NULL, 0, 0},
    {"hourglass_connections_shed_total", "counter",
     "Connections answered 503 for max-connections or max-memory.", OWNER_PROXY,
     offsetof(struct metrics, connections_shed), NULL, NULL, 0, 0},
    {"hourglass_accept_errors_total", "counter", "Connections that could not be accepted.",
     OWNER_PROXY, offsetof(struct metrics, accept_errors), NULL, NULL, 0, 0},
    {"hourglass_bad_requests_total", "counter",
     "Requests refused for their form: 400, 408, 414, 417, 431, 501 or 505.", OWNER_PROXY,
     offsetof(struct metrics, bad_requests), NULL, NULL, 0, 0},
    {"hourglass_malformed_budgets_total", "counter", "Budget headers that could not be read.",
     OWNER_PROXY, offsetof(struct metrics, malformed_budgets), NULL, NULL, 0, 0},
    {"hourglass_untrusted_budgets_total", "counter",
     "Budget headers not believed because of who sent them.", OWNER_PROXY,
     offsetof(struct metrics, untrusted_budgets), NULL, NULL, 0, 0},
    {"hourglass_limit_reached_total", "counter",
     "Connections and requests turned away at a limit, by which.", OWNER_PROXY,
     offsetof(struct metrics, limits), "limit", limit_label, 0, LIMIT_KINDS - 1},
    {"hourglass_upstream_calls_total", "counter", "Calls that have ended, by how they ended.",
     OWNER_UPSTREAM, offsetof(struct upstream_metrics, calls), "outcome", outcome_label, CALL_OK,
     CALL_STATUS},
    {"hourglass_upstream_responses_total", "counter",
     "Responses to attempts, by the class of their status.", OWNER_UPSTREAM,
     offsetof(struct upstream_metrics, responses), "status", class_label, 1, RESPONSE_CLASSES - 1},
    {"hourglass_upstream_calls_in_flight", "gauge", "Calls begun and not ended.", OWNER_UPSTREAM,
     offsetof(struct upstream_metrics, in_flight), NULL, NULL, 0, 0},
    {"hourglass_upstream_queue_length", "gauge", "Calls that wait for a free connection.",
     OWNER_UPSTREAM, offsetof(struct upstream_metrics, queued), NULL, NULL, 0, 0},
    {"hourglass_upstream_retries_total", "counter", "Attempts after the first of a call.",
     OWNER_UPSTREAM, offsetof(struct upstream_metrics, retries), NULL, NULL, 0, 0},
    {"hourglass_upstream_retries_refused_total", "counter",
     "Failed attempts that were not followed by another, by why.", OWNER_UPSTREAM,
     offsetof(struct upstream_metrics, retries_refused), "why", verdict_label, RETRY_NO_RAN_OUT,
     RETRY_NO_ALLOWANCE},
    {"hourglass_upstream_hedges_total", "counter", "Attempts that raced one that was slow.",
     OWNER_UPSTREAM, offsetof(struct upstream_metrics, hedges), NULL, NULL, 0, 0},
    {"hourglass_upstream_hedges_won_total", "counter", "Those of them that answered first.",
     OWNER_UPSTREAM, offsetof(struct upstream_metrics, hedges_won), NULL, NULL, 0, 0},
    {"hourglass_upstream_hedges_refused_total", "counter",
     "Slow attempts that were not raced, for want of a share, a place, time or the body.",
     OWNER_UPSTREAM, offsetof(struct upstream_metrics, hedges_refused), NULL, NULL, 0, 0},
    {"hourglass_upstream_drained_total", "counter",
     "Answers that came after the end of their grant, and were read to their end.", OWNER_UPSTREAM,
     offsetof(struct upstream_metrics, late.count), NULL, NULL, 0, 0},
    {"hourglass_upstream_drains_given_up_total", "counter",
     "Late answers that were not: too late, too long, broken, or in the way.", OWNER_UPSTREAM,
     offsetof(struct upstream_metrics, drains_given_up), NULL, NULL, 0, 0},
    {"hourglass_upstream_late_seconds", "summary",
     "From the end of the grant to the end of the answer, of those that were read to their end.",
     OWNER_UPSTREAM, offsetof(struct upstream_metrics, late), NULL, NULL, 0, 0},
};

/* What is being printed. */
struct page {
    FILE *out;
    const struct conf *conf;
    const struct metrics *const *workers;
    size_t workers_count;
};

/* One owner, by its place in the configuration. */
struct place {
    enum owner owner;
    size_t index;
    const char *label; /* "route" or "upstream"; NULL: the proxy as a whole */
    const char *name;
    size_t call;           /* OWNER_CALL: within the route */
    const char *call_name; /* NULL: not a call */
};

static const char *counters_of(const struct metrics *metrics, const struct place *place)
{
    switch (place->owner) {
    case OWNER_ROUTE:
        return (const char *)&metrics->routes[place->index];
    case OWNER_CALL:
        return (const char *)&metrics->calls[place->index][place->call];
    case OWNER_UPSTREAM:
        return (const char *)&metrics->upstreams[place->index];
    case OWNER_PROXY:
        break;
    }
    return (const char *)metrics;
}

static uint64_t sum(const struct page *page, const struct place *place, size_t field)
{
    uint64_t total = 0;

    for (size_t i = 0; i < page->workers_count; i++) {
        const char *counters = counters_of(page->workers[i], place);
        total += atomic_load_explicit((const counter *)(const void *)(counters + field),
                                      memory_order_relaxed);
    }
    return total;
}

/* Writes a label's value with the escapes of the text format. */
static void print_escaped(FILE *out, const char *value)
{
    for (; *value; value++) {
        if (*value == '\n') {
            fputs("\\n", out);
            continue;
        }
        if (*value == '\\' || *value == '"')
            putc_unlocked('\\', out);
        putc_unlocked(*value, out);
    }
}

static void print_labels(FILE *out, const struct row *row, const struct place *place,
                         unsigned value)
{
    const char *separator = "{";

    if (place->label) {
        fprintf(out, "{%s=\"", place->label);
        print_escaped(out, place->name);
        fputc('"', out);
        separator = ",";
    }
    if (place->call_name)
        fprintf(out, ",call=\"%s\"", place->call_name);
    if (row->label)
        fprintf(out, "%s%s=\"%s\"", separator, row->label, row->value(value));
    if (place->label || row->label)
        fputc('}', out);
}

/* Without quantiles, which could not be added up. */
static void print_summary(const struct page *page, const struct row *row, const struct place *place)
{
    uint64_t us = sum(page, place, row->field + offsetof(struct time_metric, sum_us));
    uint64_t count = sum(page, place, row->field + offsetof(struct time_metric, count));

    fprintf(page->out, "%s_sum", row->name);
    print_labels(page->out, row, place, 0);
    fprintf(page->out, " %llu.%06llu\n%s_count", (unsigned long long)us / 1000000,
            (unsigned long long)us % 1000000, row->name);
    print_labels(page->out, row, place, 0);
    fprintf(page->out, " %llu\n", (unsigned long long)count);
}

static void print_owner(const struct page *page, const struct row *row, const struct place *place)
{
    if (strcmp(row->type, "summary") == 0) {
        print_summary(page, row, place);
        return;
    }
    for (unsigned value = row->first; value <= row->last; value++) {
        size_t field = row->field + value * sizeof(counter);
        fputs(row->name, page->out);
        print_labels(page->out, row, place, value);
        fprintf(page->out, " %llu\n", (unsigned long long)sum(page, place, field));
    }
}

static void print_head(FILE *out, const char *name, const char *type, const char *help)
{
    fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* Requests that no route took stand in a place of their own, whose name no route can have. */
static const char *route_name(const struct conf *conf, size_t index)
{
    return index < conf->routes_count ? conf->routes[index].name : "(none)";
}

static void print_calls(const struct page *page, const struct row *row, struct place *place)
{
    const struct conf_route *route = &page->conf->routes[place->index];

    for (place->call = 0; place->call < route->calls_count; place->call++) {
        place->call_name = route->calls[place->call].name;
        print_owner(page, row, place);
    }
}

static void print_row(const struct page *page, const struct row *row)
{
    const struct conf *conf = page->conf;
    struct place place = {.owner = row->owner};

    print_head(page->out, row->name, row->type, row->help);
    switch (row->owner) {
    case OWNER_PROXY:
        print_owner(page, row, &place);
        break;
    case OWNER_ROUTE:
        place.label = "route";
        for (; place.index <= conf->routes_count; place.index++) {
            place.name = route_name(conf, place.index);
            print_owner(page, row, &place);
        }
        break;
    case OWNER_CALL:
        place.label = "route";
        for (; place.index < conf->routes_count; place.index++) {
            place.name = route_name(conf, place.index);
            print_calls(page, row, &place);
        }
        break;
    case OWNER_UPSTREAM:
        place.label = "upstream";
        for (; place.index < conf->upstreams_count; place.index++) {
            place.name = conf->upstreams[place.index].name;
            print_owner(page, row, &place);
        }
        break;
    }
}

static void print_whole(FILE *out, const struct metrics_whole *whole)
{
    print_head(out, "hourglass_memory_bytes", "gauge",
               "Memory that connections and requests hold, but for libcurl's.");
    fprintf(out, "hourglass_memory_bytes %llu\n", (unsigned long long)whole->memory_bytes);
    print_head(out, "hourglass_memory_max_bytes", "gauge", "The limit of that: max-memory.");
    fprintf(out, "hourglass_memory_max_bytes %llu\n", (unsigned long long)whole->memory_max_bytes);
    print_head(out, "hourglass_log_lines_dropped_total", "counter",
               "Lines that were not written to the log.");
    fprintf(out, "hourglass_log_lines_dropped_total %llu\n",
            (unsigned long long)whole->log.dropped);
    print_head(out, "hourglass_log_reopen_failures_total", "counter",
               "How often the log could not be opened anew.");
    fprintf(out, "hourglass_log_reopen_failures_total %llu\n",
            (unsigned long long)whole->log.reopen_failures);
}

void metrics_print(FILE *out, const struct conf *conf, const struct metrics *const *workers,
                   size_t workers_count, const struct metrics_whole *whole)
{
    const struct page page = {out, conf, workers, workers_count};

    print_head(out, "hourglass_build_info", "gauge", "Always 1; the version is in its label.");
    fputs("hourglass_build_info{version=\"" HOURGLASS_VERSION "\"} 1\n", out);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        print_row(&page, &rows[i]);
    print_whole(out, whole);
}
