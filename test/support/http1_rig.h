/* The HTTP/1.1 codec on a socket pair, with a service that writes down what it is told, so that a
 * test can compare it with one line of text. */
#pragma once

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proxy/chain.h"
#include "proxy/client.h"
#include "proxy/http1.h"
#include "proxy/metrics.h"
#include "proxy/pool.h"

enum rig_mode {
    RIG_ECHO,  /* answers when the request is complete: 200, "METHOD path [body]" */
    RIG_EARLY, /* answers 200 "early" in on_request, without wanting the body */
    RIG_HOLD,  /* leaves it to the test */
};

struct rig_options {
    enum rig_mode mode;
    size_t max_header;  /* 0: 16 KiB */
    int64_t header_ms;  /* 0: 10 s */
    int64_t idle_ms;    /* 0: 60 s */
    bool fills_sockets; /* small socket buffers */
    bool is_tcp;        /* over loopback instead of a socket pair */
    bool outlives;      /* goes on when the client has ended its side */
};

struct rig {
    struct rig_options options;
    struct event_base *base;
    struct pool pool;
    struct metrics metrics;
    atomic_uint open_connections;
    struct http1_set *set;
    int fd; /* the client's end */

    struct client *client; /* the request that is under way */
    const struct request *request;
    struct chain body;
    struct instant started;
    size_t body_bytes; /* that came */

    char told[65536]; /* what the service was told: "request GET /|body 5|end|" */
    size_t told_count;
    char heard[1 << 21]; /* what the client was sent, as far as it was read */
    size_t heard_count;
    bool has_ended; /* the client has read the end of the stream */
    bool was_reset;
};

/* On the heap. */
struct rig *rig_create(const struct rig_options *options);
void rig_destroy(struct rig *rig);

/* One more connection to the same set; returns the client's end. */
int rig_connect(struct rig *rig);

/* Runs the loop until nothing is left to do at once. */
void rig_turn(struct rig *rig);

/* Runs the loop until it has been told, or heard, what is sought; at most for 15 s. */
bool rig_waits_told(struct rig *rig, const char *sought);
bool rig_waits_heard(struct rig *rig, const char *sought);
bool rig_waits_closed(struct rig *rig);

/* The client sends, and the loop runs. */
void rig_say(struct rig *rig, const char *text);
void rig_say_bytes(struct rig *rig, const char *bytes, size_t count);
/* One byte at a time. */
void rig_drip(struct rig *rig, const char *text);

/* What the client has been sent so far, terminated, with the value of Date replaced by "now". */
const char *rig_heard(struct rig *rig);
void rig_forget(struct rig *rig);

/* For RIG_HOLD. */
void rig_reply(struct rig *rig, int status, int64_t length);
bool rig_send(struct rig *rig, const char *text);
bool rig_send_many(struct rig *rig, size_t count);
bool rig_end(struct rig *rig);

/* How often the loop wakes up when nothing happens. */
int rig_turns_in_20_ms(struct rig *rig);
