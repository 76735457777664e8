/* What goes to an upstream with a call: the request line and the headers. */
#pragma once

#include "proxy/attempt.h"

struct call;
struct exchange;

/* The order for one call of the exchange, in its arena. */
struct attempt_order forward_order(struct exchange *exchange, const struct call *call);
