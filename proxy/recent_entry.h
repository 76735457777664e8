/* A request that is over, small enough to be kept: what of a struct record outlives its exchange. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "proxy/record.h"
#include "proxy/trace_context.h"

/* Texts are cut to so many bytes. The longest id that is accepted, and the longest address, fit. */
enum {
    RECENT_ID_MAX = 128,
    RECENT_CLIENT_MAX = 64,
    RECENT_METHOD_MAX = 24,
    RECENT_PATH_MAX = 160,
};

struct recent_entry {
    const struct conf_route *route;  /* borrowed from the configuration; NULL: none */
    const struct wire_field *source; /* the same; NULL: the default */
    int64_t ended_ms;                /* since 1970 */
    struct instant started;
    struct instant ended;
    struct span budget;
    struct span local;
    struct span upload;
    struct span queue;
    uint64_t bytes_up;
    uint64_t bytes_down;
    int status;
    int blamed;
    enum ending ending;
    enum reason reason;
    enum whose whose;
    enum phase phase;
    bool is_observed;
    struct verdict verdict;
    uint8_t id_count;
    uint8_t client_count;
    uint8_t method_count;
    uint8_t path_count;
    char id[RECENT_ID_MAX];
    char client[RECENT_CLIENT_MAX];
    char method[RECENT_METHOD_MAX];
    char path[RECENT_PATH_MAX];
    struct trace_context trace;
    size_t calls_count;
    struct record_call calls[PLAN_CALLS_MAX]; /* behind the last of them nothing need exist */
};

/* How many bytes an entry of so many calls takes. */
static inline size_t recent_entry_size(size_t calls_count)
{
    return offsetof(struct recent_entry, calls) + calls_count * sizeof(struct record_call);
}

/* ended_ms: when it ended, since 1970. The entry has room for all calls of the record. */
void recent_entry_fill(struct recent_entry *entry, const struct record *record, int64_t ended_ms);

/* The record as far as it was kept: its texts are borrowed from the entry. Names the upstreams of its
 * calls. */
void recent_entry_tell(const struct recent_entry *entry, const struct conf *conf,
                       struct record *record);

/* The part of its budget that it used: 1 is all of it. Nothing, where there was no budget. */
double recent_entry_share(const struct recent_entry *entry);
