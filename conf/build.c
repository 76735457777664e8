#include "conf/build.h"

#include <string.h>

#include "conf/check.h"
#include "conf/route_table.h"

/* log-sample = auto: as log-when says. */
static void settle_sample(struct conf_proxy *proxy)
{
    if (proxy->log_sample < 0)
        proxy->log_sample = proxy->log_when.kind == LOG_WHEN_ALL ? SHARE_WHOLE : 0;
}

static void build_proxy(struct builder *builder)
{
    const struct proxy_draft *proxy = builder->draft->proxy->draft;
    const struct budget_draft *budget = builder->draft->budget->draft;
    struct conf *conf = builder->conf;

    conf->proxy = proxy->made;
    settle_sample(&conf->proxy);
    conf->proxy.listens = proxy->listens.items;
    conf->proxy.listens_count = proxy->listens.count;
    conf->proxy.trusts = proxy->trusts.items;
    conf->proxy.trusts_count = proxy->trusts.count;
    conf->budget_headers = budget->headers.items;
    conf->budget_headers_count = budget->headers.count;
}

static void build_upstream_of(struct builder *builder, const struct section *section)
{
    const struct upstream_draft *draft = section->draft;
    struct conf_upstream *upstream = &builder->conf->upstreams[section->number];

    *upstream = draft->made;
    upstream->name = store_string(builder->draft->store, section->name);
    upstream->tells = draft->tells.items;
    upstream->tells_count = draft->tells.count;
}

static void build_stub(struct builder *builder, const struct section *section)
{
    const struct stub_draft *draft = section->draft;
    struct conf_stub *stub = &builder->conf->stubs[section->number];

    *stub = draft->made;
    stub->name = store_string(builder->draft->store, section->name);
    stub->latency = draft->latency.kind;
    stub->low = draft->latency.low;
    stub->high = draft->latency.high;
}

size_t build_upstream(struct builder *builder, const struct section *section, const char *name)
{
    struct draft *draft = builder->draft;
    struct section *upstream = draft_find(draft, SECTION_UPSTREAM, name);

    if (upstream) {
        upstream->is_used = true;
        return upstream->number;
    }
    complain(draft->complaints, section_line(section, "upstream"),
             "%s.upstream names %s, but there is no [upstream %s]%s", section->label, name, name,
             draft_nearest(draft, SECTION_UPSTREAM, name));
    return 0;
}

static void build_table(struct builder *builder)
{
    struct draft *draft = builder->draft;
    struct route_table *table = route_table_create(draft->store);

    for (size_t i = 0; i < builder->conf->routes_count; i++) {
        const struct section *section = builder->sections[i];
        const struct route_draft *route = section->draft;
        if (!section_has(section, "match"))
            continue;
        size_t other = route_table_add(table, &route->pattern, i);
        if (other != i)
            complain(draft->complaints, section_line(section, "match"),
                     "%s.match takes requests that %s in line %d takes already", section->label,
                     builder->sections[other]->label, builder->sections[other]->line);
    }
    route_table_seal(table);
    builder->conf->table = table;
}

static void make_room(struct builder *builder)
{
    struct conf *conf = builder->conf;
    struct draft *draft = builder->draft;

    conf->upstreams_count = draft->counts[SECTION_UPSTREAM];
    conf->routes_count = draft->counts[SECTION_ROUTE];
    conf->stubs_count = draft->counts[SECTION_STUB];
    conf->upstreams = store_take(draft->store, conf->upstreams_count * sizeof *conf->upstreams);
    conf->routes = store_take(draft->store, conf->routes_count * sizeof *conf->routes);
    conf->stubs = store_take(draft->store, conf->stubs_count * sizeof *conf->stubs);
    builder->sections = store_take(draft->store, conf->routes_count * sizeof(*builder->sections));
}

/* Upstreams come before routes, since a call is checked against what its upstream is told. */
static void build_sections(struct builder *builder)
{
    struct draft *draft = builder->draft;

    for (size_t i = 0; i < draft->count; i++) {
        if (draft->sections[i]->kind == SECTION_UPSTREAM)
            build_upstream_of(builder, draft->sections[i]);
        else if (draft->sections[i]->kind == SECTION_STUB)
            build_stub(builder, draft->sections[i]);
    }
    for (size_t i = 0; i < draft->count; i++) {
        if (draft->sections[i]->kind != SECTION_ROUTE)
            continue;
        builder->sections[draft->sections[i]->number] = draft->sections[i];
        build_route(builder, draft->sections[i]);
    }
}

void build_conf(struct draft *draft, struct conf *conf)
{
    struct builder builder = {.draft = draft, .conf = conf};

    make_room(&builder);
    build_proxy(&builder);
    check_budget(draft);
    build_sections(&builder);
    build_table(&builder);
    check_listeners(draft);
    check_log(draft);
    check_used(draft);
    check_modes(draft);
    check_upstreams(draft);
    if (conf->routes_count == 0)
        complain(draft->complaints, 0, "has no route: write at least one [route NAME]");
}
