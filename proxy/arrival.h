/* A request becomes an exchange: who sent it, which route it takes, what time it brings. */
#pragma once

#include <stdbool.h>

#include "budget/checked.h"
#include "budget/span.h"

struct call_events;
struct client;
struct exchange;
struct request;
struct worker;

/* An exchange in PHASE_ARRIVED, in the worker's list. It owns its memory; exchange.c ends it. */
struct exchange *arrival_create(struct worker *worker, struct client *client,
                                const struct request *request);

/* NULL with the route in place; or why there is none, with status and ending set, and for 405 what
 * is allowed. From here on the request is in flight: of its route, or of none. */
CHECKED const char *arrival_find_route(struct exchange *exchange, const char **ret_allow);

/* As on_half_closed in client.h: the setting of its route. A request without a route has been
 * answered, and ends with its client. */
bool arrival_on_half_closed(void *exchange, struct instant now);

/* Reads what the client says it will wait, opens the plan, and makes the calls ready. NULL, or why
 * the request is refused for what it said. */
CHECKED const char *arrival_open_plan(struct exchange *exchange, const struct call_events *events,
                                      struct instant now);
