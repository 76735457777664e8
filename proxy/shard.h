/* libcurl's transfers of one upstream, in multi handles that hold only so many each.
 *
 * Whenever a transfer begins or ends, libcurl looks at the connections of its multi handle one after
 * the other (ConnectionExists, bundle_remove_conn and Curl_conncache_foreach of 7.88): with thousands
 * under way in one, that would cost more than all the rest. The first shard with room gets the next
 * transfer. So what is idle is found again, and no more connections are open than were under way at
 * once.
 *
 * It closes what is dead or too old only when a transfer begins in the same multi handle. So one in
 * which nothing is under way is emptied when all its connections are dead, or after so long that all
 * are too old. */
#pragma once

#include <event2/event_struct.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

#include "budget/checked.h"

struct curl_loop;
struct watches;

/* So many transfers in each; and connections that were idle for longer are not used again. */
enum { SHARD_TRANSFERS = 128, CONNECTION_AGE_S = 60 };

struct shard {
    struct curl_loop *loop;  /* borrowed */
    struct watches *watches; /* borrowed */
    void *multi;             /* a CURLM *, owned */
    struct event timer;      /* that libcurl has asked for */
    size_t connections_max;  /* kept */
    size_t connections;      /* that are open */
    size_t dead;             /* of these: since they were idle */
    size_t count;            /* of its transfers */
    struct event rest;       /* each CONNECTION_AGE_S */
    unsigned rests;          /* so often, since a transfer began or was under way */
    struct shard *next;      /* owned */
    bool is_due;             /* it is in the loop's list: libcurl has asked for a turn at once */
    TAILQ_ENTRY(shard) due;
};

TAILQ_HEAD(shard_list, shard);

struct shards {
    struct curl_loop *loop; /* borrowed */
    size_t connections_max; /* kept in each of them */
    struct shard *first;    /* owned */
};

/* connections_max: how many connections to the upstream there may be. */
void shards_init(struct shards *shards, struct curl_loop *loop, size_t connections_max);

/* Closes all connections. No transfer may be left. */
void shards_finish(struct shards *shards);

/* How many descriptors those of an upstream need, beside its connections: each has two, to be woken
 * by, which nobody uses. */
CHECKED size_t shards_descriptors(size_t connections_max);

/* A connection of shard has died while it was idle: those that are may be closed now. Not to be called
 * from within libcurl's callbacks. */
void shard_note_dead(struct shard *shard);

/* libcurl closes a connection of shard. */
void shard_note_closed(struct shard *shard, bool is_dead);

/* One that has room for a transfer, which begins now: borrowed. */
CHECKED struct shard *shards_with_room(struct shards *shards);
