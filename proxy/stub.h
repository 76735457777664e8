/* Upstreams played by this process, for demos, tests and load tests: each answers every request
 * alike after a latency drawn from its distribution. */
#pragma once

#include <stdint.h>

#include "budget/checked.h"
#include "conf/conf.h"
#include "proxy/client.h"
#include "proxy/pool.h"

struct event_base;
struct stub; /* one stub on one event base; defined in stub.c */

extern const struct service stub_service; /* its service_arg is a struct stub */

/* seed: the same seed and the same order of requests give the same latencies and failures. */
CHECKED struct stub *stub_create(const struct conf_stub *conf, struct event_base *base,
                                 struct pool *pool, uint64_t seed);

/* Drops the answers that are due without a word to their clients: close their connections first.
 * NULL is fine. */
void stub_destroy(struct stub *stub);

/* The latency for a random number in [0, 1) (lognormal: and a standard normal one). Pure. */
struct span stub_latency(const struct conf_stub *conf, double uniform, double normal);
