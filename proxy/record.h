/* What is known of a request that is over, gathered in one place: whoever tells of it (the log, the
 * metrics, the recent requests, the traces) reads this, and not the exchange. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "budget/ledger.h"
#include "budget/plan.h"
#include "budget/span.h"
#include "budget/whose.h"
#include "conf/conf.h"
#include "conf/text.h"
#include "proxy/metrics.h"
#include "proxy/observe.h"
#include "proxy/phase.h"
#include "proxy/response_fault.h"

struct exchange;
struct trace_notes;

/* How far a call had come when it ended, in the order of its life. */
enum reach {
    REACH_NOTHING, /* it was never started */
    REACH_NAME,    /* of its upstream */
    REACH_QUEUE,   /* a place at its upstream */
    REACH_CONNECT,
    REACH_SEND,
    REACH_HEAD, /* it was sent, and waited for the head of the response */
    REACH_BODY, /* the head had come */
};

struct record_call {
    const struct conf_call *conf; /* borrowed */
    const char *upstream;         /* borrowed: its name; NULL: it is not told */
    enum call_outcome outcome;
    enum reach reach;
    enum response_fault fault; /* with CALL_INVALID: the rule that its response broke */
    int status;                /* of its response; 0: there was none */
    unsigned attempts;         /* retries and hedges among them */
    struct span begun;         /* after the first byte of the request */
    struct span granted;
    struct span used;
    struct span queued; /* of used: it waited for a place, or for the upstream's name */
};

enum { RECORD_PATH_MAX = 512 }; /* so much of a path is shown, in bytes */

/* Everything is borrowed, and good as long as the exchange. */
struct record {
    const struct conf_route *route;  /* NULL: none */
    const struct wire_field *source; /* the header that named the budget; NULL: the default */
    struct text id;
    const struct trace_context *trace;
    const struct trace_notes *notes; /* NULL: the trace is not exported */
    struct text client;              /* its address */
    struct text method;
    struct text path;  /* without the query */
    struct text query; /* without the question mark */
    bool shows_query;  /* may it be shown? */
    int status;
    enum ending ending;
    enum reason reason;
    enum whose whose;     /* limit it ran into */
    int blamed;           /* index into calls, or NO_CALL */
    enum phase phase;     /* where it ended */
    struct text unfilled; /* what a template named, and there was not; empty: none */
    struct instant started;
    struct instant ended;
    struct span budget; /* what was asked for, at most max; none, without a route */
    struct span local;  /* in which no call ran */
    struct span upload; /* until the last byte of the client's body had come */
    struct span queue;  /* its calls waited for places and names, all together */
    uint64_t bytes_up;
    uint64_t bytes_down;
    bool is_observed;       /* was not held to its budget */
    struct verdict verdict; /* what would have become of it then */
    bool is_trusted;        /* its client is */
    size_t calls_count;
    struct record_call calls[PLAN_CALLS_MAX];
};

/* Of an exchange that is over: its calls have ended, and phase is what it was at before. The verdict
 * is for the caller to fill in. */
void record_fill(struct record *record, const struct exchange *exchange, struct instant now);

/* What it used of its budget; nothing, without a budget. */
struct span record_elapsed(const struct record *record);

/* The path as it is shown: its begin, for what stands behind it in a line is worth more than its
 * end; with the query, if that may be shown. Borrows the record, or room. */
struct text record_shown_path(const struct record *record, char room[static RECORD_PATH_MAX]);
