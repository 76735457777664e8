/* A configuration file as anybody may write it: it is taken whole, or refused with complaints that
 * name it, and either way nothing is lost. */
#include "conf/conf.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

/* Returns how many complaints are mistakes. */
static size_t count_mistakes(const char *complaints)
{
    size_t mistakes = 0;

    for (const char *line = complaints; *line; line = strchr(line, '\n') + 1) {
        assert(strncmp(line, "fuzz:", 5) == 0 && strchr(line, '\n'));
        const char *sentence = strchr(line, ' ');
        assert(sentence);
        mistakes += strncmp(sentence, " warning: ", 10) != 0;
    }
    return mistakes;
}

static void check_template(const struct conf_route *route, size_t call,
                           const struct template *template)
{
    for (size_t i = 0; i < template->count; i++) {
        const struct template_part *part = &template->parts[i];
        if (part->kind == TEMPLATE_CALL_STATUS || part->kind == TEMPLATE_CALL_HEADER ||
            part->kind == TEMPLATE_CALL_BODY)
            assert(part->number < call);
        assert(part->kind != TEMPLATE_CALL_BODY || route->calls[part->number].is_read);
        assert(part->kind != TEMPLATE_NAME || part->number < ROUTE_NAMES_MAX);
    }
}

static void check_call(const struct conf *conf, const struct conf_route *route, size_t number)
{
    const struct conf_call *call = &route->calls[number];
    const struct call_policy *policy = &route->policy.calls[number];

    assert(call->name && call->upstream < conf->upstreams_count);
    assert(call->is_passing == !call->method && !call->method == !call->target);
    assert(!call->is_passing || !call->body);
    if (call->target)
        check_template(route, number, call->target);
    if (call->body)
        check_template(route, number, call->body);
    for (size_t i = 0; i < call->headers_count; i++)
        check_template(route, number, call->headers[i].value);
    assert(route->answers != ANSWER_MERGE || call->is_read);
    assert(!call->is_read || call->body_max > 0);
    assert(!call->is_read || !call->method || strcmp(call->method, "HEAD") != 0);
    assert(!call->fallback.at || policy->optional);
    assert(!call->fallback.at || !call->is_read || json_is_value(call->fallback));
    assert(call->retry.retries <= 10 && !span_is_none(call->retry.attempt));
    assert(call->retry.min.ns == policy->min.ns);
}

static void check_route(const struct conf *conf, const struct conf_route *route)
{
    const struct policy *policy = &route->policy;
    size_t calls = 0;

    assert(route->calls_count > 0 && route->calls_count <= PLAN_CALLS_MAX);
    assert(policy->calls_count == route->calls_count && policy->steps_count > 0);
    assert(route->answer < route->calls_count);
    assert(route->answers == ANSWER_MERGE || !policy->calls[route->answer].optional);
    assert(!span_is_none(policy->default_budget));
    assert(span_covers(policy->max, policy->default_budget));
    for (size_t i = 0; i < policy->steps_count; i++) {
        assert(policy->steps[i].first == calls && policy->steps[i].count > 0);
        calls += policy->steps[i].count;
    }
    assert(calls == route->calls_count);
    for (size_t i = 0; i < calls; i++)
        check_call(conf, route, i);
}

static void check_conf(const struct conf *conf)
{
    assert(conf->routes_count > 0 && conf->proxy.listens_count > 0);
    for (size_t i = 0; i < conf->upstreams_count; i++)
        assert(!conf->upstreams[i].host != !conf->upstreams[i].path &&
               conf->upstreams[i].authority && conf->upstreams[i].retry_budget >= 0);
    for (size_t i = 0; i < conf->routes_count; i++)
        check_route(conf, &conf->routes[i]);
    for (size_t i = 0; i < conf->stubs_count; i++)
        assert(conf->stubs[i].body && conf->stubs[i].status >= 200);
    struct route_match match = route_find(conf->table, TEXT("GET"), TEXT("/a/b"));
    assert(match.result != ROUTE_FOUND || match.route < conf->routes_count);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    char *complaints;
    size_t size;
    FILE *out = open_memstream(&complaints, &size);
    FILE *file = count > 0 ? fmemopen(NULL, count, "w+") : fopen("/dev/null", "r");

    assert(out && file);
    if (count > 0 && (fwrite(bytes, 1, count, file) != count || fseek(file, 0, SEEK_SET) != 0))
        abort();
    struct conf *conf = conf_read(file, "fuzz", out);
    fclose(file);
    fclose(out);
    assert(!conf == (count_mistakes(complaints) > 0));
    if (conf)
        check_conf(conf);
    conf_destroy(conf);
    free(complaints);
    return 0;
}
