#include "proxy/pages.h"

#include "proxy/admin.h"
#include "proxy/clock.h"
#include "proxy/dashboard.h"
#include "proxy/metrics_print.h"
#include "proxy/readers.h"
#include "proxy/recent_page.h"
#include "proxy/routes_json.h"

static int print_dashboard(const struct admin *admin, struct text query, FILE *out)
{
    (void)admin, (void)query;
    fwrite(dashboard_page.at, 1, dashboard_page.count, out);
    return 200;
}

static int print_health(const struct admin *admin, struct text query, FILE *out)
{
    (void)admin, (void)query;
    fputs("ok\n", out);
    return 200;
}

static struct metrics_view view_of(const struct admin *admin)
{
    return (struct metrics_view){
        .conf = admin->conf,
        .workers = admin->workers,
        .workers_count = admin->workers_count,
        .whole = {.log = log_counts(admin->log),
                  .memory_bytes = atomic_load_explicit(&admin->memory->bytes, memory_order_relaxed),
                  .memory_max_bytes = admin->memory->max,
                  .max_connections = admin->max_connections,
                  .admin_pages_cut_off = readers_cut_off(admin->readers),
                  .time_ms = clock_realtime_ms(),
                  .uptime = span_since(admin->started, admin->now)},
    };
}

/* How long after the start the names of upstreams are waited for. What a name server has not said by
 * then it may never say, and that is no reason to keep requests from the other upstreams. */
#define NAMES_WAIT span_s(5)

/* Does any worker still wait for the first answer about a name? Whatever it is: a name that does not
 * exist would not begin to by waiting. */
static bool waits_for_names(const struct admin *admin)
{
    const struct metrics_view view = view_of(admin);

    if (span_covers(view.whole.uptime, NAMES_WAIT))
        return false;
    for (size_t i = 0; i < admin->conf->upstreams_count; i++) {
        const struct metrics_place place = {.owner = OWNER_UPSTREAM,
                                            .index = i,
                                            .field = offsetof(struct upstream_metrics, unheard)};
        if (metrics_sum_one(&view, &place) > 0)
            return true;
    }
    return false;
}

static int print_readiness(const struct admin *admin, struct text query, FILE *out)
{
    const char *why_not = admin->is_draining       ? "draining"
                          : waits_for_names(admin) ? "waiting for the names of upstreams"
                                                   : NULL;

    (void)query;
    fprintf(out, "%s\n", why_not ? why_not : "ready");
    return why_not ? 503 : 200;
}

static int print_metrics(const struct admin *admin, struct text query, FILE *out)
{
    const struct metrics_view view = view_of(admin);

    (void)query;
    metrics_print(out, &view);
    return 200;
}

static int print_routes(const struct admin *admin, struct text query, FILE *out)
{
    const struct metrics_view view = view_of(admin);

    (void)query;
    routes_json_print(out, &view);
    return 200;
}

/* A literal is no constant in an initialiser of static storage, but its parts are. */
#define TYPE(literal)                                 \
    {                                                 \
        .at = (literal), .count = sizeof(literal) - 1 \
    }

static const struct page pages[] = {
    {"/", print_dashboard, TYPE("text/html; charset=utf-8")},
    {"/healthz", print_health, TYPE("text/plain; charset=utf-8")},
    {"/readyz", print_readiness, TYPE("text/plain; charset=utf-8")},
    {"/metrics", print_metrics, TYPE("text/plain; version=0.0.4; charset=utf-8")},
    {"/routes", print_routes, TYPE("application/json")},
    {"/requests", recent_page_print, TYPE("application/json")},
};

enum { PAGES = sizeof pages / sizeof pages[0] };

const struct page *page_find(struct text path)
{
    for (size_t i = 0; i < PAGES; i++) {
        if (text_is(path, text_of(pages[i].path)))
            return &pages[i];
    }
    return NULL;
}

void pages_name(FILE *out)
{
    for (size_t i = 0; i < PAGES; i++)
        fprintf(out, "%s%s", i == 0 ? "" : i + 1 < PAGES ? ", " : " and ", pages[i].path);
}
