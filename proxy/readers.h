/* Those who are still being sent a page of the admin listener. A page lies in memory until it has been
 * read, and may have megabytes: together they have a bound, and each of them so long. Where one of
 * these is reached, who has been reading for the longest time is cut off, visibly (client_cut): so
 * who reads at once always gets its page, whatever others do. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "budget/checked.h"
#include "budget/span.h"

struct client;
struct event_base;
struct reader;
struct readers;

struct readers_options {
    struct event_base *base; /* borrowed */
    size_t bytes_max;        /* of their pages together; one page may always be read */
    struct span patience;    /* a page must have been read by then */
};

CHECKED struct readers *readers_create(const struct readers_options *options);

/* Does nothing to clients that still read. NULL is fine. */
void readers_destroy(struct readers *readers);

/* The client has been sent a page of so many bytes, as far as its socket took it. Others may be cut
 * off for it. The reader is borrowed, until it leaves or is cut off itself. */
struct reader *readers_join(struct readers *readers, struct client *client, size_t bytes,
                            struct instant now);

/* It has read all, or has gone: its client must not be touched any more. */
void reader_leave(struct reader *reader);
void reader_go(struct reader *reader, struct instant now);

/* How many have been cut off; those that had gone when their time was over are among them, since it
 * is the codec then that has given them up. */
uint64_t readers_cut_off(const struct readers *readers);
