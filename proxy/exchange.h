/* One request, from its arrival to its reply. exchange.c is the program: read it from the top. */
#pragma once

#include <event2/event_struct.h>
#include <stdbool.h>
#include <stdint.h>

#include "budget/ledger.h"
#include "budget/plan.h"
#include "budget/wire.h"
#include "conf/conf.h"
#include "proxy/arena.h"
#include "proxy/call.h"
#include "proxy/client.h"
#include "proxy/gather.h"
#include "proxy/metrics.h"
#include "proxy/phase.h"
#include "proxy/trace_context.h"

struct worker;

struct exchange {
    struct worker *worker;          /* borrowed */
    struct client *client;          /* borrowed; not to be touched in PHASE_FINISHED */
    const struct request *request;  /* borrowed, as long as client */
    const struct conf_route *route; /* NULL: none, and then there is no plan */
    struct arena arena;             /* this struct lives in it too */
    struct instant started;         /* first byte of the request */
    struct instant body_ended;      /* last byte of its body; never, while it comes */
    struct instant answered; /* head of its answer; never: it had none, or a problem of ours */
    struct plan plan;
    struct wire_asked asked;
    struct call *calls;   /* of the route; in arena */
    struct call *passing; /* gets the client's body as it comes; NULL: none does */
    struct gathered gathered;
    struct call *answer;  /* whose response is the reply; NULL: it is merged */
    struct text *names;   /* what {name} segments of the path matched */
    size_t merged;        /* pieces of the merge that were sent */
    struct event timer;   /* for the next decision */
    struct instant alarm; /* when timer is due */
    enum phase phase;
    enum phase reached;  /* before it was finished */
    bool is_client_full; /* its queue is long: nothing is sent until on_writable */
    bool is_trusted;     /* the client is believed, and may be told details */
    bool is_observed;    /* not held to its budget: what would have been cut is only counted */
    struct text id;
    struct trace_context trace;
    struct trace_notes *notes; /* in arena; NULL: the trace is not exported */
    struct text method;        /* copies, for the log: request may be gone by then */
    struct text path;
    struct text query;
    char peer[64];
    int status;
    enum ending ending;
    enum reason reason;
    int blamed;            /* index of a call, or NO_CALL */
    struct text unfilled;  /* what a template named, and there was not */
    bool is_badly_asked;   /* that should have come with the request */
    uint64_t bytes_down;   /* of body, sent to the client */
    uint64_t bytes_up;     /* of body, received from the client */
    struct exchange *next; /* of the worker's */
    struct exchange **link;
};

/* Answers the requests of clients of the proxy. service_arg is a struct worker. */
extern const struct service exchange_service;

/* Ends every exchange of the worker now: 504 `drain` where nothing was sent, else broken off. */
void exchange_end_all(struct worker *worker, struct instant now);

/* The same without a word to anybody. */
void exchange_drop_all(struct worker *worker, struct instant now);
