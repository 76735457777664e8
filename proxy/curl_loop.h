/* libcurl's sockets and timers on an event base. libcurl's callbacks only copy bytes and set flags;
 * what follows from them happens afterwards, in one place, when libcurl has returned: each attempt
 * that was touched is asked for its news (attempt_deliver).
 *
 * Sockets stay registered with the event base from one request to the next; while a connection is
 * idle the loop itself watches it, so that neither its end nor bytes that nobody asked for can
 * reach a later request. */
#pragma once

#include <stddef.h>
#include <sys/queue.h>

#include "budget/checked.h"
#include "budget/span.h"

struct event_base;
struct curl_loop; /* defined in curl_loop.c */
struct attempt;
struct handle;
struct shard;

TAILQ_HEAD(attempt_list, attempt);

/* To be called once, before any thread runs, and once at the end. */
void curl_loop_global_init(void);
void curl_loop_global_finish(void);

/* "libcurl/7.88.1 ..." */
const char *curl_loop_version(void);

/* base is borrowed. */
CHECKED struct curl_loop *curl_loop_create(struct event_base *base);

/* All attempts must have ended, and all handles and shards be gone. NULL is fine. */
void curl_loop_destroy(struct curl_loop *loop);

/* attempt has a handle that is set up for this loop, and its CURLOPT_PRIVATE is that struct handle.
 * Never calls back before it returns: libcurl begins soon, in this turn of the event loop. */
void curl_loop_add(struct curl_loop *loop, struct attempt *attempt);

/* The transfer is over, or nobody wants it any more: its connection is kept or closed as libcurl
 * sees fit. Not to be called from within libcurl's callbacks. */
void curl_loop_remove(struct curl_loop *loop, struct attempt *attempt);

/* The same, of a transfer that libcurl has and that is no attempt's any more. */
void curl_loop_end(struct handle *handle);

/* libcurl must have a turn soon: in this turn of the event loop. */
void curl_loop_kick(struct curl_loop *loop);

/* attempt has news: it will be asked for it when libcurl has returned. More than once is fine. */
void curl_loop_touch(struct curl_loop *loop, struct attempt *attempt);

/* It has none any more. */
void curl_loop_untouch(struct curl_loop *loop, struct attempt *attempt);

/* It goes on soon, in this turn of the event loop: attempt_go_on. More than once is fine. */
void curl_loop_resume(struct curl_loop *loop, struct attempt *attempt);

/* It has no news, and does not go on: its transfer is another's from now on, or nobody's. */
void curl_loop_forget(struct curl_loop *loop, struct attempt *attempt);

/* Gives a new CURL * the options that tie it to this loop. */
void curl_loop_bind(struct curl_loop *loop, void *easy);

/* From now on the loop runs the transfers of shard, a new one; and until then. */
void curl_loop_adopt(struct curl_loop *loop, struct shard *shard);
void curl_loop_release(struct shard *shard);
