/* What the options of one call say together. */
#include <string.h>
#include <strings.h>

#include "conf/check.h"
#include "conf/json.h"

/* A call and its section. */
struct site {
    const struct builder *builder;
    const struct section *section;
    const struct conf_call *call;
    bool merges; /* its route does */
};

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

static void check_fallback(const struct site *site)
{
    struct complaints *complaints = site->builder->draft->complaints;
    const struct section *section = site->section;
    const struct call_draft *draft = section->draft;
    int line = section_line(section, "fallback");

    if (!section_has(section, "fallback"))
        return;
    if (section_has(section, "optional") && !draft->policy.optional)
        complain(complaints, line,
                 "%s.fallback needs optional = yes: without it a failure ends the request",
                 section->label);
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

/* Behind an attempt that takes all that it may there must be time for another. */
static void check_attempt(const struct site *site)
{
    const struct section *section = site->section;
    const struct call_policy *policy = &((const struct call_draft *)section->draft)->policy;
    struct span left = span_less(policy->budget.fixed, site->call->retry.attempt);

    if (policy->budget.kind != AMOUNT_FIXED || site->call->retry.attempt.ns == SPAN_FOREVER.ns ||
        site->call->retry.retries == 0 || (!span_is_none(left) && span_covers(left, policy->min)))
        return;
    warn(site->builder->draft->complaints, section_line(section, "attempt"),
         "%s.attempt is %s, after which no retry fits: the budget of this call is %s, its min %s",
         section->label, section_text(section, "attempt"), section_text(section, "budget"),
         section_text(section, "min"));
}

static void check_retries(const struct site *site)
{
    static const char *const keys[] = {"attempt", "budget", "min"};
    bool are_known = section_has(site->section, "retries");

    if (are_known && site->call->retry.retries == 0) {
        warn_of(site, "retry-on", " without retries");
        warn_of(site, "backoff", " without retries");
    }
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        are_known = are_known && section_has(site->section, keys[i]);
    if (are_known)
        check_attempt(site);
}

void check_call(const struct builder *builder, const struct section *section,
                const struct conf_call *call, enum answer_kind answers)
{
    struct site site = {builder, section, call, answers == ANSWER_MERGE};

    if (section_has(section, "upstream"))
        check_headers(&site);
    check_body(&site);
    check_fallback(&site);
    check_retries(&site);
}

void check_unread(const struct builder *builder, const struct section *section,
                  const struct conf_call *call)
{
    struct site site = {.builder = builder, .section = section, .call = call};

    if (call->is_read)
        return;
    warn_of(&site, "max-body", ": nothing needs the body of this call");
    if (((const struct call_draft *)section->draft)->policy.optional)
        warn_of(&site, "fallback", ": nothing needs the body of this call");
}
