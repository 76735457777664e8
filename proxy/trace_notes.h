/* What is noted of a request whose trace is sampled and exported: one span for itself, and one for
 * each attempt. In the arena of its exchange; a request that is not sampled has none. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "budget/ledger.h"
#include "budget/span.h"
#include "conf/text.h"
#include "proxy/names.h"
#include "proxy/trace_context.h"

struct arena;
struct call;
struct lane;
struct request;
struct trace_notes;

/* One attempt: what its span will say. */
struct trace_attempt {
    struct trace_notes *notes;       /* borrowed */
    const struct call *call;         /* borrowed */
    char id[TRACE_SPAN_LENGTH + 1];  /* the parent id that the upstream was told */
    char address[NAME_ADDRESS_TEXT]; /* that was tried; empty: a unix socket */
    unsigned number;                 /* among those of its call, from 0 */
    bool is_hedge;
    struct instant begun;
    struct instant ended; /* never: it has not */
    struct span granted;
    enum call_outcome outcome; /* when it has ended */
    int status;                /* of its response; 0: no head has come */
    struct trace_attempt *next;
};

struct trace_notes {
    struct arena *arena;            /* borrowed */
    struct trace_source *random;    /* borrowed */
    char id[TRACE_SPAN_LENGTH + 1]; /* of the request's own span */
    struct text host;               /* what the client asked for; may be empty */
    struct text agent;              /* its User-Agent, or the beginning of it; may be empty */
    struct text state;              /* of all spans: see trace_state.h; may be empty */
    int minor;                      /* HTTP/1.minor */
    struct trace_attempt *first;
    struct trace_attempt **last;
    size_t count; /* of attempts */
};

/* In arena, which is borrowed like random. Of request, whose trace context is, what is needed is
 * copied. */
struct trace_notes *trace_notes_create(struct arena *arena, struct trace_source *random,
                                       const struct trace_context *context,
                                       const struct request *request);

/* An attempt of lane begins, to address (NULL: a unix socket). */
struct trace_attempt *trace_notes_begin(struct trace_notes *notes, const struct lane *lane,
                                        const char *address);

/* libcurl sends the same once more by itself, since the connection was dead: an attempt of its own,
 * with an id of its own. */
struct trace_attempt *trace_notes_again(struct trace_attempt *attempt, struct instant now);

/* status: 0 when there was no head of a response. An attempt ends once: what comes later is of no
 * account. */
void trace_notes_end(struct trace_attempt *attempt, enum call_outcome outcome, int status,
                     struct instant now);
