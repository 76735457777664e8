#include "proxy/shard.h"

#include <assert.h>
#include <curl/curl.h>
#include <event2/event.h>
#include <stdlib.h>

#include "proxy/curl_loop.h"
#include "proxy/memory.h"

/* ---- one of them ------------------------------------------------------------------------------ */

static void open_multi(struct shard *shard)
{
    shard->multi = curl_multi_init();
    assert(shard->multi);
    curl_multi_setopt(shard->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
    curl_multi_setopt(shard->multi, CURLMOPT_MAXCONNECTS, (long)shard->connections_max);
    curl_loop_adopt(shard->loop, shard);
}

static void close_multi(struct shard *shard)
{
    assert(shard->count == 0);
    curl_multi_cleanup(shard->multi);
    curl_loop_release(shard);
}

static void empty(struct shard *shard)
{
    close_multi(shard);
    open_multi(shard);
}

void shard_note_dead(struct shard *shard)
{
    shard->dead++;
    if (shard->count == 0 && shard->dead == shard->connections)
        empty(shard);
}

void shard_note_closed(struct shard *shard, bool is_dead)
{
    shard->connections--;
    shard->dead -= is_dead;
}

/* From the first time to the second it was not used. */
static void on_rest(evutil_socket_t fd, short what, void *arg)
{
    struct shard *shard = arg;

    (void)fd, (void)what;
    shard->rests = shard->count > 0 ? 0 : shard->rests + 1;
    if (shard->rests == 2)
        empty(shard);
}

static void shard_destroy(struct shard *shard)
{
    event_del(&shard->rest);
    close_multi(shard);
    free(shard);
}

static struct shard *shard_create(const struct shards *shards)
{
    static const struct timeval age = {.tv_sec = CONNECTION_AGE_S};
    struct shard *shard = memory_take_clear(1, sizeof *shard);

    shard->loop = shards->loop;
    shard->connections_max = shards->connections_max;
    open_multi(shard);
    event_assign(&shard->rest, event_get_base(&shard->timer), -1, EV_PERSIST, on_rest, shard);
    event_add(&shard->rest, &age);
    return shard;
}

/* ---- all of an upstream ----------------------------------------------------------------------- */

void shards_finish(struct shards *shards)
{
    for (struct shard *next, *shard = shards->first; shard; shard = next) {
        next = shard->next;
        shard_destroy(shard);
    }
    shards->first = NULL;
}

void shards_init(struct shards *shards, struct curl_loop *loop, size_t connections_max)
{
    *shards = (struct shards){
        .loop = loop,
        .connections_max = connections_max < SHARD_TRANSFERS ? connections_max : SHARD_TRANSFERS,
    };
    shards->first = shard_create(shards);
}

size_t shards_descriptors(size_t connections_max)
{
    return 2 * ((connections_max + SHARD_TRANSFERS - 1) / SHARD_TRANSFERS);
}

struct shard *shards_with_room(struct shards *shards)
{
    struct shard **at = &shards->first;

    while (*at && (*at)->count >= shards->connections_max)
        at = &(*at)->next;
    if (!*at)
        *at = shard_create(shards);
    (*at)->rests = 0;
    return *at;
}
