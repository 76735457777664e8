#include "proxy/stub.h"

#include <assert.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <math.h>
#include <stdlib.h>

#include "proxy/clock.h"
#include "proxy/headers.h"
#include "proxy/memory.h"

/* How many bytes of a request's body may be under way: they are dropped as they come. */
enum { BODY_WINDOW = 1 << 20 };

struct stub {
    const struct conf_stub *conf; /* borrowed */
    struct event_base *base;      /* borrowed */
    struct pool *pool;            /* borrowed */
    uint64_t random;
    struct pending *pending; /* owned; linked */
    struct text body;
    struct text type;
};

/* A request that has come and whose client has not been answered to the end. In a block of the
 * pool. */
struct pending {
    struct stub *stub;
    struct client *client;
    struct pending *next;
    struct pending **link; /* what points to this one */
    struct event timer;
    struct instant due;
    struct text told; /* of the request; no bytes: none */
    bool fails;
    bool body_ended;
};

/* --- chance */

/* splitmix64, by S. Vigna (public domain). */
static uint64_t draw_bits(struct stub *stub)
{
    uint64_t bits = stub->random += UINT64_C(0x9E3779B97F4A7C15);

    bits = (bits ^ bits >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    bits = (bits ^ bits >> 27) * UINT64_C(0x94D049BB133111EB);
    return bits ^ bits >> 31;
}

/* In [0, 1). */
static double draw_uniform(struct stub *stub)
{
    return (double)(draw_bits(stub) >> 11) * 0x1p-53;
}

/* Standard normal, by Box and Muller. */
static double draw_normal(struct stub *stub)
{
    double radius = sqrt(-2.0 * log(1.0 - draw_uniform(stub)));

    return radius * cos(6.283185307179586 * draw_uniform(stub));
}

static struct span span_of_ns(double ns)
{
    if (!(ns > 0.0))
        return SPAN_NONE;
    if (ns >= 9.2e18)
        return SPAN_FOREVER;
    return (struct span){.ns = (int64_t)ns};
}

struct span stub_latency(const struct conf_stub *conf, double uniform, double normal)
{
    static const double z99 = 2.3263478740408408; /* 99 % of all normal numbers are less */
    double low = (double)conf->low.ns;
    double high = (double)conf->high.ns;

    switch (conf->latency) {
    case LATENCY_FIXED:
        break;
    case LATENCY_UNIFORM:
        return span_of_ns(low + (high - low) * uniform);
    case LATENCY_LOGNORMAL:
        if (low > 0.0 && high > low)
            return span_of_ns(low * exp(log(high / low) / z99 * normal));
        break;
    }
    return conf->low;
}

/* What chance says of the next request: always in the same order, so that a run can be repeated. */
static struct span draw_latency(struct stub *stub)
{
    switch (stub->conf->latency) {
    case LATENCY_UNIFORM:
        return stub_latency(stub->conf, draw_uniform(stub), 0.0);
    case LATENCY_LOGNORMAL:
        return stub_latency(stub->conf, 0.0, draw_normal(stub));
    case LATENCY_FIXED:
        break;
    }
    return stub_latency(stub->conf, 0.0, 0.0);
}

static bool draw_failure(struct stub *stub)
{
    return stub->conf->fail > 0 && draw_uniform(stub) * 1e6 < (double)stub->conf->fail;
}

/* --- one request */

static void forget(struct pending *pending)
{
    struct stub *stub = pending->stub;

    event_del(&pending->timer);
    *pending->link = pending->next;
    if (pending->next)
        pending->next->link = pending->link;
    pool_give(stub->pool, POOL_1K, pending);
}

static bool has_body(int status)
{
    return status >= 200 && status != 204 && status != 304;
}

static void answer(struct pending *pending, struct instant now)
{
    struct stub *stub = pending->stub;
    int status = pending->fails ? 503 : stub->conf->status;
    const struct header headers[] = {
        {TEXT("Content-Type"), stub->type},
        {TEXT("X-Stub"), text_of(stub->conf->name)},
        {TEXT("X-Stub-Told"), pending->told}, /* must be the last: it may be left out */
    };
    struct reply reply = {
        .status = status,
        .headers = headers,
        .headers_count = pending->told.count > 0 ? 3 : 2,
        .length = has_body(status) ? (int64_t)stub->body.count : LENGTH_NO_BODY,
    };
    struct chain body = CHAIN_EMPTY;

    client_reply(pending->client, &reply, now);
    if (has_body(status) && stub->body.count > 0) {
        chain_append(&body, stub->pool, stub->body.at, stub->body.count);
        bool has_room = client_send(pending->client, &body);
        (void)has_room; /* that was all there is to send */
    }
    if (client_end(pending->client, now))
        forget(pending);
}

/* Answers when the latency is over and the request has come to its end; else sees to it that this
 * is asked again. */
static void proceed(struct pending *pending, struct instant now)
{
    struct span wait = span_until(pending->due, now);

    if (!pending->body_ended)
        return;
    if (span_is_none(wait)) {
        answer(pending, now);
        return;
    }
    if (pending->due.ns == INSTANT_NEVER.ns)
        return;
    struct timeval timeout = clock_timeval(wait);
    int failed = event_add(&pending->timer, &timeout);
    assert(failed == 0);
}

/* libevent counts from its own idea of now, so a timer may be early: proceed looks again. */
static void on_due(evutil_socket_t fd, short what, void *arg)
{
    struct instant now = clock_now();

    (void)fd, (void)what;
    proceed(arg, now);
}

static struct pending *pending_create(struct stub *stub, struct client *client)
{
    struct pending *pending = pool_take(stub->pool, POOL_1K);

    *pending = (struct pending){.stub = stub, .client = client};
    int failed = event_assign(&pending->timer, stub->base, -1, 0, on_due, pending);
    assert(failed == 0);
    pending->next = stub->pending;
    pending->link = &stub->pending;
    if (pending->next)
        pending->next->link = &pending->next;
    stub->pending = pending;
    return pending;
}

static void *on_request(void *service_arg, struct client *client, const struct request *request,
                        struct instant now)
{
    struct stub *stub = service_arg;
    struct pending *pending = pending_create(stub, client);
    const struct header *told =
        header_find(request->headers, request->headers_count, TEXT("x-request-timeout-ms"));

    pending->told = told ? told->value : TEXT_NONE;
    pending->fails = draw_failure(stub);
    pending->due = instant_after(now, draw_latency(stub));
    pending->body_ended = request->body == BODY_NONE;
    if (!pending->body_ended)
        client_want(client, BODY_WINDOW);
    proceed(pending, now);
    return pending; /* if it is gone already, the codec will not use it */
}

static void on_body(void *owner, const char *bytes, size_t count, struct instant now)
{
    struct pending *pending = owner;

    (void)bytes, (void)now;
    client_want(pending->client, count);
}

static void on_body_end(void *owner, struct instant now)
{
    struct pending *pending = owner;

    if (pending->body_ended)
        return;
    pending->body_ended = true;
    proceed(pending, now);
}

static void on_writable(void *owner, struct instant now)
{
    (void)owner, (void)now;
}

static void on_sent(void *owner, struct instant now)
{
    (void)now;
    forget(owner);
}

static void on_gone(void *owner, enum client_loss loss, struct instant now)
{
    (void)loss, (void)now;
    forget(owner);
}

const struct service stub_service = {
    .on_request = on_request,
    .on_body = on_body,
    .on_body_end = on_body_end,
    .on_writable = on_writable,
    .on_sent = on_sent,
    .on_gone = on_gone,
};

/* --- the stub */

static struct text type_of(struct text body)
{
    if (body.count > 0 && memchr("{[\"", body.at[0], 3))
        return TEXT("application/json");
    return TEXT("text/plain");
}

struct stub *stub_create(const struct conf_stub *conf, struct event_base *base, struct pool *pool,
                         uint64_t seed)
{
    struct stub *stub = memory_take_clear(1, sizeof(*stub));

    stub->conf = conf;
    stub->base = base;
    stub->pool = pool;
    stub->random = seed;
    stub->body = conf->body ? text_of(conf->body) : TEXT_NONE;
    stub->type = type_of(stub->body);
    return stub;
}

void stub_destroy(struct stub *stub)
{
    if (!stub)
        return;
    while (stub->pending)
        forget(stub->pending);
    free(stub);
}
