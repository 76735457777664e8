#include "proxy/top_sample.h"

#include "conf/json.h"
#include "proxy/top_json.h"

/* Of more, the last are not told apart. */
enum { BOUNDS_MAX = 256 };

/* Where the histograms of a sample get their bounds. */
struct bounds {
    double *list;
    size_t count;
};

struct reader {
    struct store *store;
    struct bounds times;  /* le_ms */
    struct bounds shares; /* le_ratio */
};

/* ---- numbers ---------------------------------------------------------------------------------- */

/* At most `most` of the numbers of an array. */
static void read_numbers(struct text array, double *to, size_t most)
{
    struct json_walk walk = top_json_elements(array);
    struct text name;
    struct text value;

    for (size_t i = 0; i < most && json_walk_next(&walk, &name, &value); i++)
        to[i] = top_json_value(value);
}

static struct bounds read_bounds(struct text array, struct store *store)
{
    struct bounds bounds = {.count = top_json_count(array)};

    if (bounds.count > BOUNDS_MAX)
        bounds.count = BOUNDS_MAX;
    bounds.list = store_take(store, (bounds.count + 1) * sizeof bounds.list[0]);
    read_numbers(array, bounds.list, bounds.count);
    return bounds;
}

static struct top_histogram read_histogram(const struct bounds *bounds, struct store *store,
                                           struct text object)
{
    struct top_histogram histogram = {
        .count = top_json_number(object, "count"),
        .sum = top_json_number(object, "sum_ms") + top_json_number(object, "sum"),
        .bounds = bounds->list,
        .bounds_count = bounds->count,
        .buckets = store_take(store, (bounds->count + 1) * sizeof(double)),
    };

    read_numbers(top_json_member(object, "buckets"), histogram.buckets, bounds->count + 1);
    return histogram;
}

/* ---- /routes ---------------------------------------------------------------------------------- */

static void read_call(struct reader *reader, struct text object, struct top_call *call)
{
    struct text outcomes = top_json_member(object, "outcomes");

    call->name = top_json_string(object, "name", reader->store);
    for (size_t outcome = 0; outcome < OUTCOMES; outcome++)
        call->outcomes[outcome] =
            top_json_number(outcomes, call_outcome_name((enum call_outcome)outcome));
    call->granted =
        read_histogram(&reader->times, reader->store, top_json_member(object, "granted"));
    call->used = read_histogram(&reader->times, reader->store, top_json_member(object, "used"));
    call->late = read_histogram(&reader->times, reader->store, top_json_member(object, "late"));
}

static void read_calls(struct reader *reader, struct text array, struct top_route *route)
{
    struct json_walk walk = top_json_elements(array);
    struct text name;
    struct text object;

    route->calls = store_take(reader->store, (top_json_count(array) + 1) * sizeof *route->calls);
    while (json_walk_next(&walk, &name, &object))
        read_call(reader, object, &route->calls[route->calls_count++]);
}

static void read_requests(struct text object, double requests[static ENDINGS])
{
    for (enum ending ending = 0; ending < ENDINGS; ending++)
        requests[ending] = top_json_number(object, ending_name(ending));
}

static void read_reasons(struct text object, double counts[static REASONS])
{
    for (enum reason reason = REASON_ARRIVAL; reason < (enum reason)REASONS; reason++)
        counts[reason] = top_json_number(object, reason_name(reason));
}

static void read_whose(struct text object, double counts[static WHOSES])
{
    for (enum whose whose = WHOSE_CALL; whose < (enum whose)WHOSES; whose++)
        counts[whose] = top_json_number(object, whose_name(whose));
}

static void read_route(struct reader *reader, struct text object, struct top_route *route)
{
    struct store *store = reader->store;

    route->name = top_json_string(object, "name", store);
    route->in_flight = top_json_number(object, "in_flight");
    read_requests(top_json_member(object, "requests"), route->requests);
    read_reasons(top_json_member(object, "timeouts"), route->timeouts);
    read_whose(top_json_member(object, "timeouts_whose"), route->timeouts_whose);
    read_reasons(top_json_member(object, "would_time_out"), route->would_time_out);
    route->elapsed = read_histogram(&reader->times, store, top_json_member(object, "elapsed"));
    route->budget = read_histogram(&reader->times, store, top_json_member(object, "budget"));
    route->used_ratio =
        read_histogram(&reader->shares, store, top_json_member(object, "used_ratio"));
    read_calls(reader, top_json_member(object, "calls"), route);
}

static void read_routes(struct reader *reader, struct text array, struct top_sample *sample)
{
    struct json_walk walk = top_json_elements(array);
    struct text name;
    struct text object;

    sample->routes =
        store_take(reader->store, (top_json_count(array) + 1) * sizeof *sample->routes);
    while (json_walk_next(&walk, &name, &object))
        read_route(reader, object, &sample->routes[sample->routes_count++]);
}

static void read_upstreams(struct top_sample *sample, struct text array)
{
    struct json_walk walk = top_json_elements(array);
    struct text name;
    struct text object;

    sample->upstreams =
        store_take(&sample->store, (top_json_count(array) + 1) * sizeof *sample->upstreams);
    while (json_walk_next(&walk, &name, &object))
        sample->upstreams[sample->upstreams_count++] = (struct top_upstream){
            .name = top_json_string(object, "name", &sample->store),
            .in_flight = top_json_number(object, "in_flight"),
            .queued = top_json_number(object, "queued"),
            .connections = top_json_number(object, "connections"),
            .retries = top_json_number(object, "retries"),
            .hedges = top_json_number(object, "hedges"),
        };
}

static void read_process(struct reader *reader, struct text process, struct top_sample *sample)
{
    const struct bounds *times = &reader->times;

    sample->workers = top_json_number(process, "workers");
    sample->in_flight = top_json_number(process, "in_flight");
    sample->connections = top_json_number(process, "connections");
    sample->max_connections = top_json_number(process, "max_connections");
    sample->memory_bytes = top_json_number(process, "memory_bytes");
    sample->memory_max_bytes = top_json_number(process, "memory_max_bytes");
    sample->log_lines_dropped = top_json_number(process, "log_lines_dropped");
    sample->loop_lag = read_histogram(times, reader->store, top_json_member(process, "loop_lag"));
    sample->deadline_lateness =
        read_histogram(times, reader->store, top_json_member(process, "deadline_lateness"));
}

/* An array of this name, in an answer that is JSON; at is NULL: there is none. */
static struct text array_of(struct text answer, const char *name)
{
    struct text array = {.at = NULL};

    if (json_is_value(answer))
        array = top_json_member(json_trimmed(answer), name);
    return array.at && array.at[0] == '[' ? array : (struct text){.at = NULL};
}

bool top_sample_read(struct top_sample *sample, struct text answer)
{
    struct text routes = array_of(answer, "routes");
    struct text document = json_trimmed(answer);

    if (!routes.at)
        return false;
    *sample = (struct top_sample){.time_ms = top_json_number(document, "time_ms")};
    struct reader reader = {
        .store = &sample->store,
        .times = read_bounds(top_json_member(document, "le_ms"), &sample->store),
        .shares = read_bounds(top_json_member(document, "le_ratio"), &sample->store),
    };
    sample->uptime_ms = top_json_number(document, "uptime_ms");
    sample->version = top_json_string(document, "version", &sample->store);
    read_process(&reader, top_json_member(document, "process"), sample);
    read_requests(top_json_member(document, "unrouted"), sample->unrouted);
    read_routes(&reader, routes, sample);
    read_upstreams(sample, top_json_member(document, "upstreams"));
    return true;
}

void top_sample_finish(struct top_sample *sample)
{
    store_finish(&sample->store);
    *sample = (struct top_sample){.routes = NULL};
}

/* ---- /requests -------------------------------------------------------------------------------- */

static void read_request(struct top_request *request, struct text object, struct store *store)
{
    *request = (struct top_request){
        .time = top_json_string(object, "time", store),
        .id = top_json_string(object, "request_id", store),
        .route = top_json_string(object, "route", store),
        .method = top_json_string(object, "method", store),
        .path = top_json_string(object, "path", store),
        .outcome = top_json_string(object, "outcome", store),
        .termination = top_json_string(object, "termination", store),
        .reason = top_json_string(object, "reason", store),
        .whose = top_json_string(object, "whose", store),
        .call = top_json_string(object, "call", store),
        .status = top_json_number(object, "status"),
        .elapsed_ms = top_json_number(object, "elapsed_ms"),
        .budget_ms = top_json_number(object, "budget_ms"),
    };
}

bool top_requests_read(struct top_requests *requests, struct text answer)
{
    struct text array = array_of(answer, "requests");
    struct json_walk walk = top_json_elements(array);
    struct text name;
    struct text object;

    if (!array.at)
        return false;
    *requests = (struct top_requests){.count = 0};
    requests->list =
        store_take(&requests->store, (top_json_count(array) + 1) * sizeof *requests->list);
    while (json_walk_next(&walk, &name, &object))
        read_request(&requests->list[requests->count++], object, &requests->store);
    return true;
}

void top_requests_finish(struct top_requests *requests)
{
    store_finish(&requests->store);
    *requests = (struct top_requests){.list = NULL};
}
