/* The calls of one exchange, together. An exchange without a route has none, which is fine. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "budget/checked.h"
#include "budget/plan.h"
#include "budget/span.h"

struct call;
struct exchange;

/* Starts those of the step that the ledger has running; the client's body is asked for when it is
 * wanted. One of them may have ended already when it returns. */
void calls_start(struct exchange *exchange, struct step_policy step, struct instant now);

/* Does the request fail with this call, or with the one that it stands in for? */
bool calls_is_required(const struct exchange *exchange, size_t call);

/* Did this call of a step leave a gap: was it optional, and has no good answer, nor who stands in? */
bool calls_left_gap(const struct exchange *exchange, size_t call);

/* Cancels all that are under way but one (NULL: all), and drops what they have brought. */
void calls_cancel(struct exchange *exchange, const struct call *but, struct instant now);

/* Ends those whose time is over. */
void calls_expire(struct exchange *exchange, struct instant now);

/* When the first of them is due. */
struct instant calls_due(const struct exchange *exchange);

/* The first that is under way; NO_CALL when none is. */
int calls_running(const struct exchange *exchange);

/* The reply may begin when nothing can make it untrue any more: the head of the answer has come,
 * and every call beside it has ended. Not when it is too late for it, which the alarm will say. */
bool calls_allow_reply(const struct exchange *exchange, struct instant now);
