#include "conf/option.h"

#include <string.h>

#define PROXY(field) offsetof(struct proxy_draft, field)
#define BUDGET(field) offsetof(struct budget_draft, field)
#define UPSTREAM(field) offsetof(struct upstream_draft, field)
#define ROUTE(field) offsetof(struct route_draft, field)
#define CALL(field) offsetof(struct call_draft, field)
#define STUB(field) offsetof(struct stub_draft, field)

enum { REPEATS = OPTION_REPEATS, REQUIRED = OPTION_REQUIRED, INHERITS = OPTION_INHERITS };

/* clang-format off */
static const struct option options[] = {
    {SECTION_PROXY, "listen", set_listens, PROXY(listens), NULL, REQUIRED,
     "where clients connect: IP addresses with port and unix:/path, comma separated"},
    {SECTION_PROXY, "workers", set_workers, PROXY(made.workers), "auto", 0,
     "threads that serve clients; auto: one per core"},
    {SECTION_PROXY, "admin", set_admin, PROXY(made.admin), "off", 0,
     "where the page /, /routes, /requests, /metrics, /healthz and /readyz are served, or off"},
    {SECTION_PROXY, "trust", set_trusts, PROXY(trusts), "127.0.0.0/8, ::1/128, unix", 0,
     "peers whose budget and forwarding headers are believed: networks, unix, or none"},
    {SECTION_PROXY, "drain", set_span, PROXY(made.drain), "10s", 0,
     "how long requests in flight may go on after SIGTERM"},
    {SECTION_PROXY, "max-connections", set_clients, PROXY(made.max_connections), "10000", 0,
     "clients connected at the same time, at most: 503 beyond it"},
    {SECTION_PROXY, "max-memory", set_memory_size, PROXY(made.max_memory), "512MiB", 0,
     "what connections and requests may hold, in all: 503 beyond it"},
    {SECTION_PROXY, "max-header", set_header_size, PROXY(made.max_header), "16KiB", 0,
     "request line and headers, at most: 414 or 431 beyond it"},
    {SECTION_PROXY, "header-timeout", set_some_span, PROXY(made.header_timeout), "10s", 0,
     "from the first byte of a request to the end of its headers: 408 beyond it"},
    {SECTION_PROXY, "idle-timeout", set_some_span, PROXY(made.idle_timeout), "60s", 0,
     "how long a client's connection is kept open between requests"},
    {SECTION_PROXY, "log", set_log, PROXY(made.log), "stderr", 0,
     "stderr, off, or a file, which is reopened on SIGUSR1"},
    {SECTION_PROXY, "log-format", set_log_format, PROXY(made.logs_json), "logfmt", 0,
     "how its lines are written: logfmt, or json, one object for each"},
    {SECTION_PROXY, "log-when", set_log_when, PROXY(made.log_when), "all", 0,
     "which requests it has: all; failed, refused ones such as 404 too; or slow:80%, also those that "
     "used more of their budget"},
    {SECTION_PROXY, "log-sample", set_log_sample, PROXY(made.log_sample), "auto", 0,
     "it has this share of those that neither failed nor were slow; auto: as log-when says"},
    {SECTION_PROXY, "log-query", set_yes, PROXY(made.shows_queries), "no", 0,
     "yes: paths are shown with their query"},
    {SECTION_PROXY, "resolver", set_resolver, PROXY(made.resolver), "system", 0,
     "the name server: system for that of /etc/resolv.conf, or address:port"},
    {SECTION_PROXY, "recent", set_recent, PROXY(made.recent), "256", 0,
     "ended requests that /requests shows: so many that went well and as many notable, per worker"},
    {SECTION_PROXY, "trace-export", set_trace_export, PROXY(made.trace_export), "off", 0,
     "where spans of traces go, by OTLP/HTTP: http://host:port or unix:/path; or off"},
    {SECTION_PROXY, "trace-share", set_share, PROXY(made.trace_share), "1%", 0,
     "with trace-export: so many of the traces that begin here are sampled"},
    {SECTION_PROXY, "trace-service", set_text, PROXY(made.trace_service), "hourglass", 0,
     "with trace-export: the name of this service in its spans"},

    {SECTION_BUDGET, "header", set_budget_header, BUDGET(headers), "X-Request-Timeout-Ms: ms",
     REPEATS,
     "NAME: FORMAT in which clients say how long they wait: ms, s, duration, grpc, epoch-ms"},
    {SECTION_BUDGET, "default", set_some_span, BUDGET(standard), NULL, REQUIRED,
     "the budget of a request that names none"},
    {SECTION_BUDGET, "max", set_some_span, BUDGET(max), "30s", 0,
     "a client may ask for less than this, never for more"},
    {SECTION_BUDGET, "local", set_local, BUDGET(local), "50ms", 0,
     "kept back for the proxy's own work: a duration, or a share of the budget"},
    {SECTION_BUDGET, "reply", set_reply, BUDGET(reply), "auto", 0,
     "kept back so that a 504 arrives in time; auto: 2%, but 1ms to 20ms"},
    {SECTION_BUDGET, "malformed", set_malformed, BUDGET(rejects_malformed), "default", 0,
     "a budget header that cannot be read: default takes the default, reject answers 400"},
    {SECTION_BUDGET, "scale", set_scale, BUDGET(proportional), "cap", 0,
     "with less than the default: cap keeps fixed budgets as they are, proportional shrinks them"},
    {SECTION_BUDGET, "mode", set_mode, BUDGET(observes), "enforce", 0,
     "enforce: cut what is over its budget; observe: only count it, and cut at max"},
    {SECTION_BUDGET, "enforce-share", set_share, BUDGET(enforce_share), "0%", 0,
     "with mode = observe: this share of the requests is held to its budget all the same"},
    {SECTION_BUDGET, "half-close", set_half_close, BUDGET(outlives_half_close), "abort", 0,
     "a client that has ended its sending side: abort takes it as gone, continue serves it"},
    {SECTION_BUDGET, "buffer-first", set_first_size, BUDGET(buffer_first), "0", 0,
     "so much of a response is held back that it can still become a 504: at most 1MiB"},
    {SECTION_BUDGET, "expose", set_expose, BUDGET(expose), "ledger", 0,
     "trusted clients are told: ledger, what each call used; reason, what failed; or none of it"},

    {SECTION_UPSTREAM, "url", set_url, UPSTREAM(made), NULL, REQUIRED,
     "http://host:port (80 when left out) or unix:/path"},
    {SECTION_UPSTREAM, "connect", set_some_span, UPSTREAM(made.connect), "250ms", 0,
     "to connect takes this at most, inside the grant of the call"},
    {SECTION_UPSTREAM, "tell", set_tell, UPSTREAM(tells), "X-Request-Timeout-Ms: ms", REPEATS,
     "NAME: FORMAT in which this upstream is told what is left, or none"},
    {SECTION_UPSTREAM, "connections", set_connections, UPSTREAM(made.connections), "256", 0,
     "at most, per worker; to wait for one is inside the grant of the call"},
    {SECTION_UPSTREAM, "queue", set_queue, UPSTREAM(made.queue), "1024", 0,
     "calls that wait for a connection at the same time, at most, per worker: 503 beyond it"},
    {SECTION_UPSTREAM, "retry-budget", set_share, UPSTREAM(made.retry_budget), "20%", 0,
     "retries may be this share of its calls, at most"},
    {SECTION_UPSTREAM, "hedge-budget", set_share, UPSTREAM(made.hedge_budget), "5%", 0,
     "hedges may be this share of its calls, at most"},
    {SECTION_UPSTREAM, "on-expiry", set_on_expiry, UPSTREAM(made.drains), "cancel", 0,
     "a call cut for time: cancel closes its connection, drain reads on to keep it"},
    {SECTION_UPSTREAM, "drain-time", set_some_span, UPSTREAM(made.drain_time), "1s", 0,
     "with on-expiry = drain: it is read for so long at most"},
    {SECTION_UPSTREAM, "drain-size", set_body_size, UPSTREAM(made.drain_size), "64KiB", 0,
     "with on-expiry = drain: so much of it is read at most"},

    {SECTION_ROUTE, "match", set_match, ROUTE(pattern), NULL, REQUIRED,
     "methods (any when left out), then a path: literal, {name} for one segment, * for the rest"},
    {SECTION_ROUTE, "steps", set_steps, ROUTE(steps), NULL, 0,
     "the calls: a comma for one step after another, a plus for side by side"},
    {SECTION_ROUTE, "answer", set_name, ROUTE(answer), NULL, 0,
     "the call of the last step whose response the client gets: the last one when left out; merge: "
     "one JSON object of all calls' bodies"},
    {SECTION_ROUTE, "upstream", set_name, ROUTE(upstream), NULL, 0,
     "instead of steps: the one upstream that every request passes through to"},
    {SECTION_ROUTE, "default", set_some_span, ROUTE(budget.standard), NULL, INHERITS,
     "as in [budget], for this route"},
    {SECTION_ROUTE, "max", set_some_span, ROUTE(budget.max), NULL, INHERITS,
     "as in [budget], for this route"},
    {SECTION_ROUTE, "local", set_local, ROUTE(budget.local), NULL, INHERITS,
     "as in [budget], for this route"},
    {SECTION_ROUTE, "reply", set_reply, ROUTE(budget.reply), NULL, INHERITS,
     "as in [budget], for this route"},
    {SECTION_ROUTE, "malformed", set_malformed, ROUTE(budget.rejects_malformed), NULL, INHERITS,
     "as in [budget], for this route"},
    {SECTION_ROUTE, "scale", set_scale, ROUTE(budget.proportional), NULL, INHERITS,
     "as in [budget], for this route"},
    {SECTION_ROUTE, "mode", set_mode, ROUTE(budget.observes), NULL, INHERITS,
     "as in [budget], for this route"},
    {SECTION_ROUTE, "enforce-share", set_share, ROUTE(budget.enforce_share), NULL, INHERITS,
     "as in [budget], for this route"},
    {SECTION_ROUTE, "half-close", set_half_close, ROUTE(budget.outlives_half_close), NULL, INHERITS,
     "as in [budget], for this route"},
    {SECTION_ROUTE, "buffer-first", set_first_size, ROUTE(budget.buffer_first), NULL, INHERITS,
     "as in [budget], for this route"},
    {SECTION_ROUTE, "expose", set_expose, ROUTE(budget.expose), NULL, INHERITS,
     "as in [budget], for this route"},

    {SECTION_CALL, "upstream", set_name, CALL(upstream), NULL, REQUIRED,
     "whom to call"},
    {SECTION_CALL, "request", set_request, CALL(request), NULL, 0,
     "METHOD /path?query, with values in braces; left out: the client's own request passes through"},
    {SECTION_CALL, "budget", set_call_budget, CALL(policy.budget), "rest", 0,
     "how long it may take: a duration, a share of the whole budget, or rest"},
    {SECTION_CALL, "min", set_span, CALL(policy.min), "0ms", 0,
     "with less time than this, or none at all, it is not started; kept back from calls before it"},
    {SECTION_CALL, "optional", set_yes, CALL(policy.optional), "no", 0,
     "yes: when it fails or finds no time it leaves a gap, not an error"},
    {SECTION_CALL, "header", set_call_header, CALL(headers), NULL, REPEATS,
     "NAME: VALUE to set on its request, in place of the client's; braces as in request"},
    {SECTION_CALL, "body", set_text, CALL(body), NULL, 0,
     "of its request, which then must be set too; braces as in request"},
    {SECTION_CALL, "max-body", set_body_size, CALL(body_max), "1MiB", 0,
     "of its answer, if a later call or the merge needs the body: with more than this it fails"},
    {SECTION_CALL, "fallback", set_fallback, CALL(fallback), NULL, 0,
     "what stands in when it fails: call NAME, another call; or JSON for an optional call's body"},
    {SECTION_CALL, "retries", set_retries, CALL(retry.retries), "0", 0,
     "further attempts after a failure, inside the grant: at most 10"},
    {SECTION_CALL, "retry-on", set_retry_on, CALL(retry.on), "connect, timeout, 502, 503, 504", 0,
     "which failures: connect, timeout, 429, 500 to 599; unsafe adds methods such as POST"},
    {SECTION_CALL, "attempt", set_attempt, CALL(retry.attempt), "rest", 0,
     "the most that one attempt may take: a duration, or rest for all that is left of the grant"},
    {SECTION_CALL, "backoff", set_span, CALL(retry.backoff), "5ms", 0,
     "the wait before the first retry, at most; doubled for each one after it"},
    {SECTION_CALL, "hedge", set_hedge, CALL(hedge), "off", 0,
     "off; or when a second attempt races the first: 80ms, or p95 of what its upstream takes"},

    {SECTION_STUB, "listen", set_listen, STUB(made.listen), NULL, REQUIRED,
     "where this upstream, played by the proxy itself, listens"},
    {SECTION_STUB, "latency", set_latency, STUB(latency), "0ms", 0,
     "80ms; or 20ms..200ms, evenly; or lognormal(80ms, 400ms): median and 99th percentile"},
    {SECTION_STUB, "status", set_status, STUB(made.status), "200", 0,
     "the status of its answers"},
    {SECTION_STUB, "body", set_text, STUB(made.body), "", OPTION_EMPTY,
     "the body of its answers"},
    {SECTION_STUB, "fail", set_share, STUB(made.fail), "0%", 0,
     "the share of requests that it answers 503 instead"},
};
/* clang-format on */

enum { OPTIONS_COUNT = sizeof options / sizeof options[0] };

const struct option *option_first(enum section_kind kind)
{
    const struct option *option = options;

    while (option->section != kind)
        option++;
    return option;
}

size_t option_count(enum section_kind kind)
{
    const struct option *first = option_first(kind);
    const struct option *end = first;

    while (end < options + OPTIONS_COUNT && end->section == kind)
        end++;
    return (size_t)(end - first);
}

const struct option *option_find(enum section_kind kind, const char *key)
{
    const struct option *option = option_first(kind);

    for (size_t left = option_count(kind); left > 0; left--, option++) {
        if (strcmp(option->key, key) == 0)
            return option;
    }
    return NULL;
}

static void print_default(FILE *out, const struct option *option)
{
    const char *text = option->standard ? option->standard : "-";

    if (option->flags & OPTION_REQUIRED)
        text = "(required)";
    else if (option->flags & OPTION_INHERITS)
        text = "as in [budget]";
    else if (!*text)
        text = "(empty)";
    fprintf(out, "  %-16s %-31s %s\n", option->key, text, option->help);
}

void conf_print_options(FILE *out)
{
    for (enum section_kind kind = 0; kind < SECTION_KINDS; kind++) {
        const struct option *option = option_first(kind);
        fprintf(out, "%s[%s]\n", kind > 0 ? "\n" : "", section_form(kind));
        for (size_t left = option_count(kind); left > 0; left--, option++)
            print_default(out, option);
    }
}
