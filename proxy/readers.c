#include "proxy/readers.h"

#include <assert.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdlib.h>

#include "proxy/admin.h"
#include "proxy/clock.h"
#include "proxy/memory.h"

struct reader {
    struct readers *readers;
    struct client *client; /* borrowed; NULL: this is nobody */
    size_t bytes;
    struct instant until;
};

struct readers {
    struct readers_options options;
    struct reader all[ADMIN_CONNECTIONS_MAX]; /* each has a connection of its own */
    size_t bytes;                             /* of their pages */
    uint64_t cut_off;                         /* so many were */
    struct event timer;                       /* for the oldest, if there is one */
};

/* Who has been reading longest: whose time ends first, since all have the same. NULL: nobody reads,
 * or this one only. */
static struct reader *oldest_but(struct readers *readers, const struct reader *spared)
{
    struct reader *oldest = NULL;

    for (size_t i = 0; i < ADMIN_CONNECTIONS_MAX; i++) {
        struct reader *reader = &readers->all[i];
        if (reader->client && reader != spared && (!oldest || reader->until.ns < oldest->until.ns))
            oldest = reader;
    }
    return oldest;
}

static void arm(struct readers *readers, struct instant now)
{
    const struct reader *oldest = oldest_but(readers, NULL);

    if (!oldest) {
        event_del(&readers->timer);
        return;
    }
    struct timeval wait = clock_timeval(span_until(oldest->until, now));
    event_add(&readers->timer, &wait);
}

void reader_leave(struct reader *reader)
{
    assert(reader->client);
    reader->readers->bytes -= reader->bytes;
    reader->client = NULL;
}

/* The codec gives up who has not read anything for as long as a page may take, and may be the first
 * to notice. */
void reader_go(struct reader *reader, struct instant now)
{
    if (instant_reached(reader->until, now))
        reader->readers->cut_off++;
    reader_leave(reader);
}

static void cut_off(struct reader *reader)
{
    struct client *client = reader->client;

    reader->readers->cut_off++;
    reader_leave(reader);
    client_cut(client);
}

/* May be early for those who are there: the one that it was set for may have left. */
static void on_due(evutil_socket_t fd, short what, void *arg)
{
    struct instant now = clock_now();
    struct readers *readers = arg;
    struct reader *oldest;

    (void)fd, (void)what;
    while ((oldest = oldest_but(readers, NULL)) && instant_reached(oldest->until, now))
        cut_off(oldest);
    arm(readers, now);
}

static struct reader *nobody_in(struct readers *readers)
{
    size_t i = 0;

    while (readers->all[i].client) {
        i++;
        assert(i < ADMIN_CONNECTIONS_MAX);
    }
    return &readers->all[i];
}

struct reader *readers_join(struct readers *readers, struct client *client, size_t bytes,
                            struct instant now)
{
    struct reader *reader = nobody_in(readers);
    struct reader *oldest;

    *reader = (struct reader){
        .readers = readers,
        .client = client,
        .bytes = bytes,
        .until = instant_after(now, readers->options.patience),
    };
    readers->bytes += bytes;
    while (readers->bytes > readers->options.bytes_max && (oldest = oldest_but(readers, reader)))
        cut_off(oldest);
    arm(readers, now);
    return reader;
}

uint64_t readers_cut_off(const struct readers *readers)
{
    return readers->cut_off;
}

struct readers *readers_create(const struct readers_options *options)
{
    struct readers *readers = memory_take_clear(1, sizeof *readers);

    readers->options = *options;
    evtimer_assign(&readers->timer, options->base, on_due, readers);
    return readers;
}

void readers_destroy(struct readers *readers)
{
    if (!readers)
        return;
    event_del(&readers->timer);
    free(readers);
}
