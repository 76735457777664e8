/* Methods as a set: one bit for each that the proxy knows, and one for all others. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "budget/checked.h"
#include "conf/store.h"
#include "conf/text.h"

/* What Allow says of a route for all methods: those that are in use. */
#define METHODS_IN_USE "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"

typedef uint64_t method_set;

#define METHODS_ANY UINT64_MAX

/* The set of this one method, as a client says it. */
method_set method_of(struct text name);

/* Reads the name of a method in the file. Returns NULL, or how the sentence ends. */
CHECKED const char *method_read(const char *name, method_set *ret_set, struct store *store);

/* May it, or one of them, be carried out twice with the effect of once? Of those that a proxy can
 * know to be so (RFC 9110 section 9.2.2): GET, HEAD, OPTIONS, PUT and DELETE. */
bool method_is_idempotent(method_set set);

/* "GET, HEAD, POST": the methods of a set, as in an Allow header; in the store. */
char *method_list(method_set set, struct store *store);
