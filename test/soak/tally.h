/* What the soak knows of its requests: what its clients saw of each, and what the log says of it.
 *
 * What must hold at the end:
 *   - exactly: requests that the proxy has begun = the sum of its endings = their lines in the log,
 *     ending by ending; requests that the codec refused = their lines; connections that the clients
 *     made = those accepted + those shed; nothing is in flight.
 *   - request by request: a client that saw a whole answer finds its status in the one line of its
 *     request; a client that was closed without a word finds no line of an answer; what the codec
 *     refused has no line of its own id. Of clients that left, or were reset, the proxy may have
 *     seen anything: from nothing, if they left before the head was read, to a whole answer. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "budget/span.h"
#include "proxy/metrics.h"

/* What a client saw of its request. */
enum fate {
    FATE_ASKED,    /* nothing yet */
    FATE_ANSWERED, /* a whole answer with its id */
    FATE_REFUSED,  /* a whole answer without: of the codec, or of the listener */
    FATE_CUT,      /* an answer, visibly not whole */
    FATE_UNSERVED, /* an orderly end without a byte of an answer */
    FATE_RESET,    /* a reset without a byte of an answer */
    FATE_LEFT,     /* the client itself has ended it, or its sending side */
    FATES
};

enum { TALLY_STATUSES = 600, TALLY_LATE_CLASSES = 6 };

/* The ending of a request that the log has no line of. */
enum { ENDING_UNLOGGED = ENDINGS };

struct tally_record; /* of one request; defined in tally.c */

struct tally {
    struct tally_record *records; /* owned; by token, from 1 */
    size_t records_count;
    size_t records_room;
    uint64_t seen[TALLY_STATUSES]; /* whole answers with an id, by status */
    uint64_t refused[TALLY_STATUSES];
    uint64_t logged[TALLY_STATUSES];
    uint64_t endings[ENDINGS]; /* lines, by how the request ended */
    uint64_t bad_lines;        /* of what the codec refused */
    uint64_t dropped_lines;
    uint64_t connects;
    uint64_t shed; /* connections that were answered 503 for being too many */
    uint64_t bytes_read;
    uint64_t
        late[TALLY_LATE_CLASSES]; /* answers, by how much after the client's timer they ended */
    struct span latest;
    uint64_t problems;
    FILE *out; /* borrowed: where problems are told, the first of them */
};

/* The text of the n-th class of lateness. */
const char *tally_late_name(size_t n);

/* The token of a new request; and, for problems, what it is (borrowed). */
uint32_t tally_ask(struct tally *tally);
void tally_describe(struct tally *tally, uint32_t token, const char *route, const char *mood);

/* Once for each request. status: 0 if there is none. */
void tally_end(struct tally *tally, uint32_t token, enum fate fate, int status);
void tally_late(struct tally *tally, struct span by);

/* A line of the log. */
void tally_log(struct tally *tally, uint32_t token, int status, enum ending ending);

/* Something that must not be. */
void tally_problem(struct tally *tally, uint32_t token, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Compares each client's word with the log's, and prints how many there are of each pair. */
void tally_compare(struct tally *tally, FILE *out);

void tally_finish(struct tally *tally);
