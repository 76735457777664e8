/* One HTTP/1 message as the tests read it from a socket: strictly, and with a word for how it
 * ended. Both a client's and an origin's side use it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "budget/checked.h"
#include "budget/span.h"

/* Bytes that have come from a socket and were not used yet. */
enum source_state {
    SOURCE_OPEN,
    SOURCE_ENDED, /* the peer closed in an orderly way */
    SOURCE_RESET,
    SOURCE_LATE, /* nothing came for as long as one was ready to wait */
};

struct source {
    int fd;      /* borrowed */
    char *bytes; /* owned */
    size_t begin;
    size_t end;
    size_t room;
    enum source_state state;
};

void source_init(struct source *source, int fd);
void source_finish(struct source *source);

/* Waits for more bytes. False: none will come, or none came in time; source->state says why. */
CHECKED bool source_fill(struct source *source, struct span patience);

enum message_state {
    MESSAGE_HEAD, /* its head is still coming */
    MESSAGE_BODY,
    MESSAGE_COMPLETE, /* by its own framing */
    MESSAGE_INVALID,  /* not HTTP, or framed in a way that cannot be trusted */
};

enum framing { FRAMING_NONE, FRAMING_LENGTH, FRAMING_CHUNKED, FRAMING_CLOSE };

struct line {
    char *name; /* into head_split */
    char *value;
};

struct message {
    bool is_response;
    bool has_no_body; /* set by the reader before the first byte: the answer to a HEAD */
    enum message_state state;
    enum framing framing;
    char *start;        /* owned: the request line or status line */
    char *head;         /* owned: all header lines as received, with their line ends */
    char *head_split;   /* owned: the same cut into names and values */
    struct line *lines; /* owned */
    size_t lines_count;
    char *body; /* owned; always terminated, may hold NULs */
    size_t body_count;
    size_t body_room;
    size_t piece_left;   /* FRAMING_LENGTH, FRAMING_CHUNKED: until the end of body or chunk */
    bool piece_is_ended; /* FRAMING_CHUNKED: its data has come, its line end has not */
    bool trailers_begun;
};

void message_init(struct message *message, bool is_response);
void message_finish(struct message *message);

/* Takes what it can of the bytes that are there. Reads nothing. */
void message_take(struct message *message, struct source *source);

/* The n-th value (from 0) of a header, or NULL. The name in any case. */
const char *message_header(const struct message *message, const char *name, size_t n);
