/* A client on a raw socket: it sends the bytes it is told and reads answers strictly. */
#pragma once

#include <stddef.h>

#include "budget/span.h"
#include "test/support/message.h"

enum reply_end {
    REPLY_COMPLETE,  /* by its framing; when framed by the end of the stream: it ended in order */
    REPLY_TRUNCATED, /* the stream ended in order, too early */
    REPLY_RESET,
    REPLY_NONE, /* the connection was closed without a byte of an answer */
    REPLY_LATE, /* nothing for 15 s */
    REPLY_INVALID,
};

struct reply {
    struct reply *next;
    int status;
    enum reply_end end;
    unsigned interims; /* 1xx before it */
    const char *body;  /* into message */
    struct span took;  /* from the first byte sent after the reply before, to its end */
    struct message message;
};

struct dialogue;

/* Connects to 127.0.0.1:8080, [::1]:8080 or unix:/path. Fails the test when it cannot. All
 * dialogues end with world_stop, or dialogues_close. */
struct dialogue *dialogue_open(const char *address);

/* The same; NULL when it cannot. */
struct dialogue *dialogue_try(const char *address);

/* Ends this one at once: in order, or by a reset. Replies that it read stay. */
void dialogue_close(struct dialogue *dialogue);
void dialogues_hang_up(void); /* all of them */
void dialogue_reset(struct dialogue *dialogue);

/* Closes and frees all, their replies included. */
void dialogues_close(void);

void dialogue_send(struct dialogue *dialogue, const char *text);
void dialogue_send_bytes(struct dialogue *dialogue, const char *bytes, size_t count);

/* The same, but gives up when no byte is taken for 1 s. Returns how many were. */
size_t dialogue_send_some(struct dialogue *dialogue, const char *bytes, size_t count);

/* The same, one byte every so many ms, until all are sent or the proxy says something. */
void dialogue_drip(struct dialogue *dialogue, const char *text, int every_ms);

/* Says that nothing more will be sent. */
void dialogue_half_close(struct dialogue *dialogue);

/* The next answer, 1xx left out. Lives until dialogues_close. */
const struct reply *dialogue_read(struct dialogue *dialogue);

/* The next answer, which is to a HEAD request. */
const struct reply *dialogue_read_head(struct dialogue *dialogue);

/* The next message, a 1xx included. */
const struct reply *dialogue_read_any(struct dialogue *dialogue);

/* Reads until some count bytes of the next answer have come, body or not; they stay unread for
 * dialogue_read. False: they did not come. */
CHECKED bool dialogue_awaits(struct dialogue *dialogue, const char *text);

/* Is it closed by the proxy within 15 s, without a further byte? */
CHECKED bool dialogue_is_closed(struct dialogue *dialogue);

/* A member of a JSON body, a string without its quotes; "" when there is none. */
const char *reply_member(const struct reply *reply, const char *name);

/* A number in the body; -1 when there is none. */
double reply_number(const struct reply *reply, const char *name);

/* The value of a header; "" when there is none. */
const char *reply_header(const struct reply *reply, const char *name);
