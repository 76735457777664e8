/* The program, running with a configuration of the test's, and short ways to talk to it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "test/support/dialogue.h"
#include "test/support/origin.h"
#include "test/support/program.h"

struct world;

/* Beginnings of a configuration. Keys of [proxy] may follow the first, keys of [budget] the
 * second. */
#define WORLD_PROXY \
    "[proxy]\nlisten = 127.0.0.1:0\nadmin = 127.0.0.1:0\nworkers = 1\nlog = stderr\n"
#define WORLD_BUDGET "[budget]\nheader = X-Request-Timeout-Ms: ms\nlocal = 10ms\n"
#define WORLD_PATIENT WORLD_PROXY WORLD_BUDGET "default = 20s\n"

/* One route for everything that passes through to an upstream; %u is its port. */
#define WORLD_ROUTE                                                            \
    "[upstream backend]\nurl = http://127.0.0.1:%u\n[route all]\nmatch = /*\n" \
    "upstream = backend\n"

/* Starts the program with a configuration (printf) and waits until it serves. Fails the test, with
 * what the program said, when it does not. */
struct world *world_start(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same, in the place of one that runs, which ends then by itself: see world_replaced. */
struct world *world_replace(const struct world *old, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Waits for the end of a program that was replaced, and fails the test unless it exits with 0.
 * Dialogues and origins go on. */
void world_replaced(struct world *world);

/* Stops the program by SIGTERM, ends all dialogues and origins, and fails the test unless the
 * program exits with 0. */
void world_stop(struct world *world);

/* The same after the test has stopped the program itself: only waits, checks and frees. */
void world_stopped(struct world *world);

/* Stops it likewise when it still runs, and returns its exit code, or -N for the signal N that ended
 * it. *ret_said: what it said but for the request log, owned by the caller. */
int world_end(struct world *world, char **ret_said);

/* Its n-th listener as "127.0.0.1:43215", "[::1]:43215" or "unix:/path"; its admin listener. */
const char *world_address(const struct world *world, size_t n);
const char *world_admin(const struct world *world);

struct program *world_program(const struct world *world);

/* A new connection to its first listener; and one request on such a connection, with its answer. */
struct dialogue *world_dial(const struct world *world);
const struct reply *world_ask(const struct world *world, const char *request);

/* GET of a path with further header lines ("" for none). */
const struct reply *world_get(const struct world *world, const char *path, const char *lines);

/* Is there a line of the request log that holds all these texts (NULL ends them)? And waits for it. */
bool world_has_logged(const struct world *world, const char *const *texts);
bool world_logs(const struct world *world, const char *const *texts);
#define LOGS(world, ...) world_logs(world, (const char *const[]){__VA_ARGS__, NULL})

/* How many lines the request log has, once it has been left alone for 300 ms. */
size_t world_count_lines(const struct world *world);

/* The value of a line of /metrics that holds both texts; -1 when there is none. Waits a moment for
 * what is in flight. */
double world_metric(const struct world *world, const char *name, const char *label);

/* Of all lines of the metric of exactly this name that hold the label, the values added up. */
double world_metric_sum(const struct world *world, const char *name, const char *label);

/* The value as it is now, for what is under way; and waits 10 s for it to come to that. */
double world_gauge(const struct world *world, const char *name, const char *label);
CHECKED bool world_comes_to(const struct world *world, const char *name, const char *label,
                            double value);

/* Its resident memory, in bytes. */
size_t world_memory(const struct world *world);

/* How many descriptors it has open. */
size_t world_descriptors(const struct world *world);

/* Waits for the last request to end and for the last client's connection to close: 5 s. */
CHECKED bool world_is_at_rest(const struct world *world);
