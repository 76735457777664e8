/* An upstream that says what it was told to, a piece of it only when the piece before was read, and
 * then goes on, closes or falls silent. It listens on a unix socket, which tells when that is. One
 * thread of the test's process serves all connections. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/text.h"

#define RETORT_BYTES SIZE_MAX /* one byte at a time */

/* What it says to one request. */
struct retort_answer {
    struct text bytes; /* borrowed */
    size_t cut;        /* the first piece has so many, or RETORT_BYTES */
    bool goes_on;      /* behind the cut */
    bool closes;       /* then; else it waits for the next request, or, if it stopped, for ever */
};

struct retort;

/* To a request whose target ends with /N it says the N-th of the answers, which are borrowed; to
 * one that ends with /next-ANYTHING it says 200, with next-ANYTHING as the body. Fails the test
 * when it cannot listen. */
struct retort *retort_start(const struct retort_answer *answers, size_t count);

/* For the configuration: unix:/path. */
const char *retort_url(const struct retort *retort);

/* Ends it, and fails the test if ever anything has come that was not one request alone. To be
 * called after the proxy has ended. */
void retort_stop(struct retort *retort);
