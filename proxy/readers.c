#include "proxy/readers.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdlib.h>

#include "proxy/client.h"
#include "proxy/clock.h"
#include "proxy/memory.h"

/* In the order in which they have begun, which is the order in which their time is over. */
struct readers {
    struct readers_options options;
    struct reader *oldest; /* owned, and those behind it */
    struct reader *newest;
    size_t bytes;       /* of their pages */
    struct event timer; /* for the oldest, if there is one */
};

struct reader {
    struct readers *readers;
    struct reader *older;
    struct reader *newer;
    struct client *client; /* borrowed */
    size_t bytes;
    struct instant until;
};

static void arm(struct readers *readers, struct instant now)
{
    if (!readers->oldest) {
        event_del(&readers->timer);
        return;
    }
    struct timeval wait = clock_timeval(span_until(readers->oldest->until, now));
    event_add(&readers->timer, &wait);
}

void reader_leave(struct reader *reader)
{
    struct readers *readers = reader->readers;

    if (reader->older)
        reader->older->newer = reader->newer;
    else
        readers->oldest = reader->newer;
    if (reader->newer)
        reader->newer->older = reader->older;
    else
        readers->newest = reader->older;
    readers->bytes -= reader->bytes;
    free(reader);
}

static void cut_off(struct reader *reader)
{
    struct client *client = reader->client;

    reader_leave(reader);
    client_cut(client);
}

/* May be early for those who are there: the one that it was set for may have left. */
static void on_due(evutil_socket_t fd, short what, void *arg)
{
    struct instant now = clock_now();
    struct readers *readers = arg;

    (void)fd, (void)what;
    while (readers->oldest && instant_reached(readers->oldest->until, now))
        cut_off(readers->oldest);
    arm(readers, now);
}

struct reader *readers_join(struct readers *readers, struct client *client, size_t bytes,
                            struct instant now)
{
    struct reader *reader = memory_take(sizeof *reader);

    *reader = (struct reader){
        .readers = readers,
        .older = readers->newest,
        .client = client,
        .bytes = bytes,
        .until = instant_after(now, readers->options.patience),
    };
    if (reader->older)
        reader->older->newer = reader;
    else
        readers->oldest = reader;
    readers->newest = reader;
    readers->bytes += bytes;
    while (readers->bytes > readers->options.bytes_max && readers->oldest != reader)
        cut_off(readers->oldest);
    arm(readers, now);
    return reader;
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
    while (readers->oldest)
        reader_leave(readers->oldest);
    event_del(&readers->timer);
    free(readers);
}
