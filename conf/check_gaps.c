/* What the templates of a call need of optional calls, which may leave a gap. */
#include "conf/check.h"
#include "conf/json.h"

/* A template and where it stands. */
struct site {
    const struct builder *builder;
    const struct route_calls *calls;
    const struct conf_route *route;
    size_t reader; /* the call whose template it is */
    const char *key;
    int line;
    const struct template *template; /* NULL: there is none */
};

/* As it stands in the braces. */
static const char *text_of_part(const struct site *site, const struct template_part *part)
{
    struct store *store = site->builder->draft->store;
    const char *call = site->calls->names[part->number];
    int count = (int)part->text.count;

    if (part->kind == TEMPLATE_CALL_STATUS)
        return store_print(store, "%s.status", call);
    if (part->kind == TEMPLATE_CALL_HEADER)
        return store_print(store, "%s.header.%.*s", call, count, part->text.at);
    return store_print(store, "%s.body%.*s", call, count, part->text.at);
}

/* Does the request fail when the reader does? False when that is not known. */
static bool is_required(const struct site *site)
{
    size_t place = site->calls->places[site->reader];

    return section_has(site->calls->sections[place], "optional") &&
           !site->route->policy.calls[place].optional && site->calls->fallbacks[site->reader] == 0;
}

/* What is written in the file stands in at last, after all calls that do. */
static bool check_written(const struct site *site, const struct template_part *part, size_t last)
{
    const struct section *section = site->calls->sections[last];
    struct text written = site->route->calls[last].fallback;

    if (!json_is_value(written) || json_find(written, part->text).at)
        return true;
    warn(site->builder->draft->complaints, section_line(section, "fallback"),
         "%s.fallback has nothing at %.*s, which %s.%s names without a default", section->label,
         (int)part->text.count, part->text.at, site->calls->sections[site->reader]->label,
         site->key);
    return false;
}

static bool check_gap(const struct site *site, const struct template_part *part)
{
    const struct section *section = site->calls->sections[part->number];

    if (section_sets(section, "fallback") && !section_has(section, "fallback"))
        return true;
    /* A call that stands in may have the value. */
    if (site->calls->fallbacks[part->number] != 0 || !is_required(site))
        return true;
    warn(site->builder->draft->complaints, site->line,
         "%s.%s names {%s} without a default: when %s, which is optional, leaves a gap, this call "
         "fails",
         site->calls->sections[site->reader]->label, site->key, text_of_part(site, part),
         section->label);
    return false;
}

/* False: it has been warned of. */
static bool check_part(const struct site *site, const struct template_part *part)
{
    bool is_of_call = part->kind == TEMPLATE_CALL_STATUS || part->kind == TEMPLATE_CALL_HEADER ||
                      part->kind == TEMPLATE_CALL_BODY;
    size_t last = part->number;

    if (!is_of_call || part->has_otherwise || !site->route->policy.calls[part->number].optional)
        return true;
    while (site->calls->fallbacks[last] != 0)
        last = site->calls->fallbacks[last];
    if (part->kind == TEMPLATE_CALL_BODY && site->route->calls[last].fallback.at)
        return check_written(site, part, last);
    return check_gap(site, part);
}

/* One warning for each template, as there is one complaint. */
static void check_template(const struct site *site)
{
    size_t i = 0;

    while (site->template && i < site->template->count &&
           check_part(site, &site->template->parts[i]))
        i++;
}

void check_gaps(const struct builder *builder, const struct route_calls *calls, size_t number)
{
    const struct section *section = calls->sections[number];
    struct site site = {
        .builder = builder,
        .calls = calls,
        .route = &builder->conf->routes[calls->route->number],
        .reader = number,
    };
    const struct conf_call *call = &site.route->calls[number];

    site.key = "request";
    site.line = section_line(section, site.key);
    site.template = call->target;
    check_template(&site);
    site.key = "body";
    site.line = section_line(section, site.key);
    site.template = call->body;
    check_template(&site);
    site.key = "header";
    for (size_t i = 0; i < call->headers_count; i++) {
        site.line = section_line_of(section, site.key, i);
        site.template = call->headers[i].value;
        check_template(&site);
    }
}
