/* The one timer of an exchange: armed for the decision that comes next, and only when that is at
 * another time than before. */
#pragma once

#include <event2/event.h>
#include <stdbool.h>

#include "budget/span.h"

struct exchange;

/* arg of on_due will be the exchange. Not armed yet. */
void alarm_init(struct exchange *exchange, event_callback_fn on_due);
void alarm_finish(struct exchange *exchange);

void alarm_arm(struct exchange *exchange, struct instant now);

/* The timer has fired: was it time? It may be a little early. It is not armed any more. */
bool alarm_has_come(struct exchange *exchange, struct instant now);
