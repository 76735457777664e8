/* The HTTP/1.1 codec from its real entry: what a client sends, in pieces, to a service that echoes
 * and takes its time now and then. The first byte sets how the rest is cut into pieces. */
#include <assert.h>
#include <event2/event.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy/chain.h"
#include "proxy/http1.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

struct echo {
    struct pool *pool;
    struct client *client; /* the request under way; NULL: none */
    const struct request *request;
    size_t wanted; /* bytes of body that were asked for and have not come */
    unsigned style;
};

static void answer(struct echo *echo, struct instant now)
{
    struct client *client = echo->client;
    const struct reply reply = {.status = 200, .length = echo->style & 1 ? 5 : LENGTH_UNKNOWN};
    struct chain body = CHAIN_EMPTY;
    bool is_going;

    chain_append(&body, echo->pool, "hello", 5);
    client_reply(client, &reply, now);
    is_going = client_send(client, &body);
    assert(is_going);
    if (echo->style & 2)
        client_flush(client, now);
    if ((echo->style & 12) == 12) {
        echo->client = NULL;
        client_cut(client);
    } else if (client_end(client, now)) {
        echo->client = NULL;
    }
}

static void want(struct echo *echo, size_t count)
{
    echo->wanted += count;
    client_want(echo->client, count);
}

/* Reads every byte of a head, so that a text that points astray is found. */
static void check_head(const struct request *request)
{
    unsigned sum = 0;

    for (size_t i = 0; i < request->headers_count; i++) {
        const struct header *header = &request->headers[i];

        for (size_t at = 0; at < header->name.count; at++)
            assert(header->name.at[at] > ' ' && header->name.at[at] != ':');
        for (size_t at = 0; at < header->value.count; at++)
            assert(header->value.at[at] != '\r' && header->value.at[at] != '\n' &&
                   header->value.at[at] != '\0');
    }
    for (size_t at = 0; at < request->path.count; at++)
        sum += (unsigned char)request->path.at[at];
    assert(request->path.count > 0 && sum > 0);
    assert(request->body != BODY_LENGTH || request->body_length > 0);
}

static void *on_request(void *arg, struct client *client, const struct request *request,
                        struct instant now)
{
    struct echo *echo = arg;

    assert(!echo->client);
    check_head(request);
    echo->client = client;
    echo->request = request;
    echo->wanted = 0;
    echo->style = (unsigned)request->path.count + (unsigned)request->headers_count;
    if (request->body == BODY_NONE)
        answer(echo, now);
    else if (echo->style % 5 != 0)
        want(echo, 7);
    else
        answer(echo, now);
    return echo;
}

static void on_body(void *owner, const char *bytes, size_t count, struct instant now)
{
    struct echo *echo = owner;

    (void)bytes;
    (void)now;
    assert(echo->client && count > 0 && count <= echo->wanted);
    echo->wanted -= count;
    want(echo, count);
}

static void on_body_end(void *owner, struct instant now)
{
    answer(owner, now);
}

static void on_writable(void *owner, struct instant now)
{
    (void)owner;
    (void)now;
}

static void on_sent(void *owner, struct instant now)
{
    struct echo *echo = owner;

    (void)now;
    echo->client = NULL;
}

static bool on_half_closed(void *owner, struct instant now)
{
    const struct echo *echo = owner;

    (void)now;
    assert(echo->client);
    return echo->style % 3 != 0;
}

static void on_gone(void *owner, enum client_loss loss, struct instant now)
{
    (void)loss;
    on_sent(owner, now);
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

/* Runs the loop; what the client is sent is read, and must look like HTTP from its first byte. */
static void turn(struct event_base *base, int fd, bool *has_heard)
{
    char heard[65536];
    ssize_t got;

    event_base_loop(base, EVLOOP_NONBLOCK);
    event_base_loop(base, EVLOOP_NONBLOCK);
    got = recv(fd, heard, sizeof(heard), MSG_DONTWAIT);
    if (got > 0 && !*has_heard) {
        assert(got >= 9 && memcmp(heard, "HTTP/1.1 ", 9) == 0);
        *has_heard = true;
    }
}

static void converse(struct event_base *base, int fd, const uint8_t *bytes, size_t count)
{
    size_t step = count > 0 ? (size_t)bytes[0] + 1 : 1;
    bool has_heard = false;

    for (size_t at = 1; at < count; at += step) {
        size_t rest = count - at < step ? count - at : step;

        if (send(fd, bytes + at, rest, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
            break;
        turn(base, fd, &has_heard);
    }
    shutdown(fd, SHUT_WR);
    turn(base, fd, &has_heard);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    static struct event_base *base;
    struct pool pool;
    struct echo echo = {.pool = &pool};
    struct http1_options options = {
        .pool = &pool,
        .service = &SERVICE,
        .service_arg = &echo,
        .max_header = 1024,
        .header_timeout = span_s(10),
        .idle_timeout = span_s(10),
    };
    const struct peer peer = {.address = "unix", .is_unix = true};
    struct http1_set *set;
    int fds[2];

    if (!base)
        base = event_base_new();
    options.base = base;
    pool_init(&pool);
    set = http1_create(&options);
    if (!set || socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) != 0)
        return 1;
    http1_accept(set, fds[1], &peer, (struct instant){.ns = 0});
    converse(base, fds[0], bytes, count);
    http1_destroy(set);
    close(fds[0]);
    pool_finish(&pool);
    return 0;
}
