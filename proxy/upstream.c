#include "proxy/upstream.h"

#include <assert.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/curl_loop.h"
#include "proxy/drain.h"
#include "proxy/memory.h"
#include "proxy/names.h"

#define NAME_REFRESH span_s(30)
#define NAME_RETRY span_s(1)

TAILQ_HEAD(waiter_list, waiter);

struct upstream {
    const struct conf_upstream *conf; /* borrowed */
    struct upstream_metrics *metrics; /* borrowed */
    struct handles handles;
    struct allowance retries; /* how many calls may be tried again */
    struct allowance hedges;  /* how many may be hedged */
    struct lately lately;
    struct name *name; /* owned; NULL: nothing to resolve */
    char addresses[NAME_ADDRESSES_MAX][NAME_ADDRESS_TEXT];
    size_t addresses_count;
    size_t address;             /* which of them is used now */
    unsigned generation;        /* of that */
    bool is_heard;              /* the name server has answered, whatever */
    unsigned in_flight;         /* places that are taken */
    unsigned waiting;           /* how many waiters there are, late ones too */
    struct drains drains;       /* in places that nobody takes: never more than are left */
    struct waiter_list waiters; /* the oldest first */
    struct waiter_list late; /* waiters whose time is over, and whose timers have yet to say so */
};

struct upstreams {
    struct event_base *base; /* borrowed */
    struct upstream *all;    /* owned */
    size_t count;
    struct evdns_base *evdns; /* owned; NULL: nothing to resolve */
};

/* ---- places ----------------------------------------------------------------------------------- */

bool upstream_is_named(const struct upstream *upstream)
{
    return upstream->conf->path || upstream->addresses_count > 0;
}

static bool is_full(const struct upstream *upstream)
{
    return upstream->in_flight >= upstream->conf->connections;
}

bool upstream_has_place(const struct upstream *upstream)
{
    return upstream_is_named(upstream) && !is_full(upstream);
}

/* What has no place any more is open until it ends: it never keeps a call from its connection, nor
 * does a call add one to them. */
static void make_room(struct upstream *upstream)
{
    size_t left = upstream->conf->connections - upstream->in_flight;

    drains_yield(&upstream->drains, left);
    orphans_yield(&upstream->handles.orphans, left - upstream->drains.count);
}

void upstream_take_place(struct upstream *upstream)
{
    assert(!is_full(upstream));
    upstream->in_flight++;
    counter_add(&upstream->metrics->in_flight, 1);
    make_room(upstream);
}

enum admission upstream_enter(struct upstream *upstream, struct waiter *waiter)
{
    if (!upstream_is_named(upstream) && upstream->is_heard)
        return ADMISSION_NO_NAME;
    if (upstream_has_place(upstream)) {
        upstream_take_place(upstream);
        return ADMISSION_GRANTED;
    }
    if (upstream->waiting >= upstream->conf->queue)
        return ADMISSION_FULL;
    waiter->is_waiting = true;
    waiter->is_late = false;
    upstream->waiting++;
    TAILQ_INSERT_TAIL(&upstream->waiters, waiter, queued);
    counter_add(&upstream->metrics->queued, 1);
    return ADMISSION_WAITING;
}

void upstream_forget(struct upstream *upstream, struct waiter *waiter, struct instant now)
{
    if (!waiter->is_waiting)
        return;
    waiter->is_waiting = false;
    waiter->waited = span_add(waiter->waited, span_since(waiter->since, now));
    upstream->waiting--;
    TAILQ_REMOVE(waiter->is_late ? &upstream->late : &upstream->waiters, waiter, queued);
    counter_sub(&upstream->metrics->queued, 1);
}

/* The oldest has waited for more than half of the time it can: there is more to do than can be
 * done. Who comes last then has the most time left to make use of a place; the oldest would take it
 * only to be cut. */
static bool is_overloaded(const struct waiter *oldest, struct instant now)
{
    struct span whole = span_until(oldest->due, oldest->since);

    return span_covers(span_since(oldest->since, now), span_scale(whole, 1, 2));
}

/* Nothing is started late. It waits on for its own timer, but out of the way: where very many are
 * late at once, each place that becomes free would else be offered to all of them. */
static void set_aside(struct upstream *upstream, struct waiter *waiter)
{
    waiter->is_late = true;
    TAILQ_REMOVE(&upstream->waiters, waiter, queued);
    TAILQ_INSERT_TAIL(&upstream->late, waiter, queued);
}

/* Who is to have the next place. NULL: nobody. */
static struct waiter *next_waiter(struct upstream *upstream, struct instant now)
{
    struct waiter *waiter = TAILQ_FIRST(&upstream->waiters);

    if (!waiter || !is_overloaded(waiter, now))
        return waiter;
    while ((waiter = TAILQ_LAST(&upstream->waiters, waiter_list)) &&
           instant_reached(waiter->due, now))
        set_aside(upstream, waiter);
    return waiter;
}

static void admit_waiters(struct upstream *upstream, struct instant now)
{
    struct waiter *waiter;

    while (!is_full(upstream) && (waiter = next_waiter(upstream, now))) {
        upstream_forget(upstream, waiter, now);
        upstream_take_place(upstream);
        waiter->on_turn(waiter, ADMISSION_GRANTED, now);
    }
}

void upstream_leave(struct upstream *upstream, struct instant now)
{
    assert(upstream->in_flight > 0);
    upstream->in_flight--;
    counter_sub(&upstream->metrics->in_flight, 1);
    if (upstream_is_named(upstream))
        admit_waiters(upstream, now);
}

/* ---- where it is ------------------------------------------------------------------------------ */

const char *upstream_address(const struct upstream *upstream, unsigned *ret_generation)
{
    *ret_generation = upstream->generation;
    return upstream->conf->path ? NULL : upstream->addresses[upstream->address];
}

void upstream_avoid(struct upstream *upstream, unsigned generation)
{
    if (generation != upstream->generation || upstream->addresses_count < 2)
        return;
    upstream->address = (upstream->address + 1) % upstream->addresses_count;
    upstream->generation++;
}

size_t upstream_addresses(const struct upstream *upstream)
{
    return upstream->conf->path ? 1 : upstream->addresses_count;
}

static void refuse_waiters(struct upstream *upstream, struct instant now)
{
    struct waiter *waiter;

    while ((waiter = TAILQ_FIRST(&upstream->waiters))) {
        upstream_forget(upstream, waiter, now);
        waiter->on_turn(waiter, ADMISSION_NO_NAME, now);
    }
}

/* Is the address in use still among those the name stands for? Then it stays in use. */
static void take_addresses(struct upstream *upstream, char (*addresses)[NAME_ADDRESS_TEXT],
                           size_t count)
{
    char used[NAME_ADDRESS_TEXT] = "";
    size_t same = count;

    if (upstream->addresses_count > 0)
        memcpy(used, upstream->addresses[upstream->address], sizeof used);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(addresses[i], used) == 0)
            same = i;
    }
    memcpy(upstream->addresses, addresses, count * sizeof *addresses);
    upstream->addresses_count = count;
    upstream->address = same < count ? same : 0;
    if (same == count)
        upstream->generation++;
}

static void on_name_heard(void *owner, char (*addresses)[NAME_ADDRESS_TEXT], size_t count,
                          struct instant now)
{
    struct upstream *upstream = owner;

    if (!upstream->is_heard)
        counter_sub(&upstream->metrics->unheard, 1);
    upstream->is_heard = true;
    if (count > 0)
        take_addresses(upstream, addresses, count);
    if (upstream_is_named(upstream))
        admit_waiters(upstream, now);
    else
        refuse_waiters(upstream, now);
}

/* ---- all of them ------------------------------------------------------------------------------ */

static bool needs_name(const struct conf_upstream *conf)
{
    return !conf->path && !conf->is_literal;
}

static void upstream_init(struct upstreams *upstreams, struct upstream *upstream,
                          struct event_base *base)
{
    TAILQ_INIT(&upstream->waiters);
    TAILQ_INIT(&upstream->late);
    drains_init(&upstream->drains, base, upstream->conf, upstream->metrics);
    if (needs_name(upstream->conf)) {
        counter_add(&upstream->metrics->unheard, 1);
        upstream->name = name_create(&(struct name_watch){
            .evdns = upstreams->evdns,
            .base = base,
            .host = upstream->conf->host,
            .refresh = NAME_REFRESH,
            .retry = NAME_RETRY,
            .on_heard = on_name_heard,
            .owner = upstream,
        });
    } else if (!upstream->conf->path) {
        strncpy(upstream->addresses[0], upstream->conf->host, NAME_ADDRESS_TEXT - 1);
        upstream->addresses_count = 1;
    }
}

struct upstreams *upstreams_create(const struct upstreams_options *options)
{
    struct upstreams *upstreams = memory_take_clear(1, sizeof *upstreams);
    bool is_any_named = false;

    upstreams->base = options->base;
    upstreams->all = memory_take_clear(options->count + 1, sizeof *upstreams->all);
    for (size_t i = 0; i < options->count; i++)
        is_any_named = is_any_named || needs_name(&options->confs[i]);
    if (is_any_named && !(upstreams->evdns = names_open(options->base, options->resolver))) {
        upstreams_destroy(upstreams);
        return NULL;
    }
    upstreams->count = options->count;
    for (size_t i = 0; i < options->count; i++) {
        const struct conf_upstream *conf = &options->confs[i];
        upstreams->all[i].conf = conf;
        upstreams->all[i].metrics = &options->metrics[i];
        allowance_init(&upstreams->all[i].retries, conf->retry_budget);
        allowance_init(&upstreams->all[i].hedges, conf->hedge_budget);
        lately_init(&upstreams->all[i].lately);
        handles_init(&upstreams->all[i].handles, options->base, options->loop, conf);
        upstream_init(upstreams, &upstreams->all[i], options->base);
    }
    return upstreams;
}

void upstreams_destroy(struct upstreams *upstreams)
{
    if (!upstreams)
        return;
    for (size_t i = 0; i < upstreams->count; i++) {
        assert(upstreams->all[i].in_flight == 0);
        assert(TAILQ_EMPTY(&upstreams->all[i].waiters) && TAILQ_EMPTY(&upstreams->all[i].late));
        name_destroy(upstreams->all[i].name);
        drains_finish(&upstreams->all[i].drains);
        handles_finish(&upstreams->all[i].handles);
    }
    if (upstreams->evdns)
        names_close(upstreams->base, upstreams->evdns);
    free(upstreams->all);
    free(upstreams);
}

struct upstream *upstream_at(struct upstreams *upstreams, size_t index)
{
    assert(index < upstreams->count);
    return &upstreams->all[index];
}

struct allowance *upstream_retries(struct upstream *upstream)
{
    return &upstream->retries;
}

struct allowance *upstream_hedges(struct upstream *upstream)
{
    return &upstream->hedges;
}

struct lately *upstream_lately(struct upstream *upstream)
{
    return &upstream->lately;
}

struct handles *upstream_handles(struct upstream *upstream)
{
    return &upstream->handles;
}

struct drains *upstream_drains(struct upstream *upstream)
{
    return &upstream->drains;
}

const struct conf_upstream *upstream_conf(const struct upstream *upstream)
{
    return upstream->conf;
}

struct upstream_metrics *upstream_metrics_of(struct upstream *upstream)
{
    return upstream->metrics;
}
