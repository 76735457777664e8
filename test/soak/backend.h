/* The upstream of the soak, good and evil: does with each request what its target says
 * ("/...?do=MOOD&n=BYTES&ms=WAIT"), and looks at what has come. */
#pragma once

#include <event2/util.h>
#include <stddef.h>
#include <stdint.h>

struct event_base;
struct backend; /* defined in backend.c */

struct backend_counts {
    uint64_t connections;
    uint64_t requests; /* whose heads have come */
    uint64_t whole;    /* and whose bodies too */
    uint64_t strange;  /* that no client has sent: see said */
    size_t open;       /* connections, now */
    char said[256];    /* about the first strange one */
};

/* On a port of its own and on a unix socket at path. */
struct backend *backend_create(struct event_base *base, const char *path);
void backend_destroy(struct backend *backend);

unsigned backend_port(const struct backend *backend);
const struct backend_counts *backend_counts(const struct backend *backend);
