#include "proxy/routes_json.h"

#include "proxy/metrics_rows.h"
#include "proxy/writer_json.h"

#ifndef HOURGLASS_VERSION
#define HOURGLASS_VERSION "0.0.0"
#endif

struct json {
    FILE *out; /* nobody else knows it: its lock is left out */
    const struct metrics_view *view;
};

/* A counter's sum. */
static uint64_t sum_at(const struct json *json, struct metrics_place place, size_t field)
{
    place.field = field;
    return metrics_sum_one(json->view, &place);
}

#define SUM(json, place, room, member) sum_at(json, place, offsetof(struct room, member))

/* ---- values; `before` is what comes before one: its comma, its name and its colon -------------- */

static void put_count(const struct json *json, const char *before, uint64_t count)
{
    fprintf(json->out, "%s%llu", before, (unsigned long long)count);
}

static void put_name(const struct json *json, const char *before, const char *name)
{
    char room[2048];
    struct writer writer = writer_on(room, sizeof room);

    write_json_name(&writer, before, name);
    fwrite_unlocked(room, 1, writer_text(&writer).count, json->out);
}

static void put_ms(const struct json *json, const char *before, struct span span)
{
    char room[128];
    struct writer writer = writer_on(room, sizeof room);

    write_json_span(&writer, before, span);
    fwrite_unlocked(room, 1, writer_text(&writer).count, json->out);
}

static void put_word(const struct json *json, const char *before, const char *word)
{
    fputs_unlocked(before, json->out);
    fputs_unlocked(word, json->out);
}

/* Counters of which each has a name: {"ok":17,...}. */
struct names {
    const char *(*name)(unsigned);
    unsigned first, last;
};

static void put_named(const struct json *json, const struct names *names, const uint64_t *counts)
{
    for (unsigned i = names->first; i <= names->last; i++)
        fprintf(json->out, "%c\"%s\":%llu", i == names->first ? '{' : ',', names->name(i),
                (unsigned long long)counts[i]);
    putc_unlocked('}', json->out);
}

static void put_spread(const struct json *json, const char *before, const struct scale *scale,
                       const struct metrics_spread *spread)
{
    char room[32 * (HISTOGRAM_BUCKETS + 4)];
    struct writer writer = writer_on(room, sizeof room);

    write_string(&writer, before);
    write_json_count(&writer, "{\"count\":", spread->count);
    if (scale == &scale_of_ratios) {
        write_string(&writer, ",\"sum\":");
        write_decimal(&writer, spread->sum, scale->digits);
    } else {
        write_json_span(&writer, ",\"sum_ms\":", (struct span){.ns = (int64_t)spread->sum});
    }
    write_string(&writer, ",\"buckets\":");
    for (size_t i = 0; i <= scale->count; i++) {
        write_char(&writer, i == 0 ? '[' : ',');
        write_number(&writer, (int64_t)spread->buckets[i]);
    }
    write_string(&writer, "]}");
    fwrite_unlocked(room, 1, writer_text(&writer).count, json->out);
}

static void put_spread_at(const struct json *json, const char *before, struct metrics_place place,
                          size_t field)
{
    struct metrics_spread spread;

    place.field = field;
    metrics_spread(json->view, &place, &spread);
    put_spread(json, before, &scale_of_durations, &spread);
}

/* ---- a route ---------------------------------------------------------------------------------- */

/* Of all methods. */
static void put_requests(const struct json *json, size_t route)
{
    static const struct names names = {ending_label, 0, ENDINGS - 1};
    struct metrics_place place = {.owner = OWNER_METHOD, .index = route};
    uint64_t counts[ENDINGS] = {0}, of_method[ENDINGS];

    for (place.part = 0; place.part < METHOD_KINDS; place.part++) {
        metrics_sum(json->view, &place, of_method, ENDINGS);
        for (size_t i = 0; i < ENDINGS; i++)
            counts[i] += of_method[i];
    }
    put_named(json, &names, counts);
}

/* With a call to blame, whichever it is, or without. */
static void put_timeouts(const struct json *json, size_t route)
{
    static const struct names names = {reason_label, REASON_ARRIVAL, REASON_DRAIN};
    struct metrics_place place = {
        .owner = OWNER_ROUTE, .index = route, .field = offsetof(struct route_metrics, timeouts)};
    uint64_t counts[REASONS], of_call[REASONS];

    metrics_sum(json->view, &place, counts, REASONS);
    place.owner = OWNER_CALL;
    place.field = offsetof(struct call_metrics, timeouts);
    for (; place.part < json->view->conf->routes[route].calls_count; place.part++) {
        metrics_sum(json->view, &place, of_call, REASONS);
        for (size_t i = 0; i < REASONS; i++)
            counts[i] += of_call[i];
    }
    put_named(json, &names, counts);
}

static void put_whose(const struct json *json, struct metrics_place place)
{
    static const struct names names = {whose_label, WHOSE_CALL, WHOSE_DRAIN};
    uint64_t counts[WHOSES];

    place.field = offsetof(struct route_metrics, whose);
    metrics_sum(json->view, &place, counts, WHOSES);
    put_word(json, ",\"timeouts_whose\":", "");
    put_named(json, &names, counts);
}

/* Of requests that were not held to their budget. */
static void put_observed(const struct json *json, struct metrics_place place)
{
    static const struct names names = {reason_label, REASON_ARRIVAL, REASON_DRAIN};
    uint64_t counts[REASONS];

    put_count(json, ",\"observed\":", SUM(json, place, route_metrics, observed));
    place.field = offsetof(struct route_metrics, would_time_out);
    metrics_sum(json->view, &place, counts, REASONS);
    put_word(json, ",\"would_time_out\":", "");
    put_named(json, &names, counts);
}

/* The budgets of all sources. */
static void put_budget(const struct json *json, size_t route)
{
    const struct metrics_view *view = json->view;
    struct metrics_place place = {.owner = OWNER_SOURCE, .index = route};
    struct metrics_spread spread, all;

    metrics_spread(view, &place, &all);
    for (place.part = 1; place.part < metrics_sources(view->conf); place.part++) {
        metrics_spread(view, &place, &spread);
        all.sum += spread.sum;
        all.count += spread.count;
        for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
            all.buckets[i] += spread.buckets[i];
    }
    put_spread(json, ",\"budget\":", &scale_of_durations, &all);
}

static void put_used_ratio(const struct json *json, struct metrics_place place)
{
    struct metrics_spread spread;

    place.field = offsetof(struct route_metrics, used_ratio);
    metrics_spread(json->view, &place, &spread);
    put_spread(json, ",\"used_ratio\":", &scale_of_ratios, &spread);
}

static void put_call(const struct json *json, size_t route, size_t call)
{
    static const struct names names = {outcome_label, CALL_OK, CALL_STATUS};
    const struct conf *conf = json->view->conf;
    const struct conf_call *of = &conf->routes[route].calls[call];
    struct metrics_place place = {.owner = OWNER_CALL, .index = route, .part = call};
    uint64_t outcomes[OUTCOMES];

    metrics_sum(json->view, &place, outcomes, OUTCOMES);
    put_name(json, call == 0 ? "{\"name\":" : ",{\"name\":", of->name);
    put_name(json, ",\"upstream\":", conf->upstreams[of->upstream].name);
    put_word(json,
             ",\"optional\":", conf->routes[route].policy.calls[call].optional ? "true" : "false");
    put_word(json, ",\"outcomes\":", "");
    put_named(json, &names, outcomes);
    put_count(json, ",\"attempts\":", SUM(json, place, call_metrics, attempts));
    put_spread_at(json, ",\"granted\":", place, offsetof(struct call_metrics, granted));
    put_spread_at(json, ",\"used\":", place, offsetof(struct call_metrics, used));
    put_spread_at(json, ",\"left\":", place, offsetof(struct call_metrics, left));
    put_spread_at(json, ",\"late\":", place, offsetof(struct call_metrics, late));
    put_word(json, "}", "");
}

static void put_route(const struct json *json, size_t index)
{
    const struct conf_route *route = &json->view->conf->routes[index];
    struct metrics_place place = {.owner = OWNER_ROUTE, .index = index};

    put_name(json, index == 0 ? "{\"name\":" : ",{\"name\":", route->name);
    put_name(json, ",\"match\":", route->match);
    put_name(json, ",\"mode\":", route->enforce_share == SHARE_WHOLE ? "enforce" : "observe");
    put_ms(json, ",\"default_ms\":", route->policy.default_budget);
    put_ms(json, ",\"max_ms\":", route->policy.max);
    put_count(json, ",\"in_flight\":", SUM(json, place, route_metrics, in_flight));
    put_word(json, ",\"requests\":", "");
    put_requests(json, index);
    put_word(json, ",\"timeouts\":", "");
    put_timeouts(json, index);
    put_whose(json, place);
    put_observed(json, place);
    put_spread_at(json, ",\"elapsed\":", place, offsetof(struct route_metrics, elapsed));
    put_budget(json, index);
    put_used_ratio(json, place);
    put_spread_at(json, ",\"local\":", place, offsetof(struct route_metrics, local));
    put_word(json, ",\"calls\":", "[");
    for (size_t i = 0; i < route->calls_count; i++)
        put_call(json, index, i);
    put_word(json, "]}", "");
}

/* ---- the whole -------------------------------------------------------------------------------- */

static void put_upstream(const struct json *json, size_t index)
{
    const struct metrics_view *view = json->view;
    const struct conf_upstream *upstream = &view->conf->upstreams[index];
    struct metrics_place place = {.owner = OWNER_UPSTREAM, .index = index};

    put_name(json, index == 0 ? "{\"name\":" : ",{\"name\":", upstream->name);
    put_count(json, ",\"in_flight\":", SUM(json, place, upstream_metrics, in_flight));
    put_count(json, ",\"queued\":", SUM(json, place, upstream_metrics, queued));
    put_count(json, ",\"connections\":", view->workers_count * upstream->connections);
    put_count(json, ",\"retries\":", SUM(json, place, upstream_metrics, retries));
    put_count(json, ",\"hedges\":", SUM(json, place, upstream_metrics, hedges));
    put_count(json, ",\"hedges_won\":", SUM(json, place, upstream_metrics, hedges_won));
    put_word(json, "}", "");
}

static uint64_t in_flight_of_all(const struct json *json)
{
    struct metrics_place place = {.owner = OWNER_ROUTE};
    uint64_t total = 0;

    for (; place.index <= json->view->conf->routes_count; place.index++)
        total += SUM(json, place, route_metrics, in_flight);
    return total;
}

static void put_process(const struct json *json)
{
    const struct metrics_whole *whole = &json->view->whole;
    struct metrics_place place = {.owner = OWNER_PROXY};

    put_count(json, ",\"process\":{\"workers\":", json->view->workers_count);
    put_count(json, ",\"in_flight\":", in_flight_of_all(json));
    put_count(json, ",\"connections\":", SUM(json, place, metrics, connections));
    put_count(json, ",\"max_connections\":", whole->max_connections);
    put_count(json, ",\"memory_bytes\":", whole->memory_bytes);
    put_count(json, ",\"memory_max_bytes\":", whole->memory_max_bytes);
    put_count(json, ",\"log_lines_dropped\":", whole->log.dropped);
    put_spread_at(json, ",\"loop_lag\":", place, offsetof(struct metrics, loop_lag));
    put_spread_at(json, ",\"deadline_lateness\":", place,
                  offsetof(struct metrics, deadline_lateness));
    put_word(json, "}", "");
}

static void put_bounds(const struct json *json, const char *before, const struct scale *scale,
                       int64_t unit)
{
    put_word(json, before, "");
    for (size_t i = 0; i < scale->count; i++)
        fprintf(json->out, "%c%.7g", i == 0 ? '[' : ',', (double)scale->bounds[i] / (double)unit);
    put_word(json, "]", "");
}

void routes_json_print(FILE *out, const struct metrics_view *view)
{
    const struct json json = {out, view};
    const struct conf *conf = view->conf;

    fprintf(out, "{\"time_ms\":%lld", (long long)view->whole.time_ms);
    put_count(&json, ",\"uptime_ms\":", (uint64_t)span_floor_ms(view->whole.uptime));
    put_name(&json, ",\"version\":", HOURGLASS_VERSION);
    put_bounds(&json, ",\"le_ms\":", &scale_of_durations, NS_PER_MS);
    put_bounds(&json, ",\"le_ratio\":", &scale_of_ratios, SHARE_WHOLE);
    put_process(&json);
    put_word(&json, ",\"unrouted\":", "");
    put_requests(&json, conf->routes_count);
    put_word(&json, ",\"routes\":", "[");
    for (size_t i = 0; i < conf->routes_count; i++)
        put_route(&json, i);
    put_word(&json, "],\"upstreams\":", "[");
    for (size_t i = 0; i < conf->upstreams_count; i++)
        put_upstream(&json, i);
    put_word(&json, "]}\n", "");
}
