/* What a rehearsal of a route shows: what can never happen under its default budget, even when all
 * calls before are over at once. */
#include <string.h>

#include "budget/rehearsal.h"
#include "conf/check.h"

/* A call, its section, and what it is granted at the most. */
struct site {
    const struct builder *builder;
    const struct section *section;
    const struct policy *policy; /* of the route */
    const struct conf_call *call;
    size_t index;
    struct span granted;
};

static const char *text_of_span(const struct site *site, struct span span)
{
    return store_print(site->builder->draft->store, "%.10gms", span_as_ms(span));
}

static const struct call_policy *policy_of(const struct site *site)
{
    return &site->policy->calls[site->index];
}

static struct span least_of(const struct site *site)
{
    return span_max(policy_of(site)->min, (struct span){.ns = 1});
}

static void rehearse_instant(struct rehearsal *rehearsal, const struct policy *policy)
{
    struct rehearsed_call calls[PLAN_CALLS_MAX];

    for (size_t i = 0; i < policy->calls_count; i++)
        calls[i] = (struct rehearsed_call){.takes = SPAN_NONE, .ends = CALL_OK};
    rehearse(rehearsal, policy, NULL, calls);
}

/* What there is for a call, whatever its own budget and min. */
static struct span room_for(const struct site *site)
{
    struct call_policy calls[PLAN_CALLS_MAX];
    struct policy policy = *site->policy;
    struct rehearsal rehearsal;

    memcpy(calls, policy.calls, policy.calls_count * sizeof calls[0]);
    calls[site->index].budget = (struct amount){.kind = AMOUNT_REST};
    calls[site->index].min = SPAN_NONE;
    policy.calls = calls;
    rehearse_instant(&rehearsal, &policy);
    return rehearsal.ledger[site->index].granted;
}

static void warn_of_skipped(const struct site *site)
{
    warn(site->builder->draft->complaints, section_line(site->section, "min"),
         "%s is always skipped under the default budget: it can get %s at most, its min is %s",
         site->section->label, text_of_span(site, room_for(site)),
         text_of_span(site, policy_of(site)->min));
}

/* A budget that does not even fit beside what is kept back is check_route_budget's. */
static void check_share(const struct site *site)
{
    const struct policy *policy = site->policy;
    struct span whole = policy->default_budget;
    struct span budget = amount_span(policy_of(site)->budget, whole);
    struct span kept =
        span_max(amount_span(policy->local, whole), amount_span(policy->reply, whole));

    if (budget.ns == SPAN_FOREVER.ns || span_covers(site->granted, budget) ||
        !span_covers(whole, span_add(kept, budget)))
        return;
    warn(site->builder->draft->complaints, section_line(site->section, "budget"),
         "%s.budget is %s, but under the default budget this call can get %s at most",
         site->section->label, section_text(site->section, "budget"),
         text_of_span(site, site->granted));
}

/* Where the call's own fixed budget has no room for a time and then its min, others complain. */
static bool is_beyond_grant(const struct site *site, struct span time)
{
    const struct amount *budget = &policy_of(site)->budget;
    struct span needed = span_add(time, least_of(site));
    bool is_told = budget->kind == AMOUNT_FIXED && !span_covers(budget->fixed, needed);

    return !is_told && !span_covers(site->granted, needed);
}

/* Of the wait nothing can be said: it is drawn, and may be none. */
static void check_retry(const struct site *site)
{
    const struct retry_policy *retry = &site->call->retry;

    if (retry->retries == 0 || retry->attempt.ns == SPAN_FOREVER.ns ||
        !is_beyond_grant(site, retry->attempt))
        return;
    warn(site->builder->draft->complaints, section_line(site->section, "attempt"),
         "%s.attempt is %s, after which no retry fits: under the default budget this call can get "
         "%s at most, its min is %s",
         site->section->label, text_of_span(site, retry->attempt),
         text_of_span(site, site->granted), text_of_span(site, policy_of(site)->min));
}

static void check_hedge(const struct site *site)
{
    const struct hedge_policy *hedge = &site->call->hedge;
    const char *delay = text_of_span(site, hedge->delay);
    int line = section_line(site->section, "hedge");

    if (hedge->kind != HEDGE_FIXED)
        return;
    if (is_beyond_grant(site, hedge->delay))
        warn(site->builder->draft->complaints, line,
             "%s.hedge is %s, which is never reached: under the default budget this call can get "
             "%s at most, its min is %s",
             site->section->label, delay, text_of_span(site, site->granted),
             text_of_span(site, policy_of(site)->min));
}

/* A mistake in one of these is one complaint, and not several. */
static bool are_known(const struct section *route, struct section *const *calls, size_t count)
{
    static const char *const keys[] = {"budget", "min", "optional", "retries", "attempt", "hedge"};

    if (!section_has(route, "default") || !section_has(route, "local") ||
        !section_has(route, "reply"))
        return false;
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < sizeof keys / sizeof keys[0]; k++) {
            if (!section_has(calls[i], keys[k]))
                return false;
        }
    }
    return true;
}

static void warn_of_starved(const struct builder *builder, const struct section *route,
                            const struct section *call)
{
    warn(builder->draft->complaints, section_line(route, "default"),
         "%s never gets to %s: under its default budget, what is kept back for later calls leaves "
         "that one nothing",
         route->label, call->label);
}

void check_plan(const struct builder *builder, const struct section *section,
                struct section *const *calls)
{
    const struct conf_route *route = &builder->conf->routes[section->number];
    struct rehearsal rehearsal;

    if (!are_known(section, calls, route->steps_calls_count))
        return;
    rehearse_instant(&rehearsal, &route->policy);
    if (rehearsal.end.kind == DECIDE_GIVE_UP) {
        if (rehearsal.end.call != NO_CALL)
            warn_of_starved(builder, section, calls[rehearsal.end.call]);
        return;
    }
    for (size_t i = 0; i < route->steps_calls_count; i++) {
        struct site site = {builder,          calls[i], &route->policy,
                            &route->calls[i], i,        rehearsal.ledger[i].granted};
        if (rehearsal.ledger[i].outcome == CALL_SKIPPED) {
            warn_of_skipped(&site);
            continue;
        }
        check_share(&site);
        check_retry(&site);
        check_hedge(&site);
    }
}
