#include "proxy/metrics.h"

#include <string.h>

#include "proxy/record.h"
#include "proxy/termination.h"

/* Of the methods that RFC 9110 and RFC 5789 register, as many as OpenTelemetry's attributes have;
 * others are for clients to invent, and so have one place together. */
static const char *const methods[METHOD_KINDS] = {
    "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE", "other",
};

const char *method_label(unsigned method)
{
    return methods[method];
}

static size_t method_of_record(const struct record *record)
{
    size_t method = 0;

    while (method < METHOD_KINDS - 1 && !text_is(record->method, text_of(methods[method])))
        method++;
    return method;
}

/* The second letters of termination.h, each with its word. */
static const char stage_letters[] = "ARNQCSHDLT";
static const char *const stages[ABORT_STAGES] = {
    "arrival", "upload", "name", "queue", "connect", "send", "head", "body", "local", "reply",
};

const char *stage_label(unsigned stage)
{
    return stages[stage];
}

static void note_abort(struct metrics *metrics, const struct record *record)
{
    char letter = termination_of(record).code[1];
    const char *at = strchr(stage_letters, letter);

    if (letter && at)
        counter_add(&metrics->aborts[at - stage_letters], 1);
}

static bool is_out_of_time(enum call_outcome outcome)
{
    return outcome == CALL_TIMEOUT || outcome == CALL_QUEUED_OUT || outcome == CALL_UPLOAD_OUT ||
           outcome == CALL_DNS_TIMEOUT || outcome == CALL_CONNECT_TIMEOUT;
}

/* Of the outcomes of an upstream's calls, that one is counted here which has never been one of the
 * upstream's: the others have counted themselves. */
static void note_call(struct metrics *metrics, struct call_metrics *counters,
                      const struct record_call *call)
{
    counter_add(&counters->outcomes[call->outcome], 1);
    if (call->outcome == CALL_SKIPPED) {
        counter_add(&metrics->upstreams[call->conf->upstream].calls[CALL_SKIPPED], 1);
        return;
    }
    counter_add(&counters->attempts, call->attempts);
    histogram_note_span(&counters->granted, call->granted);
    histogram_note_span(&counters->used, call->used);
    histogram_note_span(&counters->left, span_less(call->granted, call->used));
    if (is_out_of_time(call->outcome) && span_covers(call->used, call->granted))
        histogram_note_span(&metrics->deadline_lateness, span_less(call->used, call->granted));
}

static void note_used_ratio(struct route_metrics *route, const struct record *record)
{
    double most = 1e12;
    double budget = span_as_ms(record->budget);
    double ratio = span_as_ms(record_elapsed(record)) / budget * 1e6;

    if (budget > 0)
        histogram_note(&route->used_ratio, &scale_of_ratios,
                       (int64_t)(ratio < most ? ratio : most));
}

/* What only a request with a route has. */
static void note_plan(struct metrics *metrics, const struct conf *conf, const struct record *record)
{
    size_t route = (size_t)(record->route - conf->routes);
    size_t source = record->source ? (size_t)(record->source - conf->budget_headers)
                                   : conf->budget_headers_count;

    histogram_note_span(&metrics->budgets[route * metrics_sources(conf) + source], record->budget);
    histogram_note_span(&metrics->routes[route].local, record->local);
    note_used_ratio(&metrics->routes[route], record);
    for (size_t i = 0; i < record->calls_count; i++) {
        if (record->calls[i].outcome != CALL_WAITING)
            note_call(metrics, &metrics->calls[route][i], &record->calls[i]);
    }
    if (record->ending != ENDING_TIMEOUT)
        return;
    counter *timeouts = record->blamed == NO_CALL ? metrics->routes[route].timeouts
                                                  : metrics->calls[route][record->blamed].timeouts;
    counter_add(&timeouts[record->reason], 1);
    counter_add(&metrics->routes[route].whose[record->whose], 1);
}

void metrics_note(struct metrics *metrics, const struct conf *conf, const struct record *record)
{
    struct route_metrics *route = metrics_of_route(metrics, conf, record->route);

    counter_add(&route->requests[method_of_record(record)][record->ending], 1);
    histogram_note_span(&route->elapsed, record_elapsed(record));
    if (record->ending == ENDING_CLIENT_GONE)
        note_abort(metrics, record);
    if (record->route)
        note_plan(metrics, conf, record);
}
