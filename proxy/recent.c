#include "proxy/recent.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/memory.h"

struct ring {
    pthread_mutex_t lock;   /* of all below; its writer only tries */
    size_t next;            /* place of the next entry */
    size_t count;           /* places that are filled */
    unsigned char *entries; /* owned; each as large as the longest plan needs */
};

struct recent {
    size_t size;
    size_t entry_bytes;
    counter skipped;
    struct ring rings[RECENT_KINDS];
};

static size_t longest_plan(const struct conf *conf)
{
    size_t most = 0;

    for (size_t i = 0; i < conf->routes_count; i++)
        most = conf->routes[i].calls_count > most ? conf->routes[i].calls_count : most;
    return most;
}

struct recent *recent_create(const struct conf *conf)
{
    if (conf->proxy.recent == 0 || !conf->proxy.admin)
        return NULL;

    struct recent *recent = memory_take_clear(1, sizeof *recent);
    recent->size = conf->proxy.recent;
    recent->entry_bytes = recent_entry_size(longest_plan(conf));
    for (size_t i = 0; i < RECENT_KINDS; i++) {
        int failed = pthread_mutex_init(&recent->rings[i].lock, NULL);
        assert(!failed);
        recent->rings[i].entries = memory_take_clear(recent->size, recent->entry_bytes);
    }
    return recent;
}

void recent_destroy(struct recent *recent)
{
    if (!recent)
        return;
    for (size_t i = 0; i < RECENT_KINDS; i++) {
        pthread_mutex_destroy(&recent->rings[i].lock);
        free(recent->rings[i].entries);
    }
    free(recent);
}

static struct recent_entry *entry_at(const struct recent *recent, const struct ring *ring,
                                     size_t place)
{
    return (struct recent_entry *)(void *)(ring->entries + place * recent->entry_bytes);
}

/* What is refused for what it says is no trouble of this proxy or its upstreams. */
static bool is_notable(const struct record *record)
{
    if (record->ending != ENDING_OK && record->ending != ENDING_REFUSED)
        return true;
    if (observe_would_time_out(&record->verdict))
        return true;
    return record->route && record_elapsed(record).ns > record->budget.ns / 5 * 4;
}

void recent_keep(struct recent *recent, const struct record *record, int64_t ended_ms)
{
    struct ring *ring = &recent->rings[is_notable(record) ? RECENT_NOTABLE : RECENT_WELL];

    if (pthread_mutex_trylock(&ring->lock) != 0) {
        counter_add(&recent->skipped, 1);
        return;
    }
    recent_entry_fill(entry_at(recent, ring, ring->next), record, ended_ms);
    ring->next = ring->next + 1 < recent->size ? ring->next + 1 : 0;
    if (ring->count < recent->size)
        ring->count++;
    pthread_mutex_unlock(&ring->lock);
}

size_t recent_size(const struct recent *recent)
{
    return recent->size;
}

bool recent_read(struct recent *recent, enum recent_kind kind, size_t place,
                 struct recent_entry *ret_entry)
{
    struct ring *ring = &recent->rings[kind];

    pthread_mutex_lock(&ring->lock);
    bool is_there = place < ring->count;
    if (is_there) {
        const struct recent_entry *entry = entry_at(recent, ring, place);
        memcpy(ret_entry, entry, recent_entry_size(entry->calls_count));
    }
    pthread_mutex_unlock(&ring->lock);
    return is_there;
}

uint64_t recent_skipped(const struct recent *recent)
{
    return atomic_load_explicit(&recent->skipped, memory_order_relaxed);
}
