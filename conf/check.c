#include "conf/check.h"

#include <string.h>

/* What an amount comes to under a budget; nothing for what takes the rest. */
static struct span amount_of(const struct amount *amount, struct span whole)
{
    return amount->kind == AMOUNT_REST ? SPAN_NONE : amount_span(*amount, whole);
}

static const char *text_of_span(const struct draft *draft, struct span span)
{
    return store_print(draft->store, "%.10gms", span_as_ms(span));
}

/* default and max of one section, or of [budget] where the section leaves one out. */
static void check_max(const struct draft *draft, const struct section *section)
{
    const struct budget_draft *budget = section->draft;

    if (section->kind == SECTION_ROUTE)
        budget = &((const struct route_draft *)section->draft)->budget;
    if (!section_has(section, "default") || !section_has(section, "max"))
        return;
    if (!span_covers(budget->max, budget->standard))
        complain(draft->complaints, section_line(section, "default"),
                 "%s.default is %s, more than max, which is %s", section->label,
                 section_text(section, "default"), section_text(section, "max"));
}

void check_budget(const struct draft *draft)
{
    check_max(draft, draft->budget);
}

/* Sums over the steps of a route, under its default budget. */
struct needs {
    struct span whole;
    struct span reserve; /* the larger of local and reply */
    struct span minima;  /* with the reserve */
    struct span budgets; /* with the reserve */
};

static struct needs sum_up(const struct policy *policy)
{
    struct span whole = policy->default_budget;
    struct needs needs = {
        .whole = whole,
        .reserve = span_max(amount_of(&policy->local, whole), amount_of(&policy->reply, whole)),
    };

    needs.minima = needs.budgets = needs.reserve;
    for (size_t i = 0; i < policy->steps_count; i++) {
        struct span min = SPAN_NONE;
        struct span budget = SPAN_NONE;
        for (size_t j = 0; j < policy->steps[i].count; j++) {
            const struct call_policy *call = &policy->calls[policy->steps[i].first + j];
            if (!call->optional)
                min = span_max(min, call->min);
            budget = span_max(budget, amount_of(&call->budget, whole));
        }
        needs.minima = span_add(needs.minima, min);
        needs.budgets = span_add(needs.budgets, budget);
    }
    return needs;
}

/* A call whose min is more than its own budget could never be given both. */
static bool check_minima(const struct draft *draft, const struct policy *policy,
                         struct section *const *calls)
{
    bool are_known = true;

    for (size_t i = 0; calls && i < policy->calls_count; i++) {
        const struct call_policy *call = &policy->calls[i];
        bool is_known = section_has(calls[i], "budget") && section_has(calls[i], "min");
        are_known = are_known && is_known;
        if (!is_known || call->budget.kind == AMOUNT_REST || !section_sets(calls[i], "min"))
            continue;
        struct span budget = amount_of(&call->budget, policy->default_budget);
        if (!span_covers(budget, call->min))
            complain(draft->complaints, section_line(calls[i], "min"),
                     "%s.min is %s, more than the budget of this call, which is %s",
                     calls[i]->label, text_of_span(draft, call->min), text_of_span(draft, budget));
    }
    return are_known;
}

static bool has_times(const struct section *route)
{
    return section_has(route, "default") && section_has(route, "max") &&
           section_has(route, "local") && section_has(route, "reply");
}

static void check_needs(const struct draft *draft, const struct section *route,
                        const struct needs *needs)
{
    const char *whole = text_of_span(draft, needs->whole);
    const char *reserve = text_of_span(draft, needs->reserve);

    if (span_covers(needs->reserve, needs->whole) || !span_covers(needs->whole, needs->minima))
        complain(draft->complaints, section_line(route, "default"),
                 "%s cannot work: its default budget is %s, but %s is kept back and the minima of "
                 "its calls come to %s",
                 route->label, whole, reserve,
                 text_of_span(draft, span_less(needs->minima, needs->reserve)));
    else if (!span_covers(needs->whole, needs->budgets))
        warn(draft->complaints, section_line(route, "default"),
             "%s cannot grant all budgets in full: its default budget is %s, but %s is kept back "
             "and the budgets of its steps come to %s",
             route->label, whole, reserve,
             text_of_span(draft, span_less(needs->budgets, needs->reserve)));
}

void check_route_budget(const struct builder *builder, const struct section *route,
                        struct section *const *calls)
{
    const struct policy *policy = &builder->conf->routes[route->number].policy;

    if (section_sets(route, "default") || section_sets(route, "max"))
        check_max(builder->draft, route);
    if (!has_times(route) || !check_minima(builder->draft, policy, calls))
        return;
    struct needs needs = sum_up(policy);
    check_needs(builder->draft, route, &needs);
}

/* Somebody who wants to listen. */
struct listener {
    const struct section *section;
    const char *key;
    const struct conf_address *address;
};

static void check_listener(const struct draft *draft, const struct listener *listener,
                           const struct listener *before)
{
    if (address_is_same(listener->address, before->address))
        complain(draft->complaints, section_line(listener->section, listener->key),
                 "%s.%s wants %s, where %s.%s in line %d listens already", listener->section->label,
                 listener->key, listener->address->text, before->section->label, before->key,
                 section_line(before->section, before->key));
}

/* Writes at most one listener for each address of the section. */
static size_t list_listeners(const struct section *section, struct listener *list)
{
    size_t count = 0;

    if (section->kind == SECTION_STUB && section_has(section, "listen"))
        list[count++] = (struct listener){
            section, "listen", &((const struct stub_draft *)section->draft)->made.listen};
    if (section->kind != SECTION_PROXY)
        return count;
    const struct proxy_draft *proxy = section->draft;
    for (size_t i = 0; section_has(section, "listen") && i < proxy->listens.count; i++)
        list[count++] = (struct listener){section, "listen", &proxy->listens.items[i]};
    if (section_has(section, "admin") && proxy->made.admin)
        list[count++] = (struct listener){section, "admin", proxy->made.admin};
    return count;
}

/* The pages tell of all routes and upstreams, and ask nobody who he is. */
static void check_admin(const struct draft *draft)
{
    const struct conf_address *admin =
        ((const struct proxy_draft *)draft->proxy->draft)->made.admin;

    if (section_has(draft->proxy, "admin") && admin && !address_is_local(admin))
        warn(draft->complaints, section_line(draft->proxy, "admin"),
             "proxy.admin is for more than this machine: whoever can reach %s can read what goes "
             "on in here",
             admin->text);
}

void check_listeners(const struct draft *draft)
{
    const struct proxy_draft *proxy = draft->proxy->draft;
    size_t most = proxy->listens.count + 1 + draft->counts[SECTION_STUB];
    struct listener *list = store_take(draft->store, most * sizeof *list);
    size_t count = 0;

    for (size_t i = 0; i < draft->count; i++)
        count += list_listeners(draft->sections[i], list + count);
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < i; j++) {
            /* Within one option its setter has compared them. */
            if (list[i].section != list[j].section || list[i].key != list[j].key)
                check_listener(draft, &list[i], &list[j]);
        }
    }
    check_admin(draft);
}

static void complain_of_call(const struct draft *draft, const struct section *call)
{
    size_t count = strcspn(call->name, ".");
    const char *name = store_copy(draft->store, call->name, count);
    const struct section *route = draft_find(draft, SECTION_ROUTE, name);

    if (!route)
        complain(draft->complaints, call->line,
                 "[call %s] is of no route: there is no [route %s]%s", call->name, name,
                 draft_nearest(draft, SECTION_ROUTE, name));
    else if (section_has(route, "steps") || !section_sets(route, "steps"))
        complain(draft->complaints, call->line, "[call %s] is in no step of %s", call->name,
                 route->label);
}

/* Who uses which upstream shows only when every call is one of a route and names one that is there:
 * a misspelt name is one complaint, and not a warning too. */
static bool uses_are_known(const struct draft *draft)
{
    for (size_t i = 0; i < draft->count; i++) {
        const struct section *section = draft->sections[i];
        bool is_call = section->kind == SECTION_CALL;
        if (is_call && !section->is_used)
            return false;
        if (!is_call && section->kind != SECTION_ROUTE)
            continue;
        const char *name = section_text(section, "upstream");
        if (section_sets(section, "upstream") &&
            (!name || !draft_find(draft, SECTION_UPSTREAM, name)))
            return false;
    }
    return true;
}

void check_used(const struct draft *draft)
{
    bool are_known = uses_are_known(draft);

    for (size_t i = 0; i < draft->count; i++) {
        const struct section *section = draft->sections[i];
        if (section->kind == SECTION_CALL && !section->is_used)
            complain_of_call(draft, section);
        if (section->kind == SECTION_UPSTREAM && !section->is_used && are_known)
            warn(draft->complaints, section->line, "nothing uses %s", section->label);
    }
}
