/* Clients that do not know of each other: requests come at random instants (a Poisson process, the
 * same one in each run), so many in a second, whether or not the answers keep up.
 *
 * usage: paced PORT PATH CONNECTIONS RATE SECONDS
 * Prints one line of JSON; its times are in us, but "seconds".
 *
 * A request's time begins when it is due, also where it has to wait for a connection; it ends when
 * the kernel has the last byte of its answer, and stamps it. When this program is late itself, the
 * time begins when it notices: "own" is how late it was. The first tenth is not counted. Answers
 * have at most 4 KiB. */
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "meter.h"

#define PATIENCE_NS (2 * S_NS) /* for answers that are due, after the last request */
#define EVENTS_MAX 64

/* The number of an event that is not a client's. */
#define PACE UINT64_MAX

struct client {
    int socket;
    int64_t begin_ns; /* of its request */
    struct client *next_idle;
    struct answer answer;
};

/* Requests that wait for a connection: a ring of when they began. */
struct waiting {
    int64_t *begin_ns; /* owned */
    size_t first, count;
};

static struct {
    int port, epoll, pace;
    char request[512];
    int request_length;
    double gap_ns;          /* between two requests, in the mean */
    struct client *clients; /* owned */
    struct client *idle;
    struct waiting waiting;
    uint64_t wanted, begun, ended, failed, wrong;
    int64_t begin_ns, count_from_ns, due_ns;
    struct samples latency, own;
} run;

static void client_connect(struct client *client)
{
    client->socket = connect_to(run.port);
    watch(run.epoll, client->socket, (uint64_t)(client - run.clients));
}

static void client_ask(struct client *client, int64_t begin_ns)
{
    client->begin_ns = begin_ns;
    client->answer.length = 0;
    /* What could not be sent has met the end of the connection, of which an event will tell. */
    send(client->socket, run.request, (size_t)run.request_length, MSG_NOSIGNAL);
}

static void client_is_free(struct client *client)
{
    struct waiting *waiting = &run.waiting;

    client->begin_ns = 0;
    if (waiting->count > 0) {
        client_ask(client, waiting->begin_ns[waiting->first]);
        waiting->first = (waiting->first + 1) % run.wanted;
        waiting->count--;
    } else {
        client->next_idle = run.idle;
        run.idle = client;
    }
}

static void request_begins(int64_t now)
{
    struct client *client = run.idle;

    run.begun++;
    if (client) {
        run.idle = client->next_idle;
        client_ask(client, now);
    } else {
        run.waiting.begin_ns[(run.waiting.first + run.waiting.count++) % run.wanted] = now;
    }
}

static void request_ended(struct client *client, int status, int64_t come_ns)
{
    run.ended++;
    run.failed += status == 0;
    run.wrong += status != 0 && status != 200;
    if (client->begin_ns >= run.count_from_ns && status == 200)
        samples_add(&run.latency, come_ns - client->begin_ns);
}

static void on_client(struct client *client)
{
    int64_t come_ns;
    bool is_end = !answer_read(&client->answer, client->socket, &come_ns);
    int status = answer_status(&client->answer, is_end);
    bool was_asked = client->begin_ns != 0;

    if (is_end) {
        close(client->socket);
        client_connect(client);
    }
    if (!was_asked || (status == 0 && !is_end))
        return;
    request_ended(client, status, come_ns);
    client_is_free(client);
}

static double random_gap_ns(void)
{
    return -log(1.0 - drand48()) * run.gap_ns;
}

static void wake_at(int64_t due_ns)
{
    struct itimerspec due = {.it_value = {due_ns / S_NS, due_ns % S_NS}};

    if (timerfd_settime(run.pace, TFD_TIMER_ABSTIME, &due, NULL) != 0)
        fail("timerfd");
}

/* All requests that are due begin. */
static void on_pace(void)
{
    int64_t now = now_ns();

    for (; run.begun < run.wanted && run.due_ns <= now; run.due_ns += (int64_t)random_gap_ns()) {
        if (run.due_ns >= run.count_from_ns)
            samples_add(&run.own, now - run.due_ns);
        request_begins(now);
    }
    if (run.begun < run.wanted)
        wake_at(run.due_ns);
    else
        epoll_ctl(run.epoll, EPOLL_CTL_DEL, run.pace, NULL);
}

static void begin(size_t clients, int64_t seconds)
{
    run.waiting.begin_ns = calloc(run.wanted, sizeof(int64_t));
    run.clients = calloc(clients, sizeof(*run.clients));
    run.epoll = epoll_create1(0);
    run.pace = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    if (!run.waiting.begin_ns || !run.clients || run.epoll < 0 || run.pace < 0)
        fail("to begin");
    for (size_t i = 0; i < clients; i++) {
        client_connect(&run.clients[i]);
        client_is_free(&run.clients[i]);
    }
    run.begin_ns = run.due_ns = now_ns() + S_NS / 4;
    run.count_from_ns = run.begin_ns + seconds * S_NS / 10;
    watch(run.epoll, run.pace, PACE);
    wake_at(run.due_ns);
}

static void turn(void)
{
    struct epoll_event events[EVENTS_MAX];
    int64_t last_ns = INT64_MAX;

    while (run.ended < run.wanted && now_ns() < last_ns) {
        int count = epoll_wait(run.epoll, events, EVENTS_MAX, 100);
        for (int i = 0; i < count; i++) {
            if (events[i].data.u64 == PACE)
                on_pace();
            else
                on_client(&run.clients[events[i].data.u64]);
        }
        if (run.begun == run.wanted && last_ns == INT64_MAX)
            last_ns = now_ns() + PATIENCE_NS;
    }
    run.failed += run.wanted - run.ended;
}

static void report(void)
{
    if (run.latency.count == 0) {
        fprintf(stderr, "paced: no 200 came (failed %" PRIu64 ", other answers %" PRIu64 ")\n",
                run.failed, run.wrong);
        exit(1);
    }
    samples_sort(&run.latency);
    samples_sort(&run.own);
    printf("{\"requests\": %" PRIu64 ", \"seconds\": %.3f, \"failed\": %" PRIu64
           ", \"status\": %" PRIu64 ", \"p50\": %.1f, \"p99\": %.1f, \"p999\": %.1f,"
           " \"own50\": %.1f, \"own99\": %.1f}\n",
           run.ended, (double)(now_ns() - run.begin_ns) / 1e9, run.failed, run.wrong,
           samples_percentile(&run.latency, 0.5), samples_percentile(&run.latency, 0.99),
           samples_percentile(&run.latency, 0.999), samples_percentile(&run.own, 0.5),
           samples_percentile(&run.own, 0.99));
}

int main(int count, char **arguments)
{
    int64_t rate, seconds;

    if (count != 6) {
        fprintf(stderr, "usage: paced PORT PATH CONNECTIONS RATE SECONDS\n");
        return 2;
    }
    run.port = atoi(arguments[1]);
    run.request_length = snprintf(run.request, sizeof(run.request),
                                  "GET %.256s HTTP/1.1\r\nHost: bench\r\n\r\n", arguments[2]);
    rate = atoll(arguments[4]);
    seconds = atoll(arguments[5]);
    run.gap_ns = (double)S_NS / (double)rate;
    run.wanted = (uint64_t)(rate * seconds);
    srand48(1);
    begin((size_t)atoll(arguments[3]), seconds);
    turn();
    report();
    return 0;
}
