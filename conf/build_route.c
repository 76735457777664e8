#include <string.h>

#include "conf/build.h"
#include "conf/check.h"

static struct policy policy_of(struct store *store, const struct route_draft *draft, size_t calls)
{
    struct step_policy *steps = store_take(store, draft->steps.count * sizeof *steps);

    memcpy(steps, draft->steps.steps, draft->steps.count * sizeof *steps);
    return (struct policy){
        .default_budget = draft->budget.standard,
        .max = draft->budget.max,
        .local = draft->budget.local,
        .reply = draft->budget.reply,
        .proportional = draft->budget.proportional,
        .calls_count = calls,
        .steps = steps,
        .steps_count = draft->steps.count,
    };
}

/* All but the calls themselves. */
static void build_policy(struct builder *builder, const struct section *section, size_t calls)
{
    const struct route_draft *draft = section->draft;
    struct store *store = builder->draft->store;

    builder->conf->routes[section->number] = (struct conf_route){
        .name = store_string(store, section->name),
        .match = section_text(section, "match"),
        .policy = policy_of(store, draft, calls),
        .calls = store_take(store, calls * sizeof(struct conf_call)),
        .calls_count = calls,
        .steps_calls_count = draft->steps.names_count,
        .rejects_malformed = draft->budget.rejects_malformed,
        .enforce_share = draft->budget.observes ? draft->budget.enforce_share : SHARE_WHOLE,
        .outlives_half_close = draft->budget.outlives_half_close,
        .buffer_first = draft->budget.buffer_first,
        .expose = draft->budget.expose,
    };
}

/* The short form is one call that passes everything through. */
static void build_short(struct builder *builder, const struct section *section)
{
    struct route_draft *draft = section->draft;
    struct conf_route *route = &builder->conf->routes[section->number];
    struct call_policy *policy = store_take(builder->draft->store, sizeof *policy);

    draft->steps = (struct steps){.names_count = 1, .count = 1, .steps[0].count = 1};
    build_policy(builder, section, 1);
    *policy = (struct call_policy){.budget.kind = AMOUNT_REST};
    route->policy.calls = policy;
    route->passing_count = 1;
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

/* What the templates of a call may speak of; those of a stand-in, of what the call that it stands in
 * for may speak of. */
static struct template_scope scope_of(const struct route_calls *calls, const struct policy *policy,
                                      size_t self)
{
    const struct step_policy *step = policy->steps;

    while (step->first + step->count <= calls->places[self])
        step++;
    return (struct template_scope){
        .calls = calls->names,
        .calls_count = calls->count,
        .places = calls->places,
        .calls_over = step->first,
        .calls_begun = step->first + step->count,
        .self = self,
    };
}

static void build_calls(struct builder *builder, const struct route_calls *calls)
{
    const struct route_draft *draft = calls->route->draft;
    struct conf_route *route = &builder->conf->routes[calls->route->number];
    struct text names[ROUTE_NAMES_MAX];
    bool has_names = section_has(calls->route, "match");
    size_t names_count = has_names ? pattern_names(&draft->pattern, names) : 0;

    for (size_t i = 0; i < calls->count; i++) {
        struct template_scope scope = scope_of(calls, &route->policy, i);
        scope.names = has_names ? names : NULL;
        scope.names_count = names_count;
        if (calls->sections[i])
            route->calls[i] = build_call(builder, calls->sections[i], &scope);
        route->passing_count += route->calls[i].is_passing;
    }
}

static void build_call_policies(struct builder *builder, const struct route_calls *calls)
{
    struct call_policy *policies =
        store_take(builder->draft->store, calls->count * sizeof *policies);

    for (size_t i = 0; i < calls->count; i++) {
        if (calls->sections[i])
            policies[i] = ((const struct call_draft *)calls->sections[i]->draft)->policy;
        policies[i].fallback = calls->fallbacks[i];
    }
    builder->conf->routes[calls->route->number].policy.calls = policies;
}

/* The call whose response the client gets must be of the last step, and required. A merge is of
 * all calls. */
static void choose_answer(struct builder *builder, const struct route_calls *calls)
{
    struct complaints *complaints = builder->draft->complaints;
    const struct section *section = calls->route;
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
    const struct section *call = calls->sections[answer];
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

/* Nobody names what stands in: it is read when the call that it stands in for is. */
static void find_readers(struct conf_route *route, const struct route_calls *calls)
{
    for (size_t i = 0; i < route->calls_count; i++) {
        struct conf_call *call = &route->calls[i];
        call->is_looked_into = route->calls[calls->places[i]].is_looked_into;
        for (size_t j = i + 1; j < route->calls_count && !call->is_looked_into; j++)
            call->is_looked_into = needs_body(&route->calls[j], i);
        call->is_read = call->is_looked_into || route->answers == ANSWER_MERGE;
    }
}

static void check_calls(struct builder *builder, const struct route_calls *calls, bool are_known)
{
    for (size_t i = 0; i < calls->count; i++) {
        if (!calls->sections[i])
            continue;
        check_call(builder, calls, i);
        if (!are_known)
            continue;
        check_unread(builder, calls, i);
        check_gaps(builder, calls, i);
    }
}

static void build_long(struct builder *builder, const struct section *section)
{
    struct route_calls calls;
    size_t mistakes = builder->draft->complaints->mistakes;

    route_calls_find(&calls, builder->draft, section);
    build_policy(builder, section, calls.count);
    build_call_policies(builder, &calls);
    build_calls(builder, &calls);
    choose_answer(builder, &calls);
    find_readers(&builder->conf->routes[section->number], &calls);
    /* With a template that has a fault, who reads whose body is not known for sure. */
    check_calls(builder, &calls, builder->draft->complaints->mistakes == mistakes);
    if (calls.are_whole) {
        check_route_budget(builder, section, calls.sections);
        check_plan(builder, section, calls.sections);
    }
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
