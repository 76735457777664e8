/* One call of a route: what its section says, with its templates parsed. */
#include <string.h>

#include "conf/build.h"

/* The call being built. */
struct site {
    struct builder *builder;
    const struct section *section;
    const struct template_scope *scope;
};

/* A text that may hold templates. */
struct source {
    const char *key;
    size_t number; /* among the values of the key */
    const char *text;
    enum template_place place;
};

/* NULL, with a complaint, when it has a fault. */
static const struct template *parse(const struct site *site, const struct source *source)
{
    const struct section *section = site->section;
    const struct template *template;
    const char *fault;

    template = template_parse(site->builder->draft->store, source->text, source->place, site->scope,
                              &fault);
    if (!template)
        complain(site->builder->draft->complaints,
                 section_line_of(section, source->key, source->number), "%s.%s %s", section->label,
                 source->key, fault);
    return template;
}

static void build_request(const struct site *site, struct conf_call *call)
{
    const struct call_draft *draft = site->section->draft;

    call->is_passing = !section_sets(site->section, "request");
    if (section_has(site->section, "request")) {
        call->method = draft->request.method;
        call->target = parse(site, &(struct source){.key = "request",
                                                    .text = draft->request.target,
                                                    .place = TEMPLATE_PATH});
    }
    if (section_has(site->section, "body"))
        call->body = parse(
            site, &(struct source){.key = "body", .text = draft->body, .place = TEMPLATE_BODY});
}

static void build_headers(const struct site *site, struct conf_call *call)
{
    const struct call_draft *draft = site->section->draft;
    const struct header_list *list = &draft->headers;

    call->headers_count = list->count;
    call->headers = store_take(site->builder->draft->store, list->count * sizeof *call->headers);
    for (size_t i = 0; i < list->count; i++)
        call->headers[i] = (struct conf_header){
            .name = list->items[i].name,
            .value = parse(site, &(struct source){.key = "header",
                                                  .number = i,
                                                  .text = list->items[i].value,
                                                  .place = TEMPLATE_HEADER}),
        };
}

/* Its upstream must know that it is raced, and whether it has to be measured for that. */
static void note_hedge(const struct site *site, const struct hedge_policy *hedge)
{
    const struct call_draft *draft = site->section->draft;
    const struct section *upstream = NULL;

    if (section_has(site->section, "upstream"))
        upstream = draft_find(site->builder->draft, SECTION_UPSTREAM, draft->upstream);
    if (!upstream || hedge->kind == HEDGE_OFF)
        return;
    ((struct upstream_draft *)upstream->draft)->is_hedged = true;
    if (hedge->kind == HEDGE_LATELY)
        site->builder->conf->upstreams[upstream->number].is_measured = true;
}

struct conf_call build_call(struct builder *builder, const struct section *section,
                            const struct template_scope *scope)
{
    const struct call_draft *draft = section->draft;
    struct site site = {.builder = builder, .section = section, .scope = scope};
    struct conf_call call = {
        .name = store_string(builder->draft->store, strchr(section->name, '.') + 1),
        .body_max = draft->body_max,
        .fallback = draft->fallback.body,
        .retry = draft->retry,
        .hedge = draft->hedge,
    };

    call.retry.min = draft->policy.min;
    build_request(&site, &call);
    build_headers(&site, &call);
    if (section_has(section, "upstream"))
        call.upstream = build_upstream(builder, section, draft->upstream);
    note_hedge(&site, &call.hedge);
    return call;
}
