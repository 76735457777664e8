/* One try of a call: one request on one connection, through libcurl. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "budget/checked.h"
#include "budget/ledger.h"
#include "budget/span.h"
#include "conf/conf.h"
#include "proxy/chain.h"
#include "proxy/handles.h"
#include "proxy/response.h"

struct attempt;
struct curl_loop;
struct trace_attempt;
struct trace_context;
struct trace_notes;
struct trace_source;

/* Bytes that wait here at the most, each way; beyond, the one who sends is made to wait. With more, large
 * bodies cost more: what has come is no longer in the processor's first cache when it goes on. */
enum { ATTEMPT_WINDOW = 49152 };

/* Heard when libcurl has returned, one at a time, in this order. Any function may be called from
 * them. owner is attempt->owner. */
struct attempt_events {
    void (*on_head)(void *owner, struct instant now);
    void (*on_body)(void *owner, struct instant now); /* more in attempt->body */
    void (*on_room)(void *owner, struct instant now); /* more went up: attempt->went_up */
    /* Once, last, with anything from CALL_OK on. */
    void (*on_end)(void *owner, enum call_outcome outcome, struct instant now);
};

/* What to send. Borrowed until the attempt has ended. */
struct attempt_order {
    enum handle_kind kind;
    struct text method;
    const char *target; /* terminated */
    char *block;        /* terminated: the headers, each but the last with its CRLF */
    size_t block_room;  /* in bytes; what differs between attempts goes behind block_count */
    size_t block_count;
    const struct trace_context *trace; /* NULL: the block has a traceparent */
    const struct wire_field *tells;    /* how the upstream is told what is left */
    size_t tells_count;
    int64_t upload_length; /* LENGTH_UNKNOWN: chunked */
    bool is_idempotent;    /* carried out twice is as good as once */
    bool may_resend;       /* once more, when a kept connection turns out to be dead */
};

/* Where to, and until when. */
struct attempt_way {
    const char *address; /* as for handles_take */
    unsigned generation; /* of address */
    struct instant due;  /* the end of its time, which the upstream is told */
};

struct attempt {
    struct curl_loop *loop;              /* borrowed */
    struct handles *handles;             /* borrowed */
    struct pool *pool;                   /* borrowed */
    struct trace_source *random;         /* borrowed */
    const struct attempt_events *events; /* borrowed */
    void *owner;                         /* borrowed */
    const struct attempt_order *order;   /* borrowed */
    struct instant due;                  /* the end of its time */
    struct trace_attempt *note;          /* borrowed; NULL: its trace is not exported */
    struct handle *handle;               /* owned; NULL before the start and after the end */
    struct response response;
    struct chain body;             /* came down, not taken yet */
    struct chain upload;           /* to go up */
    struct http1_chunked *chunked; /* owned; NULL: no chunk has come */
    uint64_t received;             /* of the body, as framed */
    bool is_body_whole;            /* the last chunk has come */
    uint64_t went_up;              /* libcurl has taken so much of the upload */
    unsigned sends;                /* how often libcurl was ready to send the request */
    unsigned news;                 /* what has not been delivered */
    int fd;                        /* borrowed; that libcurl reads from; -1: none */
    int code;                      /* libcurl's, at the end */
    bool is_upload_ended;
    bool is_upload_sent; /* libcurl has taken the end of it too */
    bool is_watched;     /* libcurl has asked for its socket since the request went out */
    bool is_down_paused;
    bool is_down_wanted; /* and is to go on, when it is its turn */
    bool is_catching_up; /* takes what libcurl held back, though it is full */
    bool is_up_paused;
    bool is_up_wanted;
    bool is_expired;     /* nothing was left when it could have been sent */
    bool is_within_line; /* of the head: its end has not come */
    bool is_tainted;     /* there was more on the connection than the response */
    bool is_settled;     /* the loop has looked for what came behind its response */
    bool is_starting;    /* libcurl has not been told of it yet */
    bool is_resuming;    /* was paused, and waits for its turn to go on */
    bool is_touched;     /* is in the loop's list */
    TAILQ_ENTRY(attempt) starting;
    TAILQ_ENTRY(attempt) resuming;
    TAILQ_ENTRY(attempt) touched;
};

/* What attempt needs of its surroundings. */
struct attempt_place {
    struct curl_loop *loop;
    struct handles *handles;
    struct arena *arena;
    struct pool *pool;
    struct trace_source *random;
    struct trace_notes *notes; /* NULL: the trace of its request is not exported */
};

void attempt_init(struct attempt *attempt, const struct attempt_place *place,
                  const struct attempt_events *events, void *owner);

/* Sends order. Several attempts may have the same one. Never calls back before it returns. */
void attempt_start(struct attempt *attempt, const struct attempt_order *order,
                   const struct attempt_way *way);

/* Ends it without a word; its connection is closed in this turn of the event loop, or, with very many
 * others, at once behind it (orphan.h). Fine when it has not begun or has ended. */
void attempt_cancel(struct attempt *attempt);

/* Takes it back to before its start, when it has not come so far as to send anything: what is to go
 * up stays. */
void attempt_rewind(struct attempt *attempt);

/* More of the body for the upstream, and its end. */
void attempt_upload(struct attempt *attempt, const char *bytes, size_t count);
void attempt_upload_end(struct attempt *attempt);

/* To be called when bytes were taken from attempt->body. */
void attempt_resume(struct attempt *attempt);

/* Is there news to come that brings the response on, or its end? Room for the upload does not. */
CHECKED bool attempt_brings_more(const struct attempt *attempt);

/* Was the request sent, or the sending begun? */
bool attempt_is_sent(const struct attempt *attempt);

/* Has more of the response come than was handed on yet? */
bool attempt_has_unread(const struct attempt *attempt);

/* For the loop only: what was paused and is wanted goes on. libcurl has its turn afterwards. */
void attempt_go_on(struct attempt *attempt);

/* For the loop only: libcurl has returned, and one piece of news may be heard. */
void attempt_deliver(struct attempt *attempt, struct instant now);
