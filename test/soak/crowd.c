#include "test/soak/crowd.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "test/soak/visitor.h"

enum { UNIX_PERCENT = 15, AT_EASE = 8 };

/* Of a hundred visits, in this manner. */
static const struct {
    enum manner manner;
    int percent;
} shares[] = {
    {MANNER_PLAIN, 40},      {MANNER_PIPELINED, 14},     {MANNER_DRIPPING, 6},
    {MANNER_SLOW_READER, 6}, {MANNER_LEAVES_ASKING, 12}, {MANNER_LEAVES_READING, 8},
    {MANNER_HALF_CLOSES, 4}, {MANNER_MALFORMED, 6},      {MANNER_SAYS_NOTHING, 3},
    {MANNER_IDLES, 1},
};
enum { SHARES = sizeof shares / sizeof *shares };

/* Where a visitor rests between visits. */
struct seat {
    struct crowd *crowd; /* borrowed */
    struct visitor visitor;
    struct event rested;
};

struct crowd {
    struct crowd_options options;
    size_t busy;
    size_t left;        /* visits that are still to be made, when they have to succeed */
    unsigned succeeded; /* how many of these have begun */
    bool is_stopping;
    struct seat seats[];
};

static int connected(const struct crowd *crowd, bool is_local)
{
    struct sockaddr_in inet = {.sin_family = AF_INET,
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                               .sin_port = htons((uint16_t)crowd->options.port)};
    struct sockaddr_un local = {.sun_family = AF_UNIX};
    const struct sockaddr *address =
        is_local ? (const struct sockaddr *)&local : (const struct sockaddr *)&inet;
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    snprintf(local.sun_path, sizeof local.sun_path, "%s", crowd->options.path);
    if (fd >= 0 &&
        (connect(fd, address, is_local ? sizeof local : sizeof inet) == 0 || errno == EINPROGRESS))
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

static enum manner pick_manner(struct dice *dice)
{
    int64_t roll = dice_to(dice, 99);
    size_t i = 0;

    while (roll >= shares[i].percent && i < SHARES - 1)
        roll -= shares[i++].percent;
    return shares[i].manner;
}

static void rest(struct seat *seat)
{
    const struct crowd_options *options = &seat->crowd->options;
    int64_t ms = dice_to(&seat->visitor.dice, options->pause_ms);
    const struct timeval wait = {.tv_usec = ms * 1000};

    event_add(&seat->rested, &wait);
}

static void visit(struct seat *seat)
{
    struct crowd *crowd = seat->crowd;
    struct dice *dice = &seat->visitor.dice;
    bool is_easy = crowd->left > 0;
    bool is_local = !is_easy && dice_chance(dice, UNIX_PERCENT);
    int fd;

    if (crowd->is_stopping && !is_easy)
        return;
    fd = connected(crowd, is_local);
    if (fd < 0) { /* the queue of a listener is full */
        rest(seat);
        return;
    }
    crowd->busy++;
    seat->visitor.is_local = is_local;
    crowd->left -= is_easy;
    visitor_begin(&seat->visitor, fd, is_easy ? MANNER_EASY : pick_manner(dice),
                  is_easy ? crowd->succeeded++ : 0);
}

static void on_rested(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    visit(arg);
}

static void on_over(struct visitor *visitor)
{
    struct seat *seat = visitor->owner;

    seat->crowd->busy--;
    rest(seat);
}

static void sit_down(struct crowd *crowd, size_t n)
{
    struct seat *seat = &crowd->seats[n];

    seat->crowd = crowd;
    seat->visitor.base = crowd->options.base;
    seat->visitor.tally = crowd->options.tally;
    seat->visitor.dice.state = crowd->options.seed * 1000 + n;
    seat->visitor.on_over = on_over;
    seat->visitor.owner = seat;
    visitor_init(&seat->visitor);
    event_assign(&seat->rested, crowd->options.base, -1, 0, on_rested, seat);
    rest(seat);
}

struct crowd *crowd_create(const struct crowd_options *options)
{
    struct crowd *crowd = calloc(1, sizeof *crowd + options->visitors * sizeof(struct seat));

    assert(crowd);
    crowd->options = *options;
    for (size_t i = 0; i < options->visitors; i++)
        sit_down(crowd, i);
    return crowd;
}

void crowd_stop(struct crowd *crowd)
{
    crowd->is_stopping = true;
}

size_t crowd_busy(const struct crowd *crowd)
{
    return crowd->busy + crowd->left;
}

/* With few at a time, since to be refused for their number would be no failure. */
void crowd_finish_well(struct crowd *crowd, size_t visits)
{
    crowd->left = visits;
    for (size_t i = 0; i < crowd->options.visitors && i < AT_EASE; i++)
        rest(&crowd->seats[i]);
}

void crowd_destroy(struct crowd *crowd)
{
    for (size_t i = 0; i < crowd->options.visitors; i++) {
        event_del(&crowd->seats[i].rested);
        visitor_finish(&crowd->seats[i].visitor);
    }
    free(crowd);
}
