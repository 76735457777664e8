#include "test/soak/cable.h"

#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <sys/socket.h>
#include <unistd.h>

static void wait_ms(struct event *timer, int ms)
{
    struct timeval wait = {ms / 1000, ms % 1000 * 1000};

    event_add(timer, &wait);
}

/* ---- reading */

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    struct cable *cable = arg;
    struct source *source = &cable->source;

    (void)fd, (void)what;
    if (!source_fill(source, SPAN_NONE)) {
        if (source->state == SOURCE_LATE) {
            source->state = SOURCE_OPEN;
            return;
        }
        event_del(&cable->readable);
    } else if (cable->read_pause_ms > 0) {
        event_del(&cable->readable);
        wait_ms(&cable->rested, cable->read_pause_ms);
    }
    cable->events->on_bytes(cable->owner);
}

static void on_rested(evutil_socket_t fd, short what, void *arg)
{
    struct cable *cable = arg;

    (void)fd, (void)what;
    event_add(&cable->readable, NULL);
}

/* ---- sending */

static void end_script(struct cable *cable)
{
    enum script_end end = cable->script.end;

    cable->is_playing = false;
    script_finish(&cable->script);
    if (end == SCRIPT_HALF_CLOSES)
        shutdown(cable->source.fd, SHUT_WR);
    else if (end != SCRIPT_STAYS)
        cable_close(cable, end == SCRIPT_RESETS);
    cable->events->on_played(cable->owner);
}

/* To what offset it may be sent now. */
static size_t limit(const struct cable *cable)
{
    const struct script *script = &cable->script;
    size_t end = script->count;

    if (cable->stop < script->stops_count && script->stops[cable->stop].at < end)
        end = script->stops[cable->stop].at;
    if (script->piece > 0 && cable->sent + script->piece < end)
        end = cable->sent + script->piece;
    return end;
}

/* False: not all has gone; the loop, or the other side, has to turn first. */
static bool send_to(struct cable *cable, size_t end)
{
    while (cable->sent < end) {
        ssize_t count = send(cable->source.fd, cable->script.bytes + cable->sent, end - cable->sent,
                             MSG_NOSIGNAL | MSG_DONTWAIT);
        if (count < 0 && (errno == EAGAIN || errno == EINTR)) {
            event_add(&cable->writable, NULL);
            return false;
        }
        if (count < 0) { /* the reader will see to it */
            cable->sent = cable->script.count;
            cable->stop = cable->script.stops_count;
            return true;
        }
        cable->sent += (size_t)count;
    }
    return true;
}

static void play_on(struct cable *cable)
{
    const struct script *script = &cable->script;

    for (;;) {
        if (cable->stop < script->stops_count && script->stops[cable->stop].at == cable->sent) {
            wait_ms(&cable->paced, script->stops[cable->stop++].ms);
            return;
        }
        if (cable->sent == script->count)
            break;
        if (!send_to(cable, limit(cable)))
            return;
        if (script->piece > 0 && cable->sent < script->count) {
            wait_ms(&cable->paced, script->pause_ms);
            return;
        }
    }
    end_script(cable);
}

static void on_turn(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    play_on(arg);
}

/* ---- its life */

void cable_open(struct cable *cable, struct event_base *base, int fd)
{
    source_init(&cable->source, fd);
    cable->is_playing = false;
    cable->read_pause_ms = 0;
    event_assign(&cable->readable, base, fd, EV_READ | EV_PERSIST, on_readable, cable);
    event_assign(&cable->writable, base, fd, EV_WRITE, on_turn, cable);
    event_assign(&cable->paced, base, -1, 0, on_turn, cable);
    event_assign(&cable->rested, base, -1, 0, on_rested, cable);
    event_add(&cable->readable, NULL);
}

void cable_play(struct cable *cable, struct script *script)
{
    assert(!cable->is_playing);
    cable->script = *script;
    *script = (struct script){.bytes = NULL};
    cable->sent = 0;
    cable->stop = 0;
    cable->is_playing = true;
    wait_ms(&cable->paced, 0);
}

bool cable_is_open(const struct cable *cable)
{
    return cable->source.fd >= 0;
}

void cable_close(struct cable *cable, bool by_reset)
{
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};

    if (!cable_is_open(cable))
        return;
    event_del(&cable->readable);
    event_del(&cable->writable);
    event_del(&cable->paced);
    event_del(&cable->rested);
    if (by_reset)
        setsockopt(cable->source.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(cable->source.fd);
    cable->source.fd = -1;
    source_finish(&cable->source);
    script_finish(&cable->script);
    cable->is_playing = false;
}
