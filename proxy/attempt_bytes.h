/* The bytes of an attempt, as libcurl takes them and brings them: its callbacks, which copy and
 * note, no more. For the attempt, the loop and the handles only. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "budget/checked.h"

struct attempt;
struct handle;

/* What has happened and was not delivered yet; bits, in the order of delivery. */
enum attempt_news { NEWS_HEAD = 1, NEWS_BODY = 2, NEWS_ROOM = 4, NEWS_END = 8 };

/* Gives a new handle the options that bring its bytes to the attempt that it is lent to. */
void attempt_bind(struct handle *handle);

/* Is all of the response there that its own head has announced? */
CHECKED bool attempt_is_whole(const struct attempt *attempt);

/* How many bytes its response had on the connection, interim ones included; -1: it is not whole. */
CHECKED int64_t attempt_bytes_down(const struct attempt *attempt);

/* What came down waits here until it is taken: libcurl reads no more. */
CHECKED bool attempt_is_paused(const struct attempt *attempt);

/* The transfer has ended. code: a CURLcode. */
void attempt_note_end(struct attempt *attempt, int code);

/* libcurl reads no more although the transfer goes on: the response or the connection is over before
 * the upload is. libcurl would wait for the rest of the upload; nobody else does. */
void attempt_note_read_out(struct attempt *attempt);
