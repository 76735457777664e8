#include "proxy/proxy.h"

#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <event2/thread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "proxy/admin.h"
#include "proxy/clock.h"
#include "proxy/curl_loop.h"
#include "proxy/descriptors.h"
#include "proxy/handover.h"
#include "proxy/http1.h"
#include "proxy/inheritance.h"
#include "proxy/listener.h"
#include "proxy/memory.h"
#include "proxy/readers.h"
#include "proxy/say.h"
#include "proxy/sockets.h"
#include "proxy/worker.h"

/* After the end of `drain`, how long the last answers may take to leave. */
#define LAST_WORDS span_s(1)

enum { ADMIN_HEADER_MAX = 16384, SIGNALS = 5 };

struct proxy {
    const struct conf *conf; /* borrowed */
    struct header_rules *rules;
    struct log *log;
    struct worker **workers;
    const struct metrics **metrics; /* of the workers */
    struct recent **recents;        /* the same */
    size_t workers_count;
    size_t workers_running; /* threads that were started */
    size_t workers_idle;    /* have drained */
    atomic_uint open_connections;
    unsigned max_connections; /* of the configuration, or fewer: what descriptors allow */
    struct pool_total memory; /* of the workers */
    enum worker_order order;  /* what the workers were told last */

    struct event_base *base; /* of this thread: signals and the admin pages */
    struct event signals[SIGNALS];
    struct event drain_end;
    struct event idle;
    int idle_fd;
    struct pool pool;
    struct admin admin;
    struct readers *readers; /* of its pages */
    struct http1_set *admin_http1;
    struct listener_list admin_listens;

    struct sockets *sockets;   /* of all threads */
    struct handover *handover; /* gives them to who replaces us; NULL: nobody can */
};

/* ---- built ------------------------------------------------------------------------------------ */

static size_t workers_wanted(const struct conf *conf)
{
    cpu_set_t cores;

    if (conf->proxy.workers > 0)
        return conf->proxy.workers;
    if (sched_getaffinity(0, sizeof cores, &cores) != 0)
        return 1;
    return (size_t)CPU_COUNT(&cores);
}

static bool open_log(struct proxy *proxy)
{
    proxy->log = log_create(proxy->conf->proxy.log, proxy->conf->proxy.logs_json);
    if (!proxy->log)
        fprintf(stderr, "hourglass: cannot open the log %s: %s\n", proxy->conf->proxy.log,
                strerror(errno));
    return proxy->log;
}

static bool start_workers(struct proxy *proxy)
{
    for (size_t i = 0; i < proxy->workers_count; i++) {
        proxy->workers[i] = worker_create(&(struct worker_options){
            .index = (unsigned)i,
            .conf = proxy->conf,
            .rules = proxy->rules,
            .log = proxy->log,
            .sockets = proxy->sockets,
            .open_connections = &proxy->open_connections,
            .max_connections = proxy->max_connections,
            .memory = &proxy->memory,
            .idle_fd = proxy->idle_fd,
        });
        if (!proxy->workers[i])
            return false;
        proxy->metrics[i] = &proxy->workers[i]->metrics;
        proxy->recents[i] = proxy->workers[i]->recent;
    }
    for (size_t i = 0; i < proxy->workers_count; i++) {
        if (!worker_start(proxy->workers[i])) {
            fprintf(stderr, "hourglass: cannot start a thread: %s\n", strerror(errno));
            return false;
        }
        proxy->workers_running++;
    }
    return true;
}

static void start_admin(struct proxy *proxy)
{
    const struct conf_proxy *conf = &proxy->conf->proxy;

    if (!conf->admin)
        return;
    proxy->readers =
        readers_create(&(struct readers_options){.base = proxy->base,
                                                 .bytes_max = conf->max_memory / ADMIN_PAGES_PART,
                                                 .patience = conf->idle_timeout});
    proxy->admin = (struct admin){
        .conf = proxy->conf,
        .workers = proxy->metrics,
        .workers_count = proxy->workers_count,
        .recents = proxy->recents,
        .log = proxy->log,
        .pool = &proxy->pool,
        .readers = proxy->readers,
        .memory = &proxy->memory,
        .max_connections = proxy->max_connections,
        .started = clock_now(),
    };
    proxy->admin_http1 = http1_create(&(struct http1_options){
        .base = proxy->base,
        .pool = &proxy->pool,
        .service = &admin_service,
        .service_arg = &proxy->admin,
        .max_header = ADMIN_HEADER_MAX,
        .header_timeout = conf->header_timeout,
        .idle_timeout = conf->idle_timeout,
    });
    const struct listener_options listen = {
        .base = proxy->base,
        .http1 = proxy->admin_http1,
        .max_connections = ADMIN_CONNECTIONS_MAX,
    };
    int fd;
    for (unsigned n = 0; (fd = sockets_admin(proxy->sockets, n)) >= 0; n++)
        listener_list_add(&proxy->admin_listens, &listen, fd);
}

/* ---- run and drained -------------------------------------------------------------------------- */

static void tell_all(struct proxy *proxy, enum worker_order order)
{
    proxy->order = order;
    for (size_t i = 0; i < proxy->workers_running; i++)
        worker_tell(proxy->workers[i], order);
}

static void stop(struct proxy *proxy)
{
    tell_all(proxy, WORKER_STOP);
    event_base_loopbreak(proxy->base);
}

/* Another process has our sockets: what comes now is its to answer. */
static void yield(struct proxy *proxy)
{
    say("another process takes over");
    sockets_own(proxy->sockets, false);
    listener_list_finish(&proxy->admin_listens);
    if (proxy->admin_http1)
        http1_drain(proxy->admin_http1, clock_now());
}

/* What listens below port 1024 needs a capability, and nothing needs more. */
static void warn_of_root(void)
{
    if (geteuid() == 0)
        say("warning: runs as root, and needs only an ordinary user's rights");
}

static void begin_drain(struct proxy *proxy)
{
    struct timeval wait = clock_timeval(proxy->conf->proxy.drain);
    bool yields = handover_end(proxy->handover);

    if (yields)
        yield(proxy);
    say("draining");
    proxy->admin.is_draining = true;
    tell_all(proxy, yields ? WORKER_YIELD : WORKER_DRAIN);
    event_add(&proxy->drain_end, &wait);
}

static void on_taken(void *arg)
{
    struct proxy *proxy = arg;

    if (proxy->order == WORKER_RUN)
        begin_drain(proxy);
}

static void on_stop_signal(evutil_socket_t number, short what, void *arg)
{
    struct proxy *proxy = arg;

    (void)number, (void)what;
    if (proxy->order == WORKER_RUN)
        begin_drain(proxy);
    else
        stop(proxy);
}

static void on_reopen_signal(evutil_socket_t number, short what, void *arg)
{
    struct proxy *proxy = arg;

    (void)number, (void)what;
    log_reopen(proxy->log);
}

static void on_hangup_signal(evutil_socket_t number, short what, void *arg)
{
    (void)number, (void)what, (void)arg;
    say("SIGHUP does nothing: the configuration is read at the start only");
}

/* First what is still under way is cancelled; then even the answers to that have had their time. */
static void on_drain_end(evutil_socket_t fd, short what, void *arg)
{
    struct proxy *proxy = arg;
    struct timeval wait = clock_timeval(LAST_WORDS);

    (void)fd, (void)what;
    if (proxy->order >= WORKER_CANCEL) {
        stop(proxy);
        return;
    }
    tell_all(proxy, WORKER_CANCEL);
    event_add(&proxy->drain_end, &wait);
}

static void on_idle(evutil_socket_t fd, short what, void *arg)
{
    struct proxy *proxy = arg;
    uint64_t count;

    (void)what;
    if (read(fd, &count, sizeof count) != sizeof count)
        return;
    proxy->workers_idle += count;
    if (proxy->workers_idle == proxy->workers_count)
        stop(proxy);
}

static void add_events(struct proxy *proxy)
{
    static const struct {
        int number;
        event_callback_fn on_signal;
    } signals[SIGNALS] = {
        {SIGTERM, on_stop_signal},   {SIGINT, on_stop_signal},   {SIGQUIT, on_stop_signal},
        {SIGUSR1, on_reopen_signal}, {SIGHUP, on_hangup_signal},
    };

    proxy->idle_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    assert(proxy->idle_fd >= 0);
    for (size_t i = 0; i < SIGNALS; i++) {
        evsignal_assign(&proxy->signals[i], proxy->base, signals[i].number, signals[i].on_signal,
                        proxy);
        event_add(&proxy->signals[i], NULL);
    }
    evtimer_assign(&proxy->drain_end, proxy->base, on_drain_end, proxy);
    event_assign(&proxy->idle, proxy->base, proxy->idle_fd, EV_READ | EV_PERSIST, on_idle, proxy);
    event_add(&proxy->idle, NULL);
}

/* ---- taken down ------------------------------------------------------------------------------- */

static void proxy_init(struct proxy *proxy)
{
    const struct conf *conf = proxy->conf;

    proxy->memory.max = conf->proxy.max_memory;
    proxy->workers_count = workers_wanted(conf);
    proxy->workers = memory_take_clear(proxy->workers_count, sizeof(struct worker *));
    proxy->metrics = memory_take_clear(proxy->workers_count, sizeof(struct metrics *));
    proxy->recents = memory_take_clear(proxy->workers_count, sizeof(struct recent *));
    proxy->base = event_base_new();
    assert(proxy->base);
    pool_init(&proxy->pool);
    add_events(proxy);
}

static void proxy_finish(struct proxy *proxy)
{
    if (proxy->order != WORKER_STOP)
        tell_all(proxy, WORKER_STOP);
    for (size_t i = 0; i < proxy->workers_running; i++)
        worker_join(proxy->workers[i]);
    for (size_t i = 0; i < proxy->workers_count; i++)
        worker_destroy(proxy->workers[i]);
    listener_list_finish(&proxy->admin_listens);
    http1_destroy(proxy->admin_http1);
    readers_destroy(proxy->readers);
    for (size_t i = 0; i < SIGNALS; i++)
        event_del(&proxy->signals[i]);
    event_del(&proxy->drain_end);
    event_del(&proxy->idle);
    event_base_free(proxy->base);
    close(proxy->idle_fd);
    log_destroy(proxy->log);
    header_rules_destroy(proxy->rules);
    pool_finish(&proxy->pool);
    free(proxy->workers);
    free(proxy->metrics);
    free(proxy->recents);
}

/* Serves until it is stopped. predecessor: NULL, or whom it replaces as soon as it serves. */
static void serve(struct proxy *proxy, struct inheritance *predecessor)
{
    start_admin(proxy);
    sockets_say(proxy->sockets, stderr);
    warn_of_root();
    say("ready");
    if (predecessor) {
        inheritance_accept(predecessor);
        sockets_own(proxy->sockets, true);
    }
    proxy->handover = handover_create(&(struct handover_options){
        .base = proxy->base,
        .sockets = proxy->sockets,
        .on_taken = on_taken,
        .arg = proxy,
    });
    if (!proxy->handover)
        say("it cannot be replaced while it runs, since its name for that is in use");
    event_base_dispatch(proxy->base);
    handover_destroy(proxy->handover);
    say("stopped");
}

static int run(struct proxy *proxy, struct inheritance *predecessor)
{
    proxy->sockets = sockets_open(proxy->conf, proxy->workers_count, predecessor, stderr);
    bool is_up = proxy->sockets && open_log(proxy);

    if (is_up) {
        proxy->rules = header_rules_create(proxy->conf);
        is_up = start_workers(proxy);
    }
    if (is_up)
        serve(proxy, predecessor);
    sockets_destroy(proxy->sockets);
    return is_up ? 0 : 1;
}

static int run_alone_or_after(struct proxy *proxy, pid_t replaced)
{
    struct inheritance *predecessor = NULL;

    if (replaced > 0) {
        predecessor = inheritance_create(replaced, stderr);
        if (!predecessor)
            return 1;
    }
    int code = run(proxy, predecessor);
    inheritance_destroy(predecessor);
    return code;
}

int proxy_run(const struct conf *conf, pid_t replaced)
{
    struct proxy proxy = {.conf = conf, .order = WORKER_RUN};

    signal(SIGPIPE, SIG_IGN);
    if (!descriptors_raise(conf, workers_wanted(conf), &proxy.max_connections))
        return 1;
    say_for_libevent();
    event_set_mem_functions(memory_take, memory_resize, free);
    evthread_use_pthreads(); /* for libevent's random numbers; the bases themselves have no locks */
    curl_loop_global_init();
    proxy_init(&proxy);
    int code = run_alone_or_after(&proxy, replaced);
    proxy_finish(&proxy);
    curl_loop_global_finish();
    libevent_global_shutdown();
    return code;
}
