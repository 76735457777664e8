/* Sends the spans of sampled requests to a collector, by OTLP/HTTP, as JSON. One for each worker, on
 * its loop, and never in anybody's way: spans are gathered for a moment and sent together; there is
 * one message under way at a time, with a deadline of its own; what waits is bounded, and what would
 * be more is dropped and counted, as is what the collector does not take.
 *
 * The collector is no upstream of the configuration: it takes no place there, and is counted apart.
 * What libcurl and the names need to know of it is the same. */
#pragma once

#include <stdbool.h>

#include "budget/checked.h"
#include "budget/span.h"
#include "conf/conf.h"
#include "proxy/metrics.h"

struct curl_loop;
struct event_base;
struct exporter; /* defined in exporter.c */
struct pool;
struct record;
struct trace_source;

struct exporter_options {
    const struct conf_proxy *conf; /* with a trace_export */
    struct event_base *base;
    struct curl_loop *loop;
    struct pool *pool;
    struct trace_source *random;
    struct metrics *metrics;
};

/* Everything is borrowed. NULL: the resolver cannot be used. */
CHECKED struct exporter *exporter_create(const struct exporter_options *options);

/* What is left is dropped, and counted. NULL is fine. */
void exporter_destroy(struct exporter *exporter);

/* The spans of a request that is over and has notes. */
void exporter_take(struct exporter *exporter, const struct record *record);

/* The proxy stops, and no request is under way any more: what is there is sent at once, and not
 * again; within a second it is sent or dropped. To be asked until it says that nothing is left. */
CHECKED bool exporter_is_empty(struct exporter *exporter, struct instant now);
