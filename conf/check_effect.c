/* Options that another option leaves without effect. */
#include <string.h>

#include "conf/check.h"

static void warn_without_effect(const struct draft *draft, const struct section *section,
                                const char *key, const char *why)
{
    warn(draft->complaints, section_line(section, key), "%s.%s has no effect%s", section->label,
         key, why);
}

/* Set in the file, and right? */
static bool is_set(const struct section *section, const char *key)
{
    return section_sets(section, key) && section_has(section, key);
}

static const struct budget_draft *budget_of(const struct section *section)
{
    if (section->kind == SECTION_BUDGET)
        return section->draft;
    return &((const struct route_draft *)section->draft)->budget;
}

/* Is the share that this section says that of a route which observes, or may be? */
static bool uses_share(const struct draft *draft, const struct section *section)
{
    if (!section_has(section, "mode") || budget_of(section)->observes)
        return true;
    for (size_t i = 0; i < draft->count && section == draft->budget; i++) {
        const struct section *route = draft->sections[i];
        if (route->kind == SECTION_ROUTE && !section_sets(route, "enforce-share") &&
            (!section_has(route, "mode") || budget_of(route)->observes))
            return true;
    }
    return false;
}

static bool merges(const struct section *route)
{
    const char *answer = section_text(route, "answer");

    return answer && strcmp(answer, "merge") == 0;
}

static void check_mode(const struct draft *draft, const struct section *section)
{
    if (is_set(section, "enforce-share") && !uses_share(draft, section))
        warn_without_effect(draft, section, "enforce-share", " without mode = observe");
    if (section->kind == SECTION_ROUTE && is_set(section, "buffer-first") && merges(section) &&
        budget_of(section)->buffer_first > 0)
        warn_without_effect(draft, section, "buffer-first",
                            ": a merge begins when its calls are over");
}

void check_modes(const struct draft *draft)
{
    for (size_t i = 0; i < draft->count; i++) {
        const struct section *section = draft->sections[i];
        if (section->kind == SECTION_BUDGET || section->kind == SECTION_ROUTE)
            check_mode(draft, section);
    }
}

void check_log(const struct draft *draft)
{
    static const char *const keys[] = {"log-format", "log-when", "log-sample"};
    const char *log = section_text(draft->proxy, "log");

    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        if (log && strcmp(log, "off") == 0 && is_set(draft->proxy, keys[i]))
            warn_without_effect(draft, draft->proxy, keys[i], " with log = off");
    }
}

static void check_upstream(const struct draft *draft, const struct section *section)
{
    static const char *const caps[] = {"drain-time", "drain-size"};
    const struct upstream_draft *upstream = section->draft;
    bool is_known = section_has(section, "on-expiry");

    for (size_t i = 0; i < sizeof caps / sizeof caps[0]; i++) {
        if (is_known && !upstream->made.drains && is_set(section, caps[i]))
            warn_without_effect(draft, section, caps[i], " without on-expiry = drain");
    }
    if (section->is_used && !upstream->is_hedged && is_set(section, "hedge-budget"))
        warn_without_effect(draft, section, "hedge-budget", ": no call to it has a hedge");
}

void check_upstreams(const struct draft *draft)
{
    for (size_t i = 0; i < draft->count; i++) {
        if (draft->sections[i]->kind == SECTION_UPSTREAM)
            check_upstream(draft, draft->sections[i]);
    }
}
