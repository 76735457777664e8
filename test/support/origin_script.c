#include "test/support/origin_script.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "budget/span.h"

static const char filler[] = "abcdefghijklmnopqrstuvwxyz";

bool peer_leaves(int fd, int64_t wait_us)
{
    struct pollfd watched = {.fd = fd, .events = POLLRDHUP};
    struct timespec wait = {.tv_sec = (time_t)(wait_us / 1000000),
                            .tv_nsec = (long)(wait_us % 1000000) * 1000};

    return ppoll(&watched, 1, wait_us < 0 ? NULL : &wait, NULL) > 0;
}

static bool send_bytes(const struct stage *stage, const char *bytes, size_t count)
{
    while (count > 0) {
        ssize_t sent = send(stage->fd, bytes, count, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        atomic_fetch_add(stage->sent, (size_t)sent);
        bytes += sent;
        count -= (size_t)sent;
    }
    return true;
}

static size_t text_count(const struct deed *deed)
{
    return deed->count > 0 ? deed->count : strlen(deed->text);
}

static bool drip(const struct stage *stage, const struct deed *deed)
{
    for (size_t i = 0; i < text_count(deed); i++) {
        if (!send_bytes(stage, deed->text + i, 1) || peer_leaves(stage->fd, deed->wait_us))
            return false;
    }
    return true;
}

static bool flood(const struct stage *stage, size_t count)
{
    static char block[26 * 1024];

    for (size_t i = 0; i < sizeof(block); i++)
        block[i] = filler[i % 26];
    for (size_t left = count; left > 0;) {
        size_t piece = left < sizeof(block) ? left : sizeof(block);
        if (!send_bytes(stage, block, piece))
            return false;
        left -= piece;
    }
    return true;
}

static bool await_requests(const struct stage *stage, size_t count)
{
    while (!stage->has_had(stage->owner, count)) {
        if (peer_leaves(stage->fd, 1000))
            return false;
    }
    return true;
}

static void reset(int fd)
{
    struct linger at_once = {.l_onoff = 1, .l_linger = 0};

    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
}

static enum stage_end do_deed(const struct stage *stage, const struct deed *deed)
{
    bool is_on = true;

    switch (deed->kind) {
    case DEED_END:
        break;
    case DEED_READ:
        is_on = stage->read_body(stage->owner, deed->count);
        break;
    case DEED_WAIT:
        is_on = !peer_leaves(stage->fd, deed->wait_us);
        break;
    case DEED_AWAIT:
        is_on = await_requests(stage, deed->count);
        break;
    case DEED_SEND:
        is_on = send_bytes(stage, deed->text, text_count(deed));
        break;
    case DEED_DRIP:
        is_on = drip(stage, deed);
        break;
    case DEED_FLOOD:
        is_on = flood(stage, deed->count);
        break;
    case DEED_SILENCE:
        is_on = !peer_leaves(stage->fd, -1);
        break;
    case DEED_RESET:
        reset(stage->fd);
        return STAGE_OVER;
    case DEED_CLOSE:
        return STAGE_OVER;
    }
    return is_on ? STAGE_ON : STAGE_LEFT;
}

enum stage_end stage_play(const struct stage *stage, const struct script *script)
{
    enum stage_end end = STAGE_ON;

    for (size_t i = 0; i < DEEDS_MAX && end == STAGE_ON; i++) {
        if (script->deeds[i].kind == DEED_END)
            break;
        end = do_deed(stage, &script->deeds[i]);
    }
    return end;
}
