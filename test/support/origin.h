/* An upstream played by the test: what it does with each request is a short script, and what it
 * was sent is there to be looked at. Threads of the test's own process serve it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "test/support/message.h"

enum deed_kind {
    DEED_END,     /* the script is over; the connection takes its next request */
    DEED_READ,    /* reads at least `count` bytes of the request's body; 0: all of it */
    DEED_WAIT,    /* for wait_us */
    DEED_AWAIT,   /* until `count` requests have come to the origin, this one included */
    DEED_SEND,    /* text, or `count` bytes of it */
    DEED_DRIP,    /* the same, one byte every wait_us */
    DEED_FLOOD,   /* `count` bytes of filler: a repeated alphabet */
    DEED_SILENCE, /* nothing until the peer has gone */
    DEED_CLOSE,
    DEED_RESET,
};

struct deed {
    enum deed_kind kind;
    const char *text;
    int64_t wait_us;
    size_t count;
};

enum { DEEDS_MAX = 8 };

struct script {
    bool on_accept; /* begins when the connection does, before any request is read */
    struct deed deeds[DEEDS_MAX];
};

#define READ_ALL          \
    {                     \
        .kind = DEED_READ \
    }
#define READ_BYTES(bytes)                   \
    {                                       \
        .kind = DEED_READ, .count = (bytes) \
    }
#define WAIT_MS(ms)                                      \
    {                                                    \
        .kind = DEED_WAIT, .wait_us = (ms)*INT64_C(1000) \
    }
#define WAIT_US(us)                        \
    {                                      \
        .kind = DEED_WAIT, .wait_us = (us) \
    }
#define AWAIT_REQUESTS(n)                \
    {                                    \
        .kind = DEED_AWAIT, .count = (n) \
    }
#define SEND(bytes)                        \
    {                                      \
        .kind = DEED_SEND, .text = (bytes) \
    }
#define DRIP(bytes, ms)                                                   \
    {                                                                     \
        .kind = DEED_DRIP, .text = (bytes), .wait_us = (ms)*INT64_C(1000) \
    }
#define FLOOD(bytes)                         \
    {                                        \
        .kind = DEED_FLOOD, .count = (bytes) \
    }
#define SILENCE              \
    {                        \
        .kind = DEED_SILENCE \
    }
#define CLOSE              \
    {                      \
        .kind = DEED_CLOSE \
    }
#define RESET              \
    {                      \
        .kind = DEED_RESET \
    }

#define ANSWER_OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

struct origin;

/* The n-th request is served by the n-th script, and those after the last by the last. Scripts are
 * copied, texts borrowed. address: "127.0.0.1", "[::1]" or "unix:/path". Fails the test when it
 * cannot listen. All origins end with world_stop, or origins_stop. */
struct origin *origin_start(const char *address, const struct script *scripts, size_t count);

/* On 127.0.0.1, reads each request whole, waits, and sends the same answer. */
struct origin *origin_answering(const char *answer, int64_t after_ms);

#define ORIGIN(...)                                                 \
    origin_start("127.0.0.1", (const struct script[]){__VA_ARGS__}, \
                 sizeof((const struct script[]){__VA_ARGS__}) / sizeof(struct script))

void origins_stop(void);

unsigned origin_port(const struct origin *origin);

/* How many requests have come, by their heads; and how many connections. */
size_t origin_requests(struct origin *origin);
size_t origin_connections(struct origin *origin);

/* Bytes sent so far in all, and bytes of the n-th request's body received so far. */
size_t origin_sent(struct origin *origin);
size_t origin_received(struct origin *origin, size_t n);

/* Waits until so many were sent, and have reached the proxy's socket; or until the proxy has ended the
 * last connection. Fails the test when neither comes in 15 s. */
void origin_await_sent(struct origin *origin, size_t bytes);

struct arrival {
    struct message message; /* its body is whole only after origin_body */
    struct instant at;      /* when the head was complete */
    size_t connection;
};

/* The n-th request (from 0). Waits for its head; fails the test when it does not come in 15 s. */
const struct arrival *origin_request(struct origin *origin, size_t n);

/* The same, and waits until its body is complete. */
const struct arrival *origin_body(struct origin *origin, size_t n);

/* The n-th request whose target is this, among all that come. Waits for it likewise. */
const struct arrival *origin_request_for(struct origin *origin, const char *target);

/* When the proxy was seen to end the n-th connection. Fails the test when it does not in 15 s. */
struct instant origin_ended(struct origin *origin, size_t n);

/* Is the n-th connection still open at the proxy's side? Does not wait. */
bool origin_is_open(struct origin *origin, size_t n);
