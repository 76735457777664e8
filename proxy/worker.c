#include "proxy/worker.h"

#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "conf/address.h"
#include "proxy/clock.h"
#include "proxy/curl_loop.h"
#include "proxy/exchange.h"
#include "proxy/exporter.h"
#include "proxy/http1.h"
#include "proxy/memory.h"
#include "proxy/recent.h"
#include "proxy/sockets.h"
#include "proxy/stub.h"
#include "proxy/upstream.h"

/* One stub on this worker. */
struct stub_place {
    struct stub *stub;       /* owned */
    struct http1_set *http1; /* owned */
};

/* How often a worker that drains looks whether the last connection has gone. */
#define DRAIN_CHECK span_ms(10)

/* While it drains, a handshake that has begun may take so long to its end: its client believes that it
 * is connected before we know of it, and a close would be a reset. */
static struct span handshake(const struct worker *worker)
{
    const struct conf_proxy *conf = &worker->conf->proxy;

    for (size_t i = 0; i < conf->listens_count; i++) {
        if (!address_is_local(&conf->listens[i]))
            return span_ms(200);
    }
    return DRAIN_CHECK; /* within this machine it takes no time */
}

/* ---- orders ----------------------------------------------------------------------------------- */

static void check_later(struct worker *worker)
{
    struct timeval wait = clock_timeval(DRAIN_CHECK);

    event_add(&worker->drain_check, &wait);
}

/* What waits in the queues is for the other process. */
static void yield(struct worker *worker, struct instant now)
{
    listener_list_finish(&worker->listens);
    listener_list_finish(&worker->stub_listens);
    for (size_t i = 0; i < worker->conf->stubs_count; i++)
        http1_drain(worker->stubs[i].http1, now);
}

static void drain(struct worker *worker, struct instant now)
{
    worker->is_draining = true;
    worker->listens_until = instant_after(now, handshake(worker));
    http1_drain(worker->http1, now);
    if (atomic_load(&worker->yields))
        yield(worker, now);
    else
        listener_list_turn_away(&worker->listens);
    check_later(worker);
}

/* What has come by now is told that it is too late, rather than nothing. */
static void end_all(struct worker *worker, struct instant now)
{
    http1_end(worker->http1);
    exchange_end_all(worker, now);
}

/* Accepts what has come, and closes once nothing is on its way any more. */
static void sweep(struct worker *worker, struct instant now)
{
    bool is_cancelled = worker->obeyed >= WORKER_CANCEL;
    bool is_over = is_cancelled || instant_reached(worker->listens_until, now);

    if (listener_list_sweep(&worker->listens, now) && is_over)
        listener_list_finish(&worker->listens);
    if (is_cancelled)
        end_all(worker, now);
}

/* A stub's clients count when it listens no more: they may be those of another process. */
static size_t count_connections(const struct worker *worker)
{
    size_t count = http1_count(worker->http1);

    if (worker->stub_listens.count > 0)
        return count;
    for (size_t i = 0; i < worker->conf->stubs_count; i++)
        count += http1_count(worker->stubs[i].http1);
    return count;
}

static void on_drain_check(evutil_socket_t fd, short what, void *arg)
{
    struct instant now = clock_now();
    struct worker *worker = arg;

    (void)fd, (void)what;
    sweep(worker, now);
    if (worker->listens.count > 0 || count_connections(worker) > 0 ||
        (worker->exporter && !exporter_is_empty(worker->exporter, now))) {
        check_later(worker);
        return;
    }
    uint64_t one = 1;
    ssize_t written = write(worker->idle_fd, &one, sizeof one);
    assert(written == sizeof one);
}

static void on_order(evutil_socket_t fd, short what, void *arg)
{
    struct worker *worker = arg;
    struct instant now = clock_now();
    uint64_t wakes;

    (void)what;
    if (read(fd, &wakes, sizeof wakes) < 0)
        return;
    enum worker_order order =
        atomic_load(&worker->order); /* behind its wake, or it could be lost */
    if (order >= WORKER_DRAIN && worker->obeyed < WORKER_DRAIN)
        drain(worker, now);
    bool cancels = order >= WORKER_CANCEL && worker->obeyed < WORKER_CANCEL;
    worker->obeyed = order;
    if (cancels)
        sweep(worker, now);
    if (order >= WORKER_STOP)
        event_base_loopbreak(worker->base);
}

void worker_tell(struct worker *worker, enum worker_order order)
{
    uint64_t one = 1;

    if (order == WORKER_YIELD)
        atomic_store(&worker->yields, true);
    atomic_store(&worker->order, order);
    ssize_t written = write(worker->wake_fd, &one, sizeof one);
    assert(written == sizeof one);
}

/* ---- the thread ------------------------------------------------------------------------------- */

static void *run(void *arg)
{
    struct worker *worker = arg;

    lag_start(&worker->lag, clock_now());
    event_base_loop(worker->base, EVLOOP_NO_EXIT_ON_EMPTY);
    return NULL;
}

bool worker_start(struct worker *worker)
{
    sigset_t all, before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&worker->thread, NULL, run, worker);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return !failed;
}

void worker_join(struct worker *worker)
{
    int failed = pthread_join(worker->thread, NULL);

    assert(!failed);
}

/* ---- building and taking down ----------------------------------------------------------------- */

/* Precise timers: the default clock of libevent is coarse, some milliseconds late. No locks: one
 * thread. */
static struct event_base *base_create(void)
{
    struct event_config *config = event_config_new();
    struct event_base *base;

    assert(config);
    event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER | EVENT_BASE_FLAG_NOLOCK);
    base = event_base_new_with_config(config);
    event_config_free(config);
    assert(base);
    return base;
}

static struct http1_set *serve(struct worker *worker, const struct service *service, void *arg,
                               atomic_uint *open_connections)
{
    const struct conf_proxy *conf = &worker->conf->proxy;

    return http1_create(&(struct http1_options){
        .base = worker->base,
        .pool = &worker->pool,
        .service = service,
        .service_arg = arg,
        .is_limited = open_connections,
        .metrics = open_connections ? &worker->metrics : NULL,
        .open_connections = open_connections,
        .max_header = conf->max_header,
        .header_timeout = conf->header_timeout,
        .idle_timeout = conf->idle_timeout,
    });
}

static void add_listeners(struct worker *worker, const struct worker_options *options)
{
    const struct conf_proxy *conf = &worker->conf->proxy;
    const struct sockets *sockets = options->sockets;

    worker->http1 = serve(worker, &exchange_service, worker, options->open_connections);
    const struct listener_options listen = {
        .base = worker->base,
        .http1 = worker->http1,
        .trusts = conf->trusts,
        .trusts_count = conf->trusts_count,
        .connections = options->open_connections,
        .max_connections = options->max_connections,
        .pool = &worker->pool,
        .metrics = &worker->metrics,
    };
    for (size_t i = 0; i < conf->listens_count; i++) {
        int fd;
        for (unsigned n = 0; (fd = sockets_listen(sockets, worker->index, i, n)) >= 0; n++)
            listener_list_add(&worker->listens, &listen, fd);
    }
}

/* Stubs are not counted: they are not what is measured. Each has its own sequence
 * of random numbers, the same at every start. */
static void add_stubs(struct worker *worker, const struct worker_options *options)
{
    worker->stubs = memory_take_clear(worker->conf->stubs_count + 1, sizeof *worker->stubs);
    for (size_t i = 0; i < worker->conf->stubs_count; i++) {
        struct stub_place *place = &worker->stubs[i];
        uint64_t seed = i * 1000 + worker->index + 1;
        place->stub = stub_create(&worker->conf->stubs[i], worker->base, &worker->pool, seed);
        place->http1 = serve(worker, &stub_service, place->stub, NULL);
        const struct listener_options listen = {
            .base = worker->base,
            .http1 = place->http1,
            .max_connections = options->max_connections,
        };
        int fd;
        for (unsigned n = 0; (fd = sockets_stub(options->sockets, worker->index, i, n)) >= 0; n++)
            listener_list_add(&worker->stub_listens, &listen, fd);
    }
}

static void add_wake(struct worker *worker)
{
    worker->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    assert(worker->wake_fd >= 0);
    event_assign(&worker->wake, worker->base, worker->wake_fd, EV_READ | EV_PERSIST, on_order,
                 worker);
    event_add(&worker->wake, NULL);
    evtimer_assign(&worker->drain_check, worker->base, on_drain_check, worker);
    lag_init(&worker->lag, worker->base, &worker->metrics.loop_lag);
}

/* False: the name server cannot be used. */
static bool add_upstreams(struct worker *worker)
{
    const struct conf *conf = worker->conf;

    worker->curl_loop = curl_loop_create(worker->base);
    worker->upstreams = upstreams_create(&(struct upstreams_options){
        .confs = conf->upstreams,
        .count = conf->upstreams_count,
        .resolver = conf->proxy.resolver,
        .metrics = worker->metrics.upstreams,
        .base = worker->base,
        .loop = worker->curl_loop,
    });
    if (!worker->upstreams || !conf->proxy.trace_export.at)
        return worker->upstreams;
    worker->exporter = exporter_create(&(struct exporter_options){
        .conf = &conf->proxy,
        .base = worker->base,
        .loop = worker->curl_loop,
        .pool = &worker->pool,
        .random = &worker->ids,
        .metrics = &worker->metrics,
    });
    return worker->exporter;
}

struct worker *worker_create(const struct worker_options *options)
{
    struct worker *worker = memory_take_clear(1, sizeof *worker);

    worker->index = options->index;
    worker->conf = options->conf;
    worker->rules = options->rules;
    worker->idle_fd = options->idle_fd;
    worker->base = base_create();
    worker->log = log_buffer_create(options->log);
    pool_init(&worker->pool);
    pool_join(&worker->pool, options->memory);
    metrics_init(&worker->metrics, worker->conf);
    worker->recent = recent_create(worker->conf);
    add_wake(worker);
    add_listeners(worker, options);
    add_stubs(worker, options);
    if (add_upstreams(worker))
        return worker;
    fprintf(stderr, "hourglass: the name server %s cannot be used\n", worker->conf->proxy.resolver);
    worker_destroy(worker);
    return NULL;
}

static void drop_stubs(struct worker *worker)
{
    listener_list_finish(&worker->stub_listens);
    for (size_t i = 0; i < worker->conf->stubs_count; i++) {
        http1_destroy(worker->stubs[i].http1);
        stub_destroy(worker->stubs[i].stub);
    }
    free(worker->stubs);
}

void worker_destroy(struct worker *worker)
{
    if (!worker)
        return;
    listener_list_finish(&worker->listens);
    exchange_drop_all(worker, clock_now());
    http1_destroy(worker->http1);
    drop_stubs(worker);
    event_del(&worker->wake);
    event_del(&worker->drain_check);
    lag_finish(&worker->lag);
    exporter_destroy(worker->exporter);
    upstreams_destroy(worker->upstreams);
    curl_loop_destroy(worker->curl_loop);
    event_base_free(worker->base);
    close(worker->wake_fd);
    metrics_finish(&worker->metrics);
    recent_destroy(worker->recent);
    pool_finish(&worker->pool);
    free(worker);
}
