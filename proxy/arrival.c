#include "proxy/arrival.h"

#include <string.h>

#include "conf/method.h"
#include "conf/route.h"
#include "proxy/clock.h"
#include "proxy/exchange.h"
#include "proxy/observe.h"
#include "proxy/trace_notes.h"
#include "proxy/worker.h"

static struct text copy_text(struct exchange *exchange, struct text text)
{
    return (struct text){.at = arena_copy(&exchange->arena, text), .count = text.count};
}

static struct text request_id(struct exchange *exchange)
{
    const struct request *request = exchange->request;
    const struct header *given =
        header_find(request->headers, request->headers_count, TEXT("x-request-id"));

    if (given && exchange->is_trusted && trace_id_is_valid(given->value))
        return copy_text(exchange, given->value);
    char *fresh = arena_take(&exchange->arena, TRACE_ID_LENGTH + 1);
    trace_id_write(&exchange->worker->ids, fresh);
    return (struct text){.at = fresh, .count = TRACE_ID_LENGTH};
}

/* Of a trace that begins here we decide, by lot, whether it is recorded; of another, who called us. */
static void begin_notes(struct exchange *exchange)
{
    const struct conf_proxy *conf = &exchange->worker->conf->proxy;
    struct trace_context *trace = &exchange->trace;

    if (!trace->is_given)
        trace->is_sampled =
            trace_lot(text_of(trace->id), SHARE_WHOLE) < (uint32_t)conf->trace_share;
    if (trace->is_sampled)
        exchange->notes =
            trace_notes_create(&exchange->arena, &exchange->worker->ids, trace, exchange->request);
}

struct exchange *arrival_create(struct worker *worker, struct client *client,
                                const struct request *request)
{
    struct arena arena;

    arena_init(&arena, &worker->pool);
    struct exchange *exchange = arena_take(&arena, sizeof *exchange);
    *exchange = (struct exchange){
        .worker = worker,
        .client = client,
        .request = request,
        .arena = arena,
        .started = request->started,
        .body_ended = request->body == BODY_NONE ? request->started : INSTANT_NEVER,
        .answered = INSTANT_NEVER,
        .alarm = INSTANT_NEVER,
        .is_trusted = request->peer->is_trusted,
        .blamed = NO_CALL,
        .next = worker->exchanges,
        .link = &worker->exchanges,
    };
    if (exchange->next)
        exchange->next->link = &exchange->next;
    worker->exchanges = exchange;
    memcpy(exchange->peer, request->peer->address, sizeof exchange->peer);
    exchange->id = request_id(exchange);
    exchange->trace = trace_context_of(request->headers, request->headers_count, &worker->ids);
    if (worker->exporter)
        begin_notes(exchange);
    exchange->method = copy_text(exchange, request->method);
    exchange->path = copy_text(exchange, request->path);
    exchange->query = copy_text(exchange, request->query);
    counter_add(&worker->metrics.begun, 1);
    return exchange;
}

/* CONNECT and TRACE go nowhere, whatever the routes say: this is no tunnel, and TRACE would show
 * what the proxy adds (RFC 9110 sections 9.3.6 and 9.3.8). */
static const char *find_route(struct exchange *exchange, const char **ret_allow)
{
    const struct conf *conf = exchange->worker->conf;
    struct route_match match = route_find(conf->table, exchange->method, exchange->path);
    bool is_barred =
        text_is(exchange->method, TEXT("CONNECT")) || text_is(exchange->method, TEXT("TRACE"));

    *ret_allow = match.result == ROUTE_OTHER_METHOD ? match.allow : NULL;
    if (*ret_allow || is_barred) {
        if (!*ret_allow)
            *ret_allow = match.result == ROUTE_FOUND ? METHODS_IN_USE : "";
        exchange->ending = ENDING_REFUSED;
        exchange->status = 405;
        return "the route does not allow this method";
    }
    if (match.result == ROUTE_NONE) {
        exchange->ending = ENDING_REFUSED;
        exchange->status = 404;
        return "no route matches this path";
    }
    exchange->route = &conf->routes[match.route];
    exchange->names = arena_take(&exchange->arena, (match.names_count + 1) * sizeof *match.names);
    memcpy(exchange->names, match.names, match.names_count * sizeof *match.names);
    return NULL;
}

const char *arrival_find_route(struct exchange *exchange, const char **ret_allow)
{
    struct worker *worker = exchange->worker;
    const char *refusal = find_route(exchange, ret_allow);

    counter_add(&metrics_of_route(&worker->metrics, worker->conf, exchange->route)->in_flight, 1);
    return refusal;
}

bool arrival_on_half_closed(void *owner, struct instant now)
{
    const struct exchange *exchange = owner;

    (void)now;
    return exchange->route && exchange->route->outlives_half_close;
}

/* The wall clock when the request began, since that is when its budget begins: while its head was
 * on its way, the time until an instant has become no less of what counts from then on. */
static int64_t realtime_at_start_ms(const struct exchange *exchange, struct instant now)
{
    return clock_realtime_ms() - span_floor_ms(span_until(now, exchange->started));
}

static void read_budget(struct exchange *exchange, struct instant now)
{
    const struct worker *worker = exchange->worker;
    struct metrics *metrics = &exchange->worker->metrics;
    struct wire_reading reading;

    wire_begin(&reading);
    for (size_t i = 0; i < exchange->request->headers_count; i++) {
        const struct header *header = &exchange->request->headers[i];
        int field;
        if (header_fate_of_request(worker->rules, header->name, &field) != HEADER_BUDGET ||
            field < 0)
            continue;
        if (exchange->is_trusted)
            wire_take(&reading, field, &worker->conf->budget_headers[field], header->value.at,
                      header->value.count);
        else
            counter_add(&metrics->untrusted_budgets, 1);
    }
    int64_t realtime_ms = reading.epoch_field >= 0 ? realtime_at_start_ms(exchange, now) : 0;
    exchange->asked = wire_end(&reading, realtime_ms, exchange->route->policy.max);
    counter_add(&metrics->malformed_budgets, exchange->asked.malformed);
}

const char *arrival_open_plan(struct exchange *exchange, const struct call_events *events,
                              struct instant now)
{
    const struct conf_route *route = exchange->route;
    struct worker *worker = exchange->worker;
    struct ledger_entry *ledger = arena_take(&exchange->arena, route->calls_count * sizeof *ledger);
    const struct attempt_place place = {
        .loop = worker->curl_loop,
        .arena = &exchange->arena,
        .pool = &worker->pool,
        .random = &worker->ids,
        .notes = exchange->notes,
    };

    read_budget(exchange, now);
    plan_open(&exchange->plan, &route->policy, ledger,
              exchange->asked.any ? &exchange->asked.budget : NULL, exchange->started);
    exchange->is_observed = observe_chooses(exchange);
    if (exchange->is_observed)
        plan_observe(&exchange->plan);
    exchange->calls = arena_take(&exchange->arena, route->calls_count * sizeof *exchange->calls);
    for (size_t i = 0; i < route->calls_count; i++) {
        struct call *call = &exchange->calls[i];
        call_init(call, &place, upstream_at(worker->upstreams, route->calls[i].upstream),
                  &route->calls[i]);
        call->entry = &ledger[i];
        call->events = events;
        call->metrics = &worker->metrics.calls[route - worker->conf->routes][i];
        call->owner = exchange;
        if (exchange->is_observed)
            call->policy.attempt = SPAN_FOREVER;
        call->is_json = route->answers == ANSWER_MERGE;
        if (route->calls[i].is_passing && !gather_is_needed(exchange))
            exchange->passing = call;
    }
    if (route->answers == ANSWER_CALL) {
        exchange->answer = &exchange->calls[route->answer];
        exchange->answer->held_max = route->buffer_first;
    }
    if (exchange->asked.malformed == 0 || !exchange->route->rejects_malformed)
        return NULL;
    exchange->ending = ENDING_REFUSED;
    exchange->status = 400;
    return "a budget header cannot be read";
}
