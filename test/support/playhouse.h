/* Attempts on an event loop of the test's own, and the upstream that they talk to, in one thread: each
 * turn of the loop can be looked at. */
#pragma once

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>

#include "proxy/arena.h"
#include "proxy/attempt.h"
#include "proxy/handles.h"
#include "proxy/pool.h"

enum { PLAYHOUSE_MAX = 400 };

struct playhouse;

struct player {
    struct playhouse *playhouse; /* borrowed */
    struct arena arena;
    struct attempt attempt;
    bool has_ended;
    enum call_outcome outcome;
};

struct playhouse {
    struct event_base *base; /* owned */
    struct curl_loop *loop;  /* owned */
    struct pool pool;
    struct conf_upstream upstream;
    struct handles handles;
    int listener;
    struct player players[PLAYHOUSE_MAX]; /* in the order of their beginning */
    size_t players_count;
    int peers[PLAYHOUSE_MAX]; /* connections at the upstream's side, likewise */
    size_t peers_count;
};

void playhouse_init(struct playhouse *playhouse);
void playhouse_finish(struct playhouse *playhouse);

/* One turn of the loop, without waiting. */
void playhouse_turn(struct playhouse *playhouse);

/* So many more attempts, each a GET. Returns when all have been sent. */
void playhouse_begin(struct playhouse *playhouse, size_t count);

/* The upstream's answer on each of its connections that are open: a short one, whole. */
void playhouse_answer(struct playhouse *playhouse);

/* Waits until the attempts from that one on have ended. */
void playhouse_await(struct playhouse *playhouse, size_t first);

/* Gives up those from that one on, as their calls would. */
void playhouse_cancel(struct playhouse *playhouse, size_t first);

/* How many of the upstream's connections have been closed by the proxy. */
size_t playhouse_closed(const struct playhouse *playhouse);
