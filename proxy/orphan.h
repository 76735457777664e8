/* Transfers that nobody waits for any more, and that libcurl has yet to end.
 *
 * To end one is to close its connection, which takes longer than to answer its client. Where very many
 * are cancelled at one instant (deadlines of the same millisecond, clients that leave together, a stop
 * that leaves no time), the answers would wait for that. So a transfer that is cancelled becomes an
 * orphan: nothing is heard of it any more, and it ends behind all that was due before, in this turn of
 * the event loop; of very many so many, and the others at once in the turns that follow.
 *
 * Until then its connection is open, in a place that nobody has: whoever takes one ends the oldest
 * orphans first, so that `connections` bounds what is open (orphans_yield). */
#pragma once

#include <event2/event_struct.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

struct event_base;
struct handle;
struct handles;

/* So many of them end in one turn, at the most: others have theirs in between. */
enum { ORPHANS_IN_A_TURN = 64 };

TAILQ_HEAD(handle_list, handle);

/* Those of one upstream, on one worker. */
struct orphans {
    struct handles *handles; /* borrowed: where they go */
    struct event turn;       /* some of them end */
    struct handle_list all;  /* owned; the oldest first */
    size_t count;
};

void orphans_init(struct orphans *orphans, struct event_base *base, struct handles *handles);

/* Ends those that are left. */
void orphans_finish(struct orphans *orphans);

/* Takes handle, whose transfer libcurl has; is_worn as for handles_give. What its request was made of
 * may be freed. Ends none of them before it returns. */
void orphans_take(struct orphans *orphans, struct handle *handle, bool is_worn);

/* Ends the oldest of them until there are at most so many. Not to be called from within libcurl's
 * callbacks. */
void orphans_yield(struct orphans *orphans, size_t most);
