#include <string.h>

#include "conf/build.h"
#include "conf/check.h"

/* The sections of the calls of a route; NULL where one is missing. */
struct parts {
    const struct section *route;
    struct section *calls[PLAN_CALLS_MAX];
    bool are_whole;  /* all calls are there */
    bool has_faults; /* of templates, perhaps: who reads whose body is not known for sure */
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
    route->steps_calls_count = calls;
    route->enforce_share = SHARE_WHOLE;
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
        .retry = {.on = retry_on_default(), .attempt = SPAN_FOREVER},
    };
    if (section_sets(section, "answer"))
        complain(builder->draft->complaints, section_line(section, "answer"),
                 "%s.answer has no meaning without steps", section->label);
    check_route_budget(builder, section, NULL);
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

/* What the templates of a step's calls may speak of. */
static struct template_scope scope_of(const struct steps *steps, const struct step_policy *step)
{
    return (struct template_scope){
        .calls = steps->names,
        .calls_count = steps->names_count,
        .calls_over = step->first,
        .calls_begun = step->first + step->count,
    };
}

static void build_step(struct builder *builder, struct parts *parts, const struct step_policy *step)
{
    const struct route_draft *draft = parts->route->draft;
    struct conf_route *route = &builder->conf->routes[parts->route->number];
    struct template_scope scope = scope_of(&draft->steps, step);
    struct text names[ROUTE_NAMES_MAX];
    bool has_names = section_has(parts->route, "match");

    if (has_names)
        scope.names_count = pattern_names(&draft->pattern, names);
    scope.names = names;
    for (size_t i = step->first; i < step->first + step->count; i++) {
        scope.self = i;
        if (parts->calls[i])
            route->calls[i] = build_call(builder, parts->calls[i], has_names ? &scope : NULL);
    }
}

static void check_passing(struct builder *builder, const struct parts *parts)
{
    const struct conf_route *route = &builder->conf->routes[parts->route->number];
    size_t passing = 0;

    for (size_t i = 0; i < route->calls_count; i++)
        passing += route->calls[i].is_passing;
    if (passing > 1)
        complain(builder->draft->complaints, section_line(parts->route, "steps"),
                 "%s.steps has %zu calls without a request, and to pass the client's request "
                 "through to more than one is not supported yet",
                 parts->route->label, passing);
}

static void build_calls(struct builder *builder, struct parts *parts)
{
    struct conf_route *route = &builder->conf->routes[parts->route->number];
    const struct policy *policy = &route->policy;
    struct call_policy *policies =
        store_take(builder->draft->store, route->calls_count * sizeof *policies);

    for (size_t i = 0; i < route->calls_count; i++) {
        if (parts->calls[i])
            policies[i] = ((const struct call_draft *)parts->calls[i]->draft)->policy;
    }
    route->policy.calls = policies;
    for (size_t i = 0; i < policy->steps_count; i++)
        build_step(builder, parts, &policy->steps[i]);
    check_passing(builder, parts);
}

/* The call whose response the client gets must be of the last step, and required. A merge is of
 * all calls. */
static void choose_answer(struct builder *builder, struct parts *parts)
{
    struct complaints *complaints = builder->draft->complaints;
    const struct section *section = parts->route;
    const struct route_draft *draft = section->draft;
    const struct steps *steps = &draft->steps;
    struct conf_route *route = &builder->conf->routes[section->number];
    size_t answer = steps->names_count - 1;

    route->answer = answer;
    if (section_has(section, "answer") && strcmp(draft->answer, "merge") == 0) {
        route->answers = ANSWER_MERGE;
        return;
    }
    if (section_has(section, "answer"))
        answer = steps_find(steps, draft->answer);
    if (answer < steps->steps[steps->count - 1].first || answer == steps->names_count) {
        complain(complaints, section_line(section, "answer"),
                 "%s.answer names %s, which is not a call of the last step", section->label,
                 draft->answer);
        return;
    }
    route->answer = answer;
    const struct section *call = parts->calls[answer];
    if (call && ((const struct call_draft *)call->draft)->policy.optional)
        complain(complaints, section_line(call, "optional"),
                 "%s.optional cannot be yes: this call gives the answer of its route", call->label);
}

/* Does a template of this call need the body of another one? */
static bool needs_body(const struct conf_call *call, size_t other)
{
    if ((call->target && template_needs_body(call->target, other)) ||
        (call->body && template_needs_body(call->body, other)))
        return true;
    for (size_t i = 0; i < call->headers_count; i++) {
        if (call->headers[i].value && template_needs_body(call->headers[i].value, other))
            return true;
    }
    return false;
}

static void find_readers(struct conf_route *route)
{
    for (size_t i = 0; i < route->calls_count; i++) {
        struct conf_call *call = &route->calls[i];
        for (size_t j = i + 1; j < route->calls_count && !call->is_looked_into; j++)
            call->is_looked_into = needs_body(&route->calls[j], i);
        call->is_read = call->is_looked_into || route->answers == ANSWER_MERGE;
    }
}

static void check_calls(struct builder *builder, const struct parts *parts)
{
    const struct conf_route *route = &builder->conf->routes[parts->route->number];

    for (size_t i = 0; i < route->calls_count; i++) {
        if (!parts->calls[i])
            continue;
        check_call(builder, parts->calls[i], &route->calls[i], route->answers);
        if (!parts->has_faults)
            check_unread(builder, parts->calls[i], &route->calls[i]);
    }
}

static void build_long(struct builder *builder, const struct section *section)
{
    struct parts parts = {.route = section};
    size_t mistakes = builder->draft->complaints->mistakes;

    build_policy(builder, section);
    find_calls(builder, &parts);
    build_calls(builder, &parts);
    choose_answer(builder, &parts);
    parts.has_faults = builder->draft->complaints->mistakes > mistakes;
    find_readers(&builder->conf->routes[section->number]);
    check_calls(builder, &parts);
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
