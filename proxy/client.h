/* A client's request as those who answer it see it: its head, its body as it comes, the reply as
 * it goes. Behind it is a codec (http1; another can stand beside it), which owns the connection.
 *
 * Who answers is a struct service: the proxy's exchange, a stub, the admin pages.
 *
 *   codec -> service                      service -> codec
 *   on_request   a head is complete       client_want    so many bytes of body may come
 *   on_body      a piece of the body      client_reply   the head of the reply
 *   on_body_end  the body is complete     client_send    a piece of its body
 *   on_writable  the queue has drained    client_end     the reply is complete
 *   on_sent      all of it is sent        client_cut     break it off, visibly
 *   on_gone      the client has left      client_flush   send what is queued
 *   on_half_closed   it may have left
 *
 * The functions client_... never call back before they return. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "budget/checked.h"
#include "budget/span.h"
#include "conf/text.h"
#include "proxy/chain.h"

struct client; /* one request on a connection; each codec defines what follows its first member */

struct header {
    struct text name;
    struct text value; /* without the whitespace around it; may be empty */
};

enum body_kind { BODY_NONE, BODY_LENGTH, BODY_CHUNKED };

/* Who is at the other end of a connection. */
struct peer {
    char address[64]; /* "192.0.2.1", "2001:db8::1" or "unix" */
    bool is_trusted;  /* by the configuration's `trust` */
    bool is_unix;
};

/* The head of a request. Borrowed by the service until the reply has ended or the client has
 * left. Syntax and framing were checked: texts hold no control characters. */
struct request {
    struct text method;
    struct text target; /* as received */
    struct text path;   /* of the target; "/" when it had none; "*" for OPTIONS * */
    struct text query;  /* without the question mark; empty when there is none */
    bool has_query;
    struct text host; /* authority of an absolute target, or Host; empty in HTTP/1.0 without one */
    const struct header *headers; /* as received, in order */
    size_t headers_count;
    int minor; /* HTTP/1.minor */
    bool is_head;
    enum body_kind body;
    int64_t body_length; /* BODY_LENGTH: more than 0 */
    bool expects_continue;
    struct instant started; /* when its first byte was read */
    const struct peer *peer;
};

/* The head of a reply. The codec adds framing (Content-Length, Transfer-Encoding, Connection) and,
 * where there is none, Date; the rest must be complete and clean. Borrowed for the call only. */
enum { LENGTH_UNKNOWN = -1, LENGTH_NO_BODY = -2 };

struct reply {
    int status;
    struct text phrase; /* empty: the standard one */
    const struct header *headers;
    size_t headers_count;
    int64_t length; /* of the body; LENGTH_UNKNOWN; or LENGTH_NO_BODY for 204, 304 and the like.
                       For HEAD: what a GET would have said */
    bool closes;    /* the connection ends after it, whatever the client wants */
    bool may_wait;  /* until what else has happened in this turn of the event loop was seen to */
};

enum client_loss {
    CLIENT_LEFT,    /* closed or reset while its request was pending */
    CLIENT_INVALID, /* sent a body that is none; the codec has seen to the answer if there was
                       time for one */
};

/* Who answers requests. owner is what on_request returned. */
struct service {
    /* Never NULL. To answer at once, reply within it and return any pointer. */
    void *(*on_request)(void *service_arg, struct client *client, const struct request *request,
                        struct instant now);
    void (*on_body)(void *owner, const char *bytes, size_t count, struct instant now);
    void (*on_body_end)(void *owner, struct instant now); /* not with BODY_NONE */
    /* After client_send returned false: less than half is left. */
    void (*on_writable)(void *owner, struct instant now);
    /* After client_end returned false: the last byte has gone. The client must not be touched
     * any more. */
    void (*on_sent)(void *owner, struct instant now);
    /* The client has ended its side of the connection: it may have left, or have said all and wait
     * for the reply. True: go on; on_gone may still come, when the body lacks its end or the rest
     * of the connection breaks. False, or the function is NULL: it has left, and on_gone follows.
     * At most one true for a request. Must do nothing to the client. */
    bool (*on_half_closed)(void *owner, struct instant now);
    /* The client must not be touched any more. Not called after client_end has returned true,
     * client_cut, or on_sent. */
    void (*on_gone)(void *owner, enum client_loss loss, struct instant now);
    /* The codec has answered by itself: what came was no valid request, or took too long to come.
     * why: a sentence. The function may be NULL. */
    void (*on_refused)(void *service_arg, const struct peer *peer, int status, const char *why);
};

/* The codec's side; the functions below go through it. */
struct codec {
    void (*want)(struct client *client, size_t count);
    void (*reply)(struct client *client, const struct reply *reply, struct instant now);
    bool (*send)(struct client *client, struct chain *body);
    bool (*end)(struct client *client, struct instant now);
    void (*cut)(struct client *client);
    void (*flush)(struct client *client, struct instant now);
};

struct client {
    const struct codec *codec;
};

/* Allows count further bytes of body to come. Nothing comes before the first of these; a client
 * that waits for 100 Continue is sent it then. */
static inline void client_want(struct client *client, size_t count)
{
    client->codec->want(client, count);
}

/* Begins the reply. Once. Queued, not sent. */
static inline void client_reply(struct client *client, const struct reply *reply,
                                struct instant now)
{
    client->codec->reply(client, reply, now);
}

/* Takes all bytes of body (leaves it empty) and queues them; for HEAD drops them. False: the queue
 * is long, send no more until on_writable. */
CHECKED static inline bool client_send(struct client *client, struct chain *body)
{
    return client->codec->send(client, body);
}

/* The reply is complete: sends what is queued. True: it is all sent and the client must not be
 * touched any more. False: on_sent or on_gone will come. A request body that has not been read
 * then is dropped, or the connection closed. */
CHECKED static inline bool client_end(struct client *client, struct instant now)
{
    return client->codec->end(client, now);
}

/* Breaks the reply off so that the client can see it is not complete: no last chunk, short of its
 * length, or a reset where only the end of the stream marks its end. Before client_reply: just
 * closes. What is queued may be lost. Also after client_end has returned false: the client has not
 * taken all of it. The client must not be touched any more. */
static inline void client_cut(struct client *client)
{
    client->codec->cut(client);
}

/* Sends what is queued, as far as the socket takes it. */
static inline void client_flush(struct client *client, struct instant now)
{
    client->codec->flush(client, now);
}
