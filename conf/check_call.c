/* What the options of one call say together. */
#include <string.h>
#include <strings.h>

#include "conf/check.h"
#include "conf/json.h"
#include "conf/method.h"

/* A call and its section. */
struct site {
    const struct builder *builder;
    const struct section *section;
    const struct section *route;
    const struct conf_call *call;
    const struct section *place; /* of the call in whose place it is made: its own in a step */
    bool merges;                 /* its route does */
};

static struct site site_of(const struct builder *builder, const struct route_calls *calls,
                           size_t number)
{
    const struct conf_route *route = &builder->conf->routes[calls->route->number];

    return (struct site){
        .builder = builder,
        .section = calls->sections[number],
        .route = calls->route,
        .call = &route->calls[number],
        .place = calls->sections[calls->places[number]],
        .merges = route->answers == ANSWER_MERGE,
    };
}

/* Is its place one that may be left empty? False when that is not known. */
static bool is_optional(const struct site *site)
{
    return ((const struct call_draft *)site->place->draft)->policy.optional;
}

static bool names_field(const struct wire_field *fields, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcasecmp(fields[i].name, name) == 0)
            return true;
    }
    return false;
}

static void check_headers(const struct site *site)
{
    const struct conf *conf = site->builder->conf;
    const struct conf_upstream *upstream =
        conf->upstreams_count > 0 ? &conf->upstreams[site->call->upstream] : NULL;

    for (size_t i = 0; i < site->call->headers_count; i++) {
        const char *name = site->call->headers[i].name;
        if (names_field(conf->budget_headers, conf->budget_headers_count, name) ||
            (upstream && names_field(upstream->tells, upstream->tells_count, name)))
            complain(site->builder->draft->complaints, section_line_of(site->section, "header", i),
                     "%s.header cannot set %s, which carries a budget: use tell in [upstream NAME]",
                     site->section->label, name);
    }
}

/* Of its request, and of its answer where somebody reads that. */
static void check_body(const struct site *site)
{
    struct complaints *complaints = site->builder->draft->complaints;
    const struct section *section = site->section;
    const char *method = site->call->method;

    if (section_sets(section, "body") && site->call->is_passing)
        complain(complaints, section_line(section, "body"),
                 "%s.body has no meaning without request: the client's own body passes through",
                 section->label);
    if (site->call->is_read && method && strcmp(method, "HEAD") == 0)
        complain(complaints, section_line(section, "request"),
                 "%s.request asks with HEAD, which brings no body, but %s needs one",
                 section->label, site->merges ? "the merge" : "a later call");
}

/* What stands in is there for the same client: whether it may fail is said once. */
static void check_optional(const struct site *site)
{
    const struct section *section = site->section;

    if (section != site->place && section_sets(section, "optional") &&
        section_has(section, "optional"))
        complain(site->builder->draft->complaints, section_line(section, "optional"),
                 "%s.optional has no meaning: the call stands in for %s, which says it",
                 section->label, site->place->label);
}

static void check_fallback(const struct site *site)
{
    struct complaints *complaints = site->builder->draft->complaints;
    const struct section *section = site->section;
    int line = section_line(section, "fallback");

    if (!site->call->fallback.at)
        return;
    if (section_has(site->place, "optional") && !is_optional(site))
        complain(complaints, line,
                 "%s.fallback needs optional = yes%s%s: without it a failure ends the request",
                 section->label, section == site->place ? "" : " in ",
                 section == site->place ? "" : site->place->label);
    else if (site->call->is_read && !json_is_value(site->call->fallback))
        complain(complaints, line, "%s.fallback is not JSON, which %s needs", section->label,
                 site->merges ? "the merge" : "a later call");
}

/* What is set and can never show. */
static void warn_of(const struct site *site, const char *key, const char *why)
{
    const struct section *section = site->section;

    if (section_sets(section, key) && section_has(section, key))
        warn(site->builder->draft->complaints, section_line(section, key), "%s.%s has no effect%s",
             section->label, key, why);
}

/* Have all of these options a value without a mistake in it? */
static bool has_all(const struct section *section, const char *const *keys, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!section_has(section, keys[i]))
            return false;
    }
    return true;
}

/* Is there time for an attempt when this much of the call's budget has passed? True unless that is
 * known. */
static bool has_room_after(const struct section *section, struct span passed)
{
    const struct call_policy *policy = &((const struct call_draft *)section->draft)->policy;
    struct span left = span_less(policy->budget.fixed, passed);

    return policy->budget.kind != AMOUNT_FIXED ||
           (!span_is_none(left) && span_covers(left, policy->min));
}

/* Behind an attempt that takes all that it may there must be time for another. */
static void check_attempt(const struct site *site)
{
    static const char *const keys[] = {"retries", "attempt", "budget", "min"};
    const struct section *section = site->section;
    const struct retry_policy *retry = &site->call->retry;

    if (!has_all(section, keys, sizeof keys / sizeof keys[0]) || retry->retries == 0 ||
        retry->attempt.ns == SPAN_FOREVER.ns || has_room_after(section, retry->attempt))
        return;
    warn(site->builder->draft->complaints, section_line(section, "attempt"),
         "%s.attempt is %s, after which no retry fits: the budget of this call is %s, its min %s",
         section->label, section_text(section, "attempt"), section_text(section, "budget"),
         section_text(section, "min"));
}

/* Those that its request may have: one, or what its route takes. All where that is not known. */
static method_set methods_of(const struct site *site)
{
    const struct route_draft *route = site->route->draft;

    if (site->call->method)
        return method_of(text_of(site->call->method));
    return site->call->is_passing && section_has(site->route, "match") ? route->pattern.methods
                                                                       : METHODS_ANY;
}

/* Of its upstream. NULL: there is none, or this option of it has a mistake. */
static const struct conf_upstream *upstream_with(const struct site *site, const char *key)
{
    const struct call_draft *draft = site->section->draft;
    const struct section *upstream = NULL;

    if (section_has(site->section, "upstream"))
        upstream = draft_find(site->builder->draft, SECTION_UPSTREAM, draft->upstream);
    if (!upstream || !section_has(upstream, key))
        return NULL;
    return &site->builder->conf->upstreams[upstream->number];
}

/* Why it is never tried again, as the end of a sentence; NULL: it may be. */
static const char *no_retry(const struct site *site)
{
    struct store *store = site->builder->draft->store;
    const char *method = site->call->method;
    const struct conf_upstream *upstream = upstream_with(site, "retry-budget");
    bool is_unsafe = site->call->retry.on.unsafe || !section_has(site->section, "retry-on");

    if (!is_unsafe && !method_is_idempotent(methods_of(site)))
        return store_print(store, ": without unsafe in retry-on no %s is tried again",
                           method ? method : "method of its route");
    if (upstream && upstream->retry_budget == 0)
        return store_print(store, ": upstream.%s.retry-budget is 0%%", upstream->name);
    return NULL;
}

static void check_retries(const struct site *site)
{
    if (!section_has(site->section, "retries"))
        return;
    if (site->call->retry.retries == 0) {
        warn_of(site, "retry-on", " without retries");
        warn_of(site, "backoff", " without retries");
        return;
    }
    const char *why = no_retry(site);
    if (why)
        warn_of(site, "retries", why);
    else
        check_attempt(site);
}

/* There must be time for the hedge itself, and the attempt that it races must last until then. */
static void check_hedge_delay(const struct site *site)
{
    static const char *const keys[] = {"attempt", "budget", "min"};
    struct complaints *complaints = site->builder->draft->complaints;
    const struct section *section = site->section;
    struct span delay = site->call->hedge.delay;
    int line = section_line(section, "hedge");

    if (!has_all(section, keys, sizeof keys / sizeof keys[0]))
        return;
    if (!has_room_after(section, delay))
        complain(complaints, line,
                 "%s.hedge is %s, after which no attempt fits: the budget of this call is %s, its "
                 "min %s",
                 section->label, section_text(section, "hedge"), section_text(section, "budget"),
                 section_text(section, "min"));
    else if (span_covers(delay, site->call->retry.attempt))
        warn(complaints, line,
             "%s.hedge is %s, after which there is no attempt to race: it may take %s",
             section->label, section_text(section, "hedge"), section_text(section, "attempt"));
}

/* A hedge is the same request once more, so it must be one that may be carried out twice (RFC 9110
 * section 9.2.2). Of what a client sends only such methods are hedged. */
static void check_hedge_method(const struct site *site)
{
    struct draft *draft = site->builder->draft;
    const struct section *section = site->section;
    const struct conf_upstream *upstream = upstream_with(site, "hedge-budget");
    bool is_hedged = method_is_idempotent(methods_of(site));

    if (!is_hedged && site->call->method)
        complain(
            draft->complaints, section_line(section, "hedge"),
            "%s.hedge would make a %s twice: only GET, HEAD, OPTIONS, PUT and DELETE are hedged",
            section->label, site->call->method);
    else if (!is_hedged)
        warn_of(site, "hedge",
                ": only GET, HEAD, OPTIONS, PUT and DELETE are hedged, and its route takes none of "
                "them");
    else if (upstream && upstream->hedge_budget == 0)
        warn_of(site, "hedge",
                store_print(draft->store, ": upstream.%s.hedge-budget is 0%%", upstream->name));
}

static void check_hedge(const struct site *site)
{
    const struct section *section = site->section;
    const struct hedge_policy *hedge = &site->call->hedge;

    if (!section_has(section, "hedge") || hedge->kind == HEDGE_OFF)
        return;
    check_hedge_method(site);
    if (hedge->kind == HEDGE_FIXED)
        check_hedge_delay(site);
}

void check_call(const struct builder *builder, const struct route_calls *calls, size_t number)
{
    struct site site = site_of(builder, calls, number);

    if (section_has(site.section, "upstream"))
        check_headers(&site);
    check_body(&site);
    check_optional(&site);
    check_fallback(&site);
    check_retries(&site);
    check_hedge(&site);
}

void check_unread(const struct builder *builder, const struct route_calls *calls, size_t number)
{
    struct site site = site_of(builder, calls, number);

    if (site.call->is_read)
        return;
    warn_of(&site, "max-body", ": nothing needs the body of this call");
    if (site.call->fallback.at && is_optional(&site))
        warn_of(&site, "fallback", ": nothing needs the body of this call");
}
