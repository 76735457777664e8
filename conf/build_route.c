#include <string.h>
#include <strings.h>

#include "conf/build.h"
#include "conf/check.h"
#include "conf/words.h"

/* The sections of the calls of a route; NULL where one is missing. */
struct parts {
    const struct section *route;
    struct section *calls[PLAN_CALLS_MAX];
    bool are_whole; /* all calls are there */
};

static void build_policy(struct builder *builder, const struct section *section)
{
    const struct route_draft *draft = section->draft;
    struct conf_route *route = &builder->conf->routes[section->number];
    struct store *store = builder->draft->store;
    size_t calls = draft->steps.names_count;

    route->name = store_string(store, section->name);
    route->rejects_malformed = draft->budget.rejects_malformed;
    route->calls_count = calls;
    route->calls = store_take(store, calls * sizeof *route->calls);
    struct step_policy *steps = store_take(store, draft->steps.count * sizeof *steps);
    memcpy(steps, draft->steps.steps, draft->steps.count * sizeof *steps);
    route->policy = (struct policy){
        .default_budget = draft->budget.standard,
        .max = draft->budget.max,
        .local = draft->budget.local,
        .reply = draft->budget.reply,
        .proportional = draft->budget.proportional,
        .calls = store_take(store, calls * sizeof *route->policy.calls),
        .calls_count = calls,
        .steps = steps,
        .steps_count = draft->steps.count,
    };
}

/* The short form is one call that passes everything through. */
static void build_short(struct builder *builder, const struct section *section)
{
    struct route_draft *draft = section->draft;
    struct conf_route *route = &builder->conf->routes[section->number];
    struct call_policy *policy = store_take(builder->draft->store, sizeof *policy);

    draft->steps = (struct steps){.names_count = 1, .count = 1, .steps[0].count = 1};
    build_policy(builder, section);
    *policy = (struct call_policy){.budget.kind = AMOUNT_REST};
    route->policy.calls = policy;
    route->calls[0] = (struct conf_call){
        .name = draft->upstream,
        .upstream = build_upstream(builder, section, draft->upstream),
        .is_passing = true,
    };
    if (section_sets(section, "answer"))
        complain(builder->draft->complaints, section_line(section, "answer"),
                 "%s.answer has no meaning without steps", section->label);
    check_route_budget(builder, section, NULL);
}

static bool names_field(const struct wire_field *fields, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcasecmp(fields[i].name, name) == 0)
            return true;
    }
    return false;
}

static void check_headers(struct builder *builder, const struct section *section,
                          const struct conf_call *call)
{
    const struct conf *conf = builder->conf;
    const struct conf_upstream *upstream =
        conf->upstreams_count > 0 ? &conf->upstreams[call->upstream] : NULL;

    for (size_t i = 0; i < call->headers_count; i++) {
        const char *name = call->headers[i].name;
        if (names_field(conf->budget_headers, conf->budget_headers_count, name) ||
            (upstream && names_field(upstream->tells, upstream->tells_count, name)))
            complain(builder->draft->complaints, section_line(section, "header"),
                     "%s.header cannot set %s, which carries a budget: use tell in [upstream NAME]",
                     section->label, name);
    }
}

static struct conf_call build_call(struct builder *builder, const struct section *section)
{
    const struct call_draft *draft = section->draft;
    struct conf_call call = {
        .name = store_string(builder->draft->store, strchr(section->name, '.') + 1),
        .is_passing = !section_sets(section, "request"),
        .method = draft->request.method,
        .target = draft->request.target,
        .headers = draft->headers.items,
        .headers_count = draft->headers.count,
    };

    if (section_has(section, "upstream")) {
        call.upstream = build_upstream(builder, section, draft->upstream);
        check_headers(builder, section, &call);
    }
    return call;
}

/* Finds the section of a call, which from then on has its step. */
static struct section *find_call(struct builder *builder, const struct section *route,
                                 const char *name)
{
    struct draft *draft = builder->draft;
    const char *full_name = store_print(draft->store, "%s.%s", route->name, name);
    struct section *call = draft_find(draft, SECTION_CALL, full_name);

    if (call)
        call->is_used = true;
    else
        complain(draft->complaints, section_line(route, "steps"),
                 "%s.steps names %s, but there is no [call %s]%s", route->label, name, full_name,
                 draft_nearest(draft, SECTION_CALL, full_name));
    return call;
}

static void find_calls(struct builder *builder, struct parts *parts)
{
    const struct route_draft *draft = parts->route->draft;

    parts->are_whole = true;
    for (size_t i = 0; i < draft->steps.names_count; i++) {
        parts->calls[i] = find_call(builder, parts->route, draft->steps.names[i]);
        parts->are_whole = parts->are_whole && parts->calls[i];
    }
}

static void build_calls(struct builder *builder, struct parts *parts)
{
    struct conf_route *route = &builder->conf->routes[parts->route->number];
    struct call_policy *policies =
        store_take(builder->draft->store, route->calls_count * sizeof *policies);
    size_t passing = 0;

    for (size_t i = 0; i < route->calls_count; i++) {
        if (!parts->calls[i])
            continue;
        route->calls[i] = build_call(builder, parts->calls[i]);
        policies[i] = ((const struct call_draft *)parts->calls[i]->draft)->policy;
        passing += route->calls[i].is_passing;
    }
    route->policy.calls = policies;
    if (passing > 1)
        complain(builder->draft->complaints, section_line(parts->route, "steps"),
                 "%s.steps has %zu calls without a request, and to pass the client's request "
                 "through to more than one is not supported yet",
                 parts->route->label, passing);
}

/* The call whose response the client gets must be of the last step, and required. */
static void choose_answer(struct builder *builder, struct parts *parts)
{
    struct complaints *complaints = builder->draft->complaints;
    const struct section *section = parts->route;
    const struct route_draft *draft = section->draft;
    const struct steps *steps = &draft->steps;
    size_t answer = steps->names_count - 1;

    if (section_has(section, "answer"))
        answer = steps_find(steps, draft->answer);
    if (answer < steps->steps[steps->count - 1].first || answer == steps->names_count) {
        complain(complaints, section_line(section, "answer"),
                 "%s.answer names %s, which is not a call of the last step", section->label,
                 draft->answer);
        return;
    }
    builder->conf->routes[section->number].answer = answer;
    const struct section *call = parts->calls[answer];
    if (call && ((const struct call_draft *)call->draft)->policy.optional)
        complain(complaints, section_line(call, "optional"),
                 "%s.optional cannot be yes: this call gives the answer of its route", call->label);
}

static void build_long(struct builder *builder, const struct section *section)
{
    struct parts parts = {.route = section};

    build_policy(builder, section);
    find_calls(builder, &parts);
    build_calls(builder, &parts);
    choose_answer(builder, &parts);
    if (parts.are_whole)
        check_route_budget(builder, section, parts.calls);
}

void build_route(struct builder *builder, const struct section *section)
{
    struct complaints *complaints = builder->draft->complaints;
    bool has_steps = section_sets(section, "steps");
    bool has_upstream = section_sets(section, "upstream");

    if (has_steps && has_upstream)
        complain(complaints, section_line(section, "upstream"),
                 "%s has both steps and upstream: leave out one", section->label);
    else if (!has_steps && !has_upstream)
        complain(complaints, section->line, "%s has neither steps nor upstream: write one",
                 section->label);
    if (has_steps && section_has(section, "steps"))
        build_long(builder, section);
    else if (!has_steps && section_has(section, "upstream"))
        build_short(builder, section);
}
