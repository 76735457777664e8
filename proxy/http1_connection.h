/* One connection of the HTTP/1.1 codec, as its parts share it: http1.c (its life), http1_serve.c
 * (requests), http1_body.c (their bodies), http1_send.c (replies), http1_linger.c (its end). Nothing else
 * includes this. */
#pragma once

#include <event2/event_struct.h>

#include "proxy/http1.h"
#include "proxy/http1_chunked.h"
#include "proxy/http1_date.h"
#include "proxy/http1_head.h"
#include "proxy/http1_input.h"
#include "proxy/http1_reply.h"
#include "proxy/transport.h"

/* Bytes in the queue of a reply: with more the service is told to wait, with half as many to go
 * on. */
enum { HTTP1_HIGH_WATER = 64 << 10 };

/* What a connection is at. Changed only by connection_become. */
enum http1_progress {
    HTTP1_IDLE,     /* no byte of a request has come */
    HTTP1_HEAD,     /* a part of a head has come */
    HTTP1_SERVED,   /* a service has the request */
    HTTP1_FLUSHING, /* the service has ended its reply; it is still being sent */
    HTTP1_CLOSING,  /* a refusal of our own is still being sent */
    HTTP1_LINGERING, /* no more is sent; what comes is dropped, so that no reset overtakes the reply */
    HTTP1_CLOSED,    /* freed as soon as no callback of ours is on the stack */
};

/* What is still to come from the client. Only grows. */
enum http1_incoming {
    INCOMING_MORE,
    INCOMING_LAST, /* it has ended its side; what it had sent before may not all be read */
    INCOMING_NONE, /* all is read */
};

struct http1_connection {
    struct client client; /* first: services know the request by it */
    struct http1_set *set;
    struct http1_connection *next;
    struct http1_connection *previous;

    enum http1_progress progress;
    struct instant since; /* of progress; of the last byte that went when the socket is full */
    bool is_running;      /* a callback of ours is on the stack */
    bool is_lost;         /* the client has left, or the socket is broken */
    bool is_blocked;      /* the socket is full */
    bool is_closing;      /* closes after the reply */
    enum http1_incoming incoming;
    short watched;           /* what io waits for */
    struct instant timer_at; /* when timer fires; never, if it is not set */
    struct transport transport;
    struct event io;
    struct event timer;
    struct event turn; /* made active for what must not happen below a call of the service's */

    struct http1_input input;
    struct http1_scan scan;
    unsigned empty_lines; /* before the request */

    /* The request that is served. */
    struct peer peer;
    struct http1_head head;
    struct header *headers;        /* owned; from the pool */
    enum pool_size headers_size;   /* of their block */
    void *owner;                   /* the service's, for its callbacks */
    struct http1_chunked *chunked; /* owned */
    int64_t body_left;             /* BODY_LENGTH */
    size_t credit;                 /* how much more of the body is wanted */
    bool is_wanted;                /* the service has asked for the body */
    bool owes_continue;            /* the client waits for 100 Continue */
    bool body_has_ended;
    bool outlives_half_close; /* the service has said so */

    /* Its reply. */
    struct chain out; /* what is to be sent */
    enum http1_framing framing;
    int64_t reply_left; /* FRAMING_LENGTH */
    bool has_reply;
    bool may_wait;      /* its end need not be sent at once */
    bool is_overrun;    /* the service sent more than it had announced */
    bool owes_writable; /* the service waits for on_writable */
    bool is_due;        /* out is to be flushed in the next turn */
    size_t dropped;     /* bytes, behind the last request and while lingering */
    unsigned lingered;  /* seconds beyond the first */
};

/* What a set is at, each including those before it. */
enum http1_course {
    SET_SERVES,
    SET_DRAINS, /* no connection is kept; those without a request close soon */
    SET_ENDS,   /* no request begins */
};

struct http1_set {
    struct http1_options options;
    struct http1_connection *connections; /* owned; each frees itself */
    size_t count;
    enum http1_course course;
    struct http1_date date;
};

extern const struct codec http1_codec;

static inline struct http1_connection *connection_of(struct client *client)
{
    return (struct http1_connection *)client;
}

static inline struct pool *connection_pool(const struct http1_connection *connection)
{
    return connection->set->options.pool;
}

static inline size_t connection_high_water(const struct http1_connection *connection)
{
    return pool_is_spent(connection_pool(connection)) ? POOL_SHARE : HTTP1_HIGH_WATER;
}

/* http1.c */
void connection_become(struct http1_connection *connection, enum http1_progress progress,
                       struct instant now);
/* Closes; it is freed at once, unless it is running. */
void connection_close(struct http1_connection *connection);
void connection_reset(struct http1_connection *connection);
/* Waits for the events and the time that its state calls for. */
void connection_settle(struct http1_connection *connection, struct instant now);
/* Has it serve soon, from a stack of its own. */
void connection_wake(struct http1_connection *connection);

/* http1_linger.c */
/* Sends no more, and drops what comes, until the client closes too: for a second, or until the system
 * has sent all, for 30 seconds at most. */
void connection_linger(struct http1_connection *connection, struct instant now);
/* While it lingers: something has come, and was dropped; a second is over. */
void connection_drop_on(struct http1_connection *connection);
void connection_linger_on(struct http1_connection *connection, struct instant now);

/* http1_serve.c */
/* Does all that can be done now: requests, bodies, what the service is owed. */
void connection_serve(struct http1_connection *connection, struct instant now);
/* Reads once into the input, if there is room, and notes what that says of the client. */
enum transport_result connection_fill(struct http1_connection *connection, struct instant now);
void connection_read(struct http1_connection *connection, struct instant now);
/* Answers a request without the service, and closes. */
void connection_refuse(struct http1_connection *connection, struct http1_refusal refusal,
                       struct instant now);
/* The client is gone: tells the service, if it has the request, and closes. */
void connection_lose(struct http1_connection *connection, enum client_loss loss,
                     struct instant now);

/* http1_body.c */
/* Hands the service the next piece of the body or its end; false: nothing to hand. */
CHECKED bool connection_hand_body(struct http1_connection *connection, struct instant now);
/* Drops what is left of the body, as far as it is there. */
void connection_drop_body(struct http1_connection *connection, struct instant now);

/* http1_send.c */
void connection_flush(struct http1_connection *connection, struct instant now);
/* The reply is all sent: the next request, or the end. False: the connection is closed, and gone
 * unless it is running. */
bool connection_end_request(struct http1_connection *connection, struct instant now);
