/* Easy handles, kept for use again: options are set once for each upstream and kind of request, and
 * what differs between requests is set by the attempt. A handle is never lent to a request of
 * another kind, since undoing an option of libcurl changes others. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "budget/checked.h"
#include "conf/conf.h"
#include "proxy/orphan.h"
#include "proxy/shard.h"

struct attempt;
struct curl_loop;
struct event_base;

enum handle_kind {
    HANDLE_PLAIN,  /* no body goes up */
    HANDLE_HEAD,   /* nor does one come down */
    HANDLE_UPLOAD, /* a body is streamed up */
    HANDLE_KINDS
};

struct handle {
    void *easy; /* a CURL *, owned */
    void *url;  /* its CURLU *, owned */
    enum handle_kind kind;
    bool may_hold;           /* its transfer can be stopped by curl_easy_pause: attempt_bytes.c */
    unsigned generation;     /* of the upstream's address that url holds */
    char method[24];         /* that is set now; empty: the kind's own */
    struct attempt *attempt; /* borrowed: who uses it now; NULL: nobody */
    struct shard *shard;     /* borrowed: where its transfer is, while libcurl has it */
    bool is_let_go;          /* its connection is not kept */
    bool is_worn;            /* libcurl keeps state in it that only a new handle is free of */
    struct handle *next;
    TAILQ_ENTRY(handle) orphaned;
};

/* The handles of one upstream. */
struct handles {
    struct curl_loop *loop;           /* borrowed */
    const struct conf_upstream *conf; /* borrowed */
    struct shards shards;
    struct orphans orphans;
    struct handle *free[HANDLE_KINDS]; /* owned */
};

/* handles stays where it is. */
void handles_init(struct handles *handles, struct event_base *base, struct curl_loop *loop,
                  const struct conf_upstream *conf);
void handles_finish(struct handles *handles);

/* A handle for one attempt. address is a literal address (IPv6 without brackets), or NULL for a
 * unix socket; generation changes whenever address does. Owned by the caller until given back. */
CHECKED struct handle *handles_take(struct handles *handles, enum handle_kind kind,
                                    const char *address, unsigned generation);

/* Whose CURL * this is. NULL: one that libcurl has of its own. */
CHECKED struct handle *handle_of(void *easy);

/* The transfer that goes on is attempt's from now on (borrowed), and what its request was made of may
 * be freed: libcurl, which has only borrowed the headers, forgets them. */
void handle_pass_on(struct handle *handle, struct attempt *attempt);

/* Nobody hears of its transfer any more, and what its request was made of may be freed. libcurl fails
 * it should it come to more of it, and keeps its connection in no case. */
void handle_let_go(struct handle *handle);

/* Takes handle. is_worn: libcurl keeps state in it that only a new handle is free of. */
void handles_give(struct handles *handles, struct handle *handle, bool is_worn);
