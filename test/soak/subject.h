/* The program that is soaked: started with a configuration of all kinds of routes, and looked at from
 * outside. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "budget/checked.h"
#include "budget/span.h"

enum { SUBJECT_DEFAULT_MS = 1000, SUBJECT_MAX_MS = 3000, SUBJECT_CONNECTIONS = 57 };

struct subject;

/* Starts HOURGLASS_PROGRAM in folder, where its sockets, its log ("log") and what it says ("said")
 * are, and waits until it serves. The upstream is at a port and at the unix socket "back". Ends
 * this program when it does not serve. */
struct subject *subject_start(const char *folder, unsigned backend_port);

/* Where it listens for clients. */
unsigned subject_port(const struct subject *subject);

/* Still runs. */
bool subject_is_alive(struct subject *subject);

size_t subject_memory(const struct subject *subject); /* resident, in bytes */
size_t subject_descriptors(const struct subject *subject);

/* Asks for the page of metrics anew. False: it did not come. */
CHECKED bool subject_scrape(struct subject *subject);

/* The sum of all lines of the last page whose name is this and whose labels hold that. */
double subject_metric(const struct subject *subject, const char *name, const char *label);

/* Has it open its log anew, and returns when that has been asked. */
void subject_reopen_log(const struct subject *subject);

/* SIGTERM; waits. The exit code, or -N for the signal N that ended it; *ret_took: how long. */
int subject_stop(struct subject *subject, struct span patience, struct span *ret_took);

/* What it has said but for what it always says. Owned by the caller. */
char *subject_complaints(const struct subject *subject);

/* Kills it, when it still runs, and frees. */
void subject_destroy(struct subject *subject);
