/* Clients that ask as fast as they are let, each in a thread, while the program is stopped or
 * replaced under them. What becomes of each request is counted exactly. */
#pragma once

#include <stddef.h>

struct fleet;

struct fleet_options {
    const char *address; /* borrowed; as for address_connect */
    const char *request; /* borrowed; whole, with its end. NULL: GET / */
    size_t keepers;      /* clients that keep their connection, for as long as they may */
    size_t openers;      /* clients that open one for each request */
    unsigned pause_us;   /* each waits up to so long before a request */
};

/* Every request that was sent, or could not be, is in one of these. */
struct tally {
    size_t answered;   /* 200, whole */
    size_t unwanted;   /* another status, whole */
    size_t cut;        /* an answer that broke off */
    size_t lost;       /* no byte of an answer on a connection that was new */
    size_t raced;      /* no byte of an answer on one that was idle, and open: to be sent again */
    size_t refused;    /* not connected */
    size_t late;       /* nothing for 10 s */
    size_t turned_off; /* answers that said Connection: close */
};

/* They begin at once. */
struct fleet *fleet_start(const struct fleet_options *options);

/* So many requests answered so far. */
size_t fleet_answered(const struct fleet *fleet);

/* Waits until each has been refused, counts, and frees. */
struct tally fleet_finish(struct fleet *fleet);

/* The same, but each ends after the request that it is at. */
struct tally fleet_recall(struct fleet *fleet);

/* In one line, for messages. Static. */
const char *tally_text(const struct tally *tally);
