#include "test/support/http1_rig.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy/clock.h"

static void told(struct rig *rig, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void told(struct rig *rig, const char *format, ...)
{
    size_t room = sizeof(rig->told) - rig->told_count;
    va_list arguments;
    int count;

    va_start(arguments, format);
    count = vsnprintf(rig->told + rig->told_count, room, format, arguments);
    va_end(arguments);
    if (count > 0 && (size_t)count < room)
        rig->told_count += (size_t)count;
}

static void answer(struct rig *rig, const char *text)
{
    rig_reply(rig, 200, (int64_t)strlen(text));
    (void)rig_send(rig, text);
    (void)rig_end(rig);
}

static void echo(struct rig *rig)
{
    const struct request *request = rig->request;
    char body[4096];
    char text[8192];
    size_t count = chain_take(&rig->body, &rig->pool, body, sizeof(body));

    chain_clear(&rig->body, &rig->pool);
    snprintf(text, sizeof(text), "%.*s %.*s [%.*s]", (int)request->method.count, request->method.at,
             (int)request->path.count, request->path.at, (int)count, body);
    answer(rig, text);
}

static void *on_request(void *arg, struct client *client, const struct request *request,
                        struct instant now)
{
    struct rig *rig = arg;

    (void)now;
    rig->client = client;
    rig->request = request;
    rig->started = request->started;
    told(rig, "request %.*s %.*s|", (int)request->method.count, request->method.at,
         (int)request->target.count, request->target.at);
    if (rig->options.mode == RIG_EARLY)
        answer(rig, "early");
    else if (rig->options.mode == RIG_ECHO && request->body == BODY_NONE)
        echo(rig);
    else if (rig->options.mode == RIG_ECHO)
        client_want(client, 100);
    return rig;
}

static void on_body(void *owner, const char *bytes, size_t count, struct instant now)
{
    struct rig *rig = owner;

    (void)now;
    rig->body_bytes += count;
    told(rig, "body %zu|", count);
    if (rig->options.mode != RIG_ECHO)
        return;
    chain_append(&rig->body, &rig->pool, bytes, count);
    client_want(rig->client, count);
}

static void on_body_end(void *owner, struct instant now)
{
    struct rig *rig = owner;

    (void)now;
    told(rig, "end|");
    if (rig->options.mode == RIG_ECHO)
        echo(rig);
}

static void on_writable(void *owner, struct instant now)
{
    (void)now;
    told(owner, "writable|");
}

static void on_sent(void *owner, struct instant now)
{
    struct rig *rig = owner;

    (void)now;
    rig->client = NULL;
    told(rig, "sent|");
}

static bool on_half_closed(void *owner, struct instant now)
{
    struct rig *rig = owner;

    (void)now;
    if (rig->options.outlives)
        told(rig, "half|");
    return rig->options.outlives;
}

static void on_gone(void *owner, enum client_loss loss, struct instant now)
{
    struct rig *rig = owner;

    (void)now;
    rig->client = NULL;
    chain_clear(&rig->body, &rig->pool);
    told(rig, "gone %s|", loss == CLIENT_LEFT ? "left" : "invalid");
}

static const struct service SERVICE = {
    .on_request = on_request,
    .on_body = on_body,
    .on_body_end = on_body_end,
    .on_writable = on_writable,
    .on_sent = on_sent,
    .on_half_closed = on_half_closed,
    .on_gone = on_gone,
};

static struct event_base *new_base(void)
{
    struct event_config *config = event_config_new();
    struct event_base *base;

    event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK | EVENT_BASE_FLAG_PRECISE_TIMER);
    base = event_base_new_with_config(config);
    event_config_free(config);
    return base;
}

struct rig *rig_create(const struct rig_options *options)
{
    struct rig *rig = calloc(1, sizeof(*rig));
    struct http1_options codec = {.service = &SERVICE, .service_arg = rig};

    rig->options = *options;
    rig->base = new_base();
    pool_init(&rig->pool);
    codec.base = rig->base;
    codec.pool = &rig->pool;
    codec.metrics = &rig->metrics;
    codec.open_connections = &rig->open_connections;
    codec.max_header = options->max_header ? options->max_header : 16384;
    codec.header_timeout = span_ms(options->header_ms ? options->header_ms : 10000);
    codec.idle_timeout = span_ms(options->idle_ms ? options->idle_ms : 60000);
    rig->set = http1_create(&codec);
    rig->fd = rig_connect(rig);
    return rig;
}

void rig_destroy(struct rig *rig)
{
    chain_clear(&rig->body, &rig->pool);
    http1_destroy(rig->set);
    event_base_free(rig->base);
    pool_finish(&rig->pool);
    if (rig->fd >= 0)
        close(rig->fd);
    free(rig);
}

static void connect_tcp(int fds[2])
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t length = sizeof(address);
    struct sockaddr *generic = (struct sockaddr *)&address;
    int listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    fds[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(listening, generic, length) != 0 || listen(listening, 1) != 0 ||
        getsockname(listening, generic, &length) != 0 || connect(fds[0], generic, length) != 0)
        abort();
    fds[1] = accept4(listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    close(listening);
}

int rig_connect(struct rig *rig)
{
    const struct peer peer = {.address = "unix", .is_unix = true};
    const int small = 4096;
    int fds[2];

    if (rig->options.is_tcp)
        connect_tcp(fds);
    else if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) != 0)
        abort();
    if (rig->options.fills_sockets) {
        setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
        setsockopt(fds[1], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
    }
    http1_accept(rig->set, fds[1], &peer, clock_now());
    return fds[0];
}

void rig_turn(struct rig *rig)
{
    for (int i = 0; i < 20; i++)
        event_base_loop(rig->base, EVLOOP_NONBLOCK);
}

static void hear(struct rig *rig)
{
    while (rig->fd >= 0 && !rig->has_ended && rig->heard_count < sizeof(rig->heard) - 1) {
        ssize_t got = recv(rig->fd, rig->heard + rig->heard_count,
                           sizeof(rig->heard) - 1 - rig->heard_count, MSG_DONTWAIT);
        if (got > 0) {
            rig->heard_count += (size_t)got;
        } else if (got < 0 && errno == EAGAIN) {
            break;
        } else {
            rig->has_ended = true;
            rig->was_reset = got < 0;
        }
        rig_turn(rig);
    }
    rig->heard[rig->heard_count] = '\0';
}

static bool is_over(struct instant end)
{
    usleep(500);
    return instant_reached(end, clock_now());
}

bool rig_waits_told(struct rig *rig, const char *sought)
{
    struct instant end = instant_after(clock_now(), span_s(15));

    do {
        rig_turn(rig);
    } while (!strstr(rig->told, sought) && !is_over(end));
    return strstr(rig->told, sought) != NULL;
}

bool rig_waits_heard(struct rig *rig, const char *sought)
{
    struct instant end = instant_after(clock_now(), span_s(15));

    do {
        rig_turn(rig);
        hear(rig);
    } while (!strstr(rig->heard, sought) && !rig->has_ended && !is_over(end));
    return strstr(rig->heard, sought) != NULL;
}

bool rig_waits_closed(struct rig *rig)
{
    struct instant end = instant_after(clock_now(), span_s(15));

    do {
        rig_turn(rig);
        hear(rig);
    } while (!rig->has_ended && !is_over(end));
    return rig->has_ended;
}

void rig_say_bytes(struct rig *rig, const char *bytes, size_t count)
{
    while (count > 0) {
        ssize_t sent = send(rig->fd, bytes, count, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent <= 0)
            break;
        bytes += sent;
        count -= (size_t)sent;
        rig_turn(rig);
    }
    rig_turn(rig);
}

void rig_say(struct rig *rig, const char *text)
{
    rig_say_bytes(rig, text, strlen(text));
}

void rig_drip(struct rig *rig, const char *text)
{
    for (; *text; text++) {
        if (send(rig->fd, text, 1, MSG_NOSIGNAL | MSG_DONTWAIT) != 1)
            break;
        event_base_loop(rig->base, EVLOOP_NONBLOCK);
    }
    rig_turn(rig);
}

const char *rig_heard(struct rig *rig)
{
    const char *mark = "Date: ";
    char *at;

    rig_turn(rig);
    hear(rig);
    for (at = strstr(rig->heard, mark); at; at = strstr(at, mark)) {
        char *end;

        at += strlen(mark);
        end = strstr(at, "\r\n");
        if (!end || strncmp(at, "now", 3) == 0)
            continue;
        memcpy(at, "now", 3);
        memmove(at + 3, end, strlen(end) + 1);
        rig->heard_count = strlen(rig->heard);
    }
    return rig->heard;
}

void rig_forget(struct rig *rig)
{
    (void)rig_heard(rig);
    rig->heard_count = 0;
    rig->heard[0] = '\0';
    rig->told_count = 0;
    rig->told[0] = '\0';
}

void rig_reply(struct rig *rig, int status, int64_t length)
{
    const struct reply reply = {.status = status, .length = length};

    client_reply(rig->client, &reply, clock_now());
}

bool rig_send(struct rig *rig, const char *text)
{
    struct chain chain = CHAIN_EMPTY;

    chain_append(&chain, &rig->pool, text, strlen(text));
    return client_send(rig->client, &chain);
}

bool rig_send_many(struct rig *rig, size_t count)
{
    struct chain chain = CHAIN_EMPTY;
    size_t room;

    while (chain.count < count) {
        char *at = chain_room(&chain, &rig->pool, &room);
        size_t step = room < count - chain.count ? room : count - chain.count;

        memset(at, 'x', step);
        chain_wrote(&chain, step);
    }
    return client_send(rig->client, &chain);
}

bool rig_end(struct rig *rig)
{
    struct client *client = rig->client;
    bool is_sent = client_end(client, clock_now());

    if (is_sent && rig->client == client)
        rig->client = NULL;
    return is_sent;
}

static void on_20_ms(evutil_socket_t fd, short what, void *arg)
{
    bool *is_over = arg;

    (void)fd;
    (void)what;
    *is_over = true;
}

int rig_turns_in_20_ms(struct rig *rig)
{
    const struct timeval wait = {.tv_usec = 20000};
    bool is_over = false;
    int turns = 0;

    event_base_once(rig->base, -1, EV_TIMEOUT, on_20_ms, &is_over, &wait);
    while (!is_over) {
        event_base_loop(rig->base, EVLOOP_ONCE);
        turns++;
    }
    return turns;
}
