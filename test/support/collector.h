/* A collector of spans played by an origin, and what it has got. */
#pragma once

#include <stddef.h>

#include "test/support/origin.h"
#include "test/support/otlp_reader.h"

struct world;

#define TAKEN "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"

/* Of [proxy]; %u is the collector's port. All traces that begin at the proxy are sampled. */
#define EXPORT WORLD_PROXY "trace-export = http://127.0.0.1:%u\ntrace-share = 100%%\n"

/* The spans of the message that was received last. */
extern struct otlp_span collector_spans[OTLP_SPANS_MAX];

/* One that takes everything. */
struct origin *collector_start(void);

/* Waits for its n-th message, and reads it. Returns how many spans it has. */
size_t collector_receive(struct origin *collector, size_t n);

/* Waits until a metric of the world has come to this value: 10 s. */
void collector_wait(const struct world *world, const char *name, const char *label, double value);
