/* One client: a connection, the requests on it, and what becomes of them. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "budget/span.h"
#include "test/soak/ask.h"
#include "test/soak/cable.h"
#include "test/soak/tally.h"
#include "test/support/dice.h"

struct event_base;

enum { VISITOR_ASKS_MAX = 6 };

/* How a visit goes. */
enum manner {
    MANNER_PLAIN,
    MANNER_PIPELINED,
    MANNER_DRIPPING, /* sends a few bytes at a time */
    MANNER_SLOW_READER,
    MANNER_LEAVES_ASKING, /* closes or resets within its request, or right after it */
    MANNER_LEAVES_READING,
    MANNER_HALF_CLOSES,
    MANNER_MALFORMED,
    MANNER_SAYS_NOTHING, /* and leaves at once */
    MANNER_IDLES,        /* until it is thrown out */
    MANNER_EASY,         /* one request that must succeed */
};

struct visitor {
    /* Set by the owner. */
    struct event_base *base; /* borrowed */
    struct tally *tally;     /* borrowed */
    struct dice dice;
    void (*on_over)(struct visitor *visitor); /* the visit is over: the next may begin */
    void *owner;

    struct cable cable;
    struct event patience;
    enum manner manner;
    struct ask asks[VISITOR_ASKS_MAX];
    size_t asks_count;
    size_t answered;       /* so many of them have their end */
    struct message answer; /* to the next of them */
    struct instant since;  /* when that was sent, or the answer before it came: not before it */
    size_t bytes_read;
    size_t leaves_after; /* so many bytes: MANNER_LEAVES_READING */
    bool is_local;       /* on a unix socket, which knows no reset */
    bool has_left;       /* or has ended its sending side */
    bool is_new;         /* no answer has come on this connection */
};

void visitor_init(struct visitor *visitor);

/* Takes fd, which is connected. n: of MANNER_EASY, which request. */
void visitor_begin(struct visitor *visitor, int fd, enum manner manner, unsigned n);

void visitor_finish(struct visitor *visitor);
