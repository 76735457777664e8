#include "proxy/metrics_rows.h"

const char *ending_label(unsigned value)
{
    return ending_name((enum ending)value);
}

const char *reason_label(unsigned value)
{
    return reason_name((enum reason)value);
}

const char *whose_label(unsigned value)
{
    return whose_name((enum whose)value);
}

static const char *verdict_label(unsigned value)
{
    return retry_verdict_name((enum retry_verdict)value);
}

const char *outcome_label(unsigned value)
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

static const char *loss_label(unsigned value)
{
    static const char *const names[TRACE_LOSS_KINDS] = {"full", "failed", "refused", "stopped"};

    return names[value];
}

static const char *class_label(unsigned value)
{
    static const char *const names[RESPONSE_CLASSES] = {"1xx", "2xx", "3xx", "4xx", "5xx"};

    return names[value];
}

#define BIT(value) (UINT64_C(1) << (value))
#define FROM_TO(first, last) (BIT((last) + 1) - BIT(first))

/* Where the numbers are, and how they are told apart. */
#define IN(room, field) offsetof(struct room, field)
#define ONE NULL, NULL, 1, 1, false
#define ONE_OBSERVED NULL, NULL, 1, 1, true

#define NOBODY_TO_BLAME                                                                      \
    (BIT(REASON_ARRIVAL) | BIT(REASON_INFEASIBLE) | BIT(REASON_LOCAL) | BIT(REASON_UPLOAD) | \
     BIT(REASON_DRAIN))

/* A row without a sentence goes on with the metric of the row before it. */
const struct metrics_row metrics_rows[] = {
    {"hourglass_requests_total", "Requests that have ended, by how they ended.", KIND_COUNTER,
     OWNER_METHOD, 0, "outcome", ending_label, ENDINGS, FROM_TO(0, ENDINGS - 1), false},
    {"hourglass_request_duration_seconds", "From the first byte of a request to its end.",
     KIND_DURATIONS, OWNER_ROUTE, IN(route_metrics, elapsed), ONE},
    {"hourglass_budget_seconds", "Budgets of requests, by the header that named them.",
     KIND_DURATIONS, OWNER_SOURCE, 0, ONE},
    {"hourglass_budget_used_ratio", "How long requests took, as a part of their budget.",
     KIND_RATIOS, OWNER_ROUTE, IN(route_metrics, used_ratio), ONE},
    {"hourglass_local_seconds",
     "Time of requests in which no call ran: the proxy's own work and waiting for the client.",
     KIND_DURATIONS, OWNER_ROUTE, IN(route_metrics, local), ONE},
    {"hourglass_timeouts_total",
     "Requests answered 504, by what took the time, and the call to blame if there is one.",
     KIND_COUNTER, OWNER_ROUTE, IN(route_metrics, timeouts), "reason", reason_label, REASONS,
     NOBODY_TO_BLAME, false},
    {"hourglass_timeouts_total", NULL, KIND_COUNTER, OWNER_CALL, IN(call_metrics, timeouts),
     "reason", reason_label, REASONS, FROM_TO(REASON_INFEASIBLE, REASON_QUEUE), false},
    {"hourglass_timeouts_whose_total", "Requests answered 504, by whose limit they ran into.",
     KIND_COUNTER, OWNER_ROUTE, IN(route_metrics, whose), "whose", whose_label, WHOSES,
     FROM_TO(WHOSE_CALL, WHOSE_DRAIN), false},
    {"hourglass_observed_requests_total", "Requests that were not held to their budget.",
     KIND_COUNTER, OWNER_ROUTE, IN(route_metrics, observed), ONE},
    {"hourglass_would_time_out_total",
     "Those of them that would have been answered 504, by what took the time.", KIND_COUNTER,
     OWNER_ROUTE, IN(route_metrics, would_time_out), "reason", reason_label, REASONS,
     BIT(REASON_CALL), true},
    {"hourglass_would_cut_total", "Calls of them that would have been cut.", KIND_COUNTER,
     OWNER_CALL, IN(call_metrics, would_cut), ONE_OBSERVED},
    {"hourglass_would_skip_total", "Calls of them that would have been skipped.", KIND_COUNTER,
     OWNER_CALL, IN(call_metrics, would_skip), ONE_OBSERVED},
    {"hourglass_calls_total", "Calls of requests that have ended, by how they ended.", KIND_COUNTER,
     OWNER_CALL, IN(call_metrics, outcomes), "outcome", outcome_label, OUTCOMES,
     BIT(CALL_OK) | BIT(CALL_TIMEOUT), false},
    {"hourglass_call_attempts_total", "Attempts of calls, retries and hedges among them.",
     KIND_COUNTER, OWNER_CALL, IN(call_metrics, attempts), ONE},
    {"hourglass_call_granted_seconds", "Time that calls were granted.", KIND_DURATIONS, OWNER_CALL,
     IN(call_metrics, granted), ONE},
    {"hourglass_call_used_seconds", "Time that calls took, waiting for a connection included.",
     KIND_DURATIONS, OWNER_CALL, IN(call_metrics, used), ONE},
    {"hourglass_call_left_seconds", "What calls left over of their grants.", KIND_DURATIONS,
     OWNER_CALL, IN(call_metrics, left), ONE},
    {"hourglass_call_late_seconds",
     "From the end of the grant to the end of the answer, of those read to their end.",
     KIND_DURATIONS, OWNER_CALL, IN(call_metrics, late), ONE},
    {"hourglass_requests_begun_total",
     "Requests whose head was read: those that have ended, and those in flight.", KIND_COUNTER,
     OWNER_PROXY, IN(metrics, begun), ONE},
    {"hourglass_requests_in_flight", "Requests begun and not ended.", KIND_GAUGE, OWNER_ROUTE,
     IN(route_metrics, in_flight), ONE},
    {"hourglass_client_aborts_total", "Requests whose client left, by how far they were.",
     KIND_COUNTER, OWNER_PROXY, IN(metrics, aborts), "stage", stage_label, ABORT_STAGES,
     FROM_TO(0, ABORT_STAGES - 1), false},
    {"hourglass_deadline_lateness_seconds", "How long after the end of its grant a call was cut.",
     KIND_DURATIONS, OWNER_PROXY, IN(metrics, deadline_lateness), ONE},
    {"hourglass_cancel_latency_seconds",
     "From the end of a grant, or from when a client was seen to leave, until calls were "
     "cancelled.",
     KIND_DURATIONS, OWNER_PROXY, IN(metrics, cancel_latency), ONE},
    {"hourglass_loop_lag_seconds",
     "How late a timer fires that each worker has, ten times a second.", KIND_DURATIONS,
     OWNER_PROXY, IN(metrics, loop_lag), ONE},
    {"hourglass_connections", "Connections of clients that are open.", KIND_GAUGE, OWNER_PROXY,
     IN(metrics, connections), ONE},
    {"hourglass_connections_accepted_total", "Connections accepted from clients.", KIND_COUNTER,
     OWNER_PROXY, IN(metrics, connections_accepted), ONE},
    {"hourglass_connections_shed_total",
     "Connections answered 503 for max-connections or max-memory.", KIND_COUNTER, OWNER_PROXY,
     IN(metrics, connections_shed), ONE},
    {"hourglass_accept_errors_total", "Connections that could not be accepted.", KIND_COUNTER,
     OWNER_PROXY, IN(metrics, accept_errors), ONE},
    {"hourglass_bad_requests_total",
     "Requests refused for their form: 400, 408, 414, 417, 431, 501 or 505.", KIND_COUNTER,
     OWNER_PROXY, IN(metrics, bad_requests), ONE},
    {"hourglass_malformed_budgets_total", "Budget headers that could not be read.", KIND_COUNTER,
     OWNER_PROXY, IN(metrics, malformed_budgets), ONE},
    {"hourglass_untrusted_budgets_total", "Budget headers not believed because of who sent them.",
     KIND_COUNTER, OWNER_PROXY, IN(metrics, untrusted_budgets), ONE},
    {"hourglass_limit_reached_total", "Connections and requests turned away at a limit, by which.",
     KIND_COUNTER, OWNER_PROXY, IN(metrics, limits), "limit", limit_label, LIMIT_KINDS,
     FROM_TO(0, LIMIT_KINDS - 1), false},
    {"hourglass_trace_spans_exported_total", "Spans of traces that the collector has taken.",
     KIND_COUNTER, OWNER_PROXY, IN(metrics, trace_spans_exported), ONE},
    {"hourglass_trace_spans_dropped_total", "Spans of traces that were not, by why.", KIND_COUNTER,
     OWNER_PROXY, IN(metrics, trace_spans_dropped), "why", loss_label, TRACE_LOSS_KINDS,
     FROM_TO(0, TRACE_LOSS_KINDS - 1), false},
    {"hourglass_upstream_calls_total", "Calls that have ended, by how they ended.", KIND_COUNTER,
     OWNER_UPSTREAM, IN(upstream_metrics, calls), "outcome", outcome_label, OUTCOMES,
     FROM_TO(CALL_OK, CALL_STATUS), false},
    {"hourglass_upstream_responses_total", "Responses to attempts, by the class of their status.",
     KIND_COUNTER, OWNER_UPSTREAM, IN(upstream_metrics, responses), "status", class_label,
     RESPONSE_CLASSES, FROM_TO(1, RESPONSE_CLASSES - 1), false},
    {"hourglass_upstream_calls_in_flight", "Calls begun and not ended.", KIND_GAUGE, OWNER_UPSTREAM,
     IN(upstream_metrics, in_flight), ONE},
    {"hourglass_upstream_queue_length", "Calls that wait for a free connection.", KIND_GAUGE,
     OWNER_UPSTREAM, IN(upstream_metrics, queued), ONE},
    {"hourglass_upstream_retries_total", "Attempts after the first of a call.", KIND_COUNTER,
     OWNER_UPSTREAM, IN(upstream_metrics, retries), ONE},
    {"hourglass_upstream_retries_refused_total",
     "Failed attempts that were not followed by another, by why.", KIND_COUNTER, OWNER_UPSTREAM,
     IN(upstream_metrics, retries_refused), "why", verdict_label, RETRY_VERDICTS,
     FROM_TO(RETRY_NO_RAN_OUT, RETRY_NO_ALLOWANCE), false},
    {"hourglass_upstream_hedges_total", "Attempts that raced one that was slow.", KIND_COUNTER,
     OWNER_UPSTREAM, IN(upstream_metrics, hedges), ONE},
    {"hourglass_upstream_hedges_won_total", "Those of them that answered first.", KIND_COUNTER,
     OWNER_UPSTREAM, IN(upstream_metrics, hedges_won), ONE},
    {"hourglass_upstream_hedges_refused_total",
     "Slow attempts that were not raced, for want of a share, a place, time or the body.",
     KIND_COUNTER, OWNER_UPSTREAM, IN(upstream_metrics, hedges_refused), ONE},
    {"hourglass_upstream_drained_total",
     "Answers that came after the end of their grant, and were read to their end.", KIND_COUNTER,
     OWNER_UPSTREAM, IN(upstream_metrics, drained), ONE},
    {"hourglass_upstream_drains_given_up_total",
     "Late answers that were not: too late, too long, broken, or in the way.", KIND_COUNTER,
     OWNER_UPSTREAM, IN(upstream_metrics, drains_given_up), ONE},
    {"hourglass_upstream_late_seconds",
     "From the end of the grant to the end of the answer, of those read to their end.",
     KIND_DURATIONS, OWNER_UPSTREAM, IN(upstream_metrics, late), ONE},
};

const size_t metrics_rows_count = sizeof metrics_rows / sizeof metrics_rows[0];
