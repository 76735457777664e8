/* Clients that each bring a budget of their own, and the upstream, which never answers: how late
 * are the proxy's answers behind the clients' own timers?
 *
 * usage: budgets PROXY_PORT UPSTREAM_PORT CLIENTS SECONDS SHORTEST_MS LONGEST_MS
 * Prints one line of JSON; its times are in us, but "seconds".
 *
 * A client's timer starts before its request is written, and an answer has come when the kernel
 * has its last byte, which stamps it: that this program may look at it later says nothing about
 * the proxy. How late it looks is shown all the same: a timer of its own is due each millisecond,
 * and "own" is how late that was seen. */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "meter.h"

#define RAMP_NS S_NS           /* over which the first requests are spread */
#define PATIENCE_NS (2 * S_NS) /* for answers that are due, after the last request */
#define EVENTS_MAX 64

/* What an event is about: the upper half of its number; a client or a socket is the lower half. */
enum who { PROBE, LISTENER, UPSTREAM, CLIENT };

struct client {
    int socket;
    bool is_waiting;
    bool is_counted; /* this request: sent while all others were in flight */
    int64_t due_ns;  /* its own timer */
    struct answer answer;
};

static struct {
    int proxy_port, epoll, probe, listener;
    int64_t shortest_ms, longest_ms;
    struct client *clients; /* owned */
    size_t clients_count, begun, waiting;
    int64_t begin_ns, count_from_ns, end_ns;
    int64_t probe_due_ns;
    struct samples late, own;
    uint64_t requests, failed, wrong, in_time;
} run;

static void client_connect(struct client *client)
{
    client->socket = connect_to(run.proxy_port);
    watch(run.epoll, client->socket, (uint64_t)CLIENT << 32 | (uint64_t)(client - run.clients));
}

static void client_ask(struct client *client)
{
    int64_t budget_ms = run.shortest_ms + random() % (run.longest_ms - run.shortest_ms + 1);
    int64_t now = now_ns();
    char request[128];
    int length = snprintf(request, sizeof(request),
                          "GET /budget HTTP/1.1\r\nHost: bench\r\n"
                          "X-Request-Timeout-Ms: %" PRId64 "\r\n\r\n",
                          budget_ms);

    client->due_ns = now + budget_ms * MS_NS;
    client->is_counted = now >= run.count_from_ns;
    client->is_waiting = true;
    client->answer.length = 0;
    run.waiting++;
    /* What could not be sent has met the end of the connection, of which an event will tell. */
    send(client->socket, request, (size_t)length, MSG_NOSIGNAL);
}

/* The answer has come whole, or never will. */
static void client_done(struct client *client, int status, int64_t come_ns)
{
    if (client->is_waiting) {
        client->is_waiting = false;
        run.waiting--;
        run.requests++;
        run.failed += status == 0;
        run.wrong += status != 0 && status != 504;
        if (client->is_counted && status == 504) {
            samples_add(&run.late, come_ns - client->due_ns);
            run.in_time += come_ns <= client->due_ns;
        }
    }
}

static void on_client(struct client *client)
{
    int64_t come_ns;
    bool is_end = !answer_read(&client->answer, client->socket, &come_ns);
    bool has_begun = client < run.clients + run.begun;
    int status = answer_status(&client->answer, is_end);

    if (status != 0 || is_end)
        client_done(client, status, come_ns);
    if (is_end) {
        close(client->socket);
        client_connect(client);
    }
    /* A proxy that says close is believed when it closes. */
    if (!client->is_waiting && has_begun && now_ns() < run.end_ns &&
        (is_end || !answer_closes(&client->answer)))
        client_ask(client);
}

/* Its own timer of each millisecond, which also begins the clients whose turn has come. */
static void on_probe(void)
{
    uint64_t ticks;
    int64_t now = now_ns();

    if (read(run.probe, &ticks, sizeof(ticks)) != sizeof(ticks))
        return;
    for (; ticks > 0; ticks--, run.probe_due_ns += MS_NS)
        if (run.probe_due_ns >= run.count_from_ns)
            samples_add(&run.own, now - run.probe_due_ns);
    while (run.begun < run.clients_count &&
           now >= run.begin_ns + (int64_t)run.begun * RAMP_NS / (int64_t)run.clients_count)
        client_ask(&run.clients[run.begun++]);
}

static void on_listener(void)
{
    int connection;

    while ((connection = accept4(run.listener, NULL, NULL, SOCK_NONBLOCK)) >= 0)
        watch(run.epoll, connection, (uint64_t)UPSTREAM << 32 | (uint64_t)connection);
}

/* A request, of which nothing is wanted, or the proxy gives it up. */
static void on_upstream(int connection)
{
    char request[4096];
    ssize_t count = read(connection, request, sizeof(request));

    if (count == 0 || (count < 0 && errno != EAGAIN))
        close(connection);
}

static void on_event(uint64_t number)
{
    switch ((enum who)(number >> 32)) {
    case PROBE:
        on_probe();
        break;
    case LISTENER:
        on_listener();
        break;
    case UPSTREAM:
        on_upstream((int)(uint32_t)number);
        break;
    case CLIENT:
        on_client(&run.clients[(uint32_t)number]);
        break;
    }
}

static void listen_upstream(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int on = 1;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    run.listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    setsockopt(run.listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (run.listener < 0 || bind(run.listener, (struct sockaddr *)&address, sizeof(address)) != 0 ||
        listen(run.listener, 4096) != 0)
        fail("to listen as the upstream");
    watch(run.epoll, run.listener, (uint64_t)LISTENER << 32);
}

/* All clients connect; the first requests are due a moment later, when the proxy has taken them. */
static void begin(int64_t seconds)
{
    struct itimerspec each_ms = {.it_interval = {0, MS_NS}};

    for (size_t i = 0; i < run.clients_count; i++)
        client_connect(&run.clients[i]);
    run.begin_ns = now_ns() + S_NS / 4;
    run.count_from_ns = run.begin_ns + RAMP_NS + run.longest_ms * MS_NS;
    run.end_ns = run.count_from_ns + seconds * S_NS;
    run.probe_due_ns = run.begin_ns;
    each_ms.it_value.tv_sec = run.begin_ns / S_NS;
    each_ms.it_value.tv_nsec = run.begin_ns % S_NS;
    run.probe = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    if (run.probe < 0 || timerfd_settime(run.probe, TFD_TIMER_ABSTIME, &each_ms, NULL) != 0)
        fail("timerfd");
    watch(run.epoll, run.probe, (uint64_t)PROBE << 32);
}

static void turn(void)
{
    int64_t last_ns = run.end_ns + run.longest_ms * MS_NS + PATIENCE_NS;
    struct epoll_event events[EVENTS_MAX];
    int64_t now;

    do {
        int count = epoll_wait(run.epoll, events, EVENTS_MAX, -1);
        for (int i = 0; i < count; i++)
            on_event(events[i].data.u64);
        now = now_ns();
    } while (now < run.end_ns || (run.waiting > 0 && now < last_ns));
    run.failed += run.waiting;
}

static void report(void)
{
    if (run.late.count == 0 || run.own.count == 0) {
        fprintf(stderr, "budgets: no 504 came (failed %" PRIu64 ", other answers %" PRIu64 ")\n",
                run.failed, run.wrong);
        exit(1);
    }
    samples_sort(&run.late);
    samples_sort(&run.own);
    printf("{\"requests\": %" PRIu64 ", \"seconds\": %.3f, \"failed\": %" PRIu64
           ", \"wrong\": %" PRIu64 ", \"in_time\": %.4f, ",
           run.requests, (double)(now_ns() - run.begin_ns) / 1e9, run.failed, run.wrong,
           100.0 * (double)run.in_time / (double)run.late.count);
    printf("\"late50\": %.1f, \"late99\": %.1f, \"late\": %.1f, \"own99\": %.1f, \"own\": %.1f}\n",
           samples_percentile(&run.late, 0.5), samples_percentile(&run.late, 0.99),
           samples_percentile(&run.late, 1), samples_percentile(&run.own, 0.99),
           samples_percentile(&run.own, 1));
}

int main(int count, char **arguments)
{
    if (count != 7) {
        fprintf(stderr, "usage: budgets PROXY_PORT UPSTREAM_PORT CLIENTS SECONDS SHORTEST_MS"
                        " LONGEST_MS\n");
        return 2;
    }
    run.proxy_port = atoi(arguments[1]);
    run.clients_count = strtoul(arguments[3], NULL, 10);
    run.shortest_ms = atoi(arguments[5]);
    run.longest_ms = atoi(arguments[6]);
    run.clients = calloc(run.clients_count, sizeof(*run.clients));
    run.epoll = epoll_create1(0);
    if (!run.clients || run.epoll < 0)
        fail("to begin");
    listen_upstream(atoi(arguments[2]));
    begin(atoi(arguments[4]));
    turn();
    report();
    return 0;
}
