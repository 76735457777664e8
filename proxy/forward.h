/* What goes to an upstream with a call: the request line, the headers, a body of its own. */
#pragma once

#include <stdbool.h>

#include "budget/checked.h"
#include "conf/text.h"
#include "proxy/attempt.h"

struct call;
struct exchange;

/* The order for one call of the exchange, in its arena; and its body, if that is there as a whole
 * (at NULL: it is not, or there is none). False: a template has no value, or one that may not stand there. */
CHECKED bool forward_order(struct exchange *exchange, const struct call *call,
                           struct attempt_order *order, struct text *ret_body);
