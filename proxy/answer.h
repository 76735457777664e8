/* The reply that is not a problem: an upstream's response, or merged from several. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "budget/checked.h"
#include "budget/span.h"

struct exchange;

enum answer_progress {
    ANSWER_GOES_ON, /* more will come, or the client must first take what there is */
    ANSWER_WHOLE,   /* all of it was queued */
    ANSWER_BROKEN,  /* what is missing will never come */
};

/* Begins the reply: the response of exchange->answer, or without one the merge of all calls. What
 * the request ends as is settled by it. Queued, not sent. */
void answer_begin(struct exchange *exchange, struct instant now);

/* Sends what there is and the client takes; nothing once the budget is over. */
CHECKED enum answer_progress answer_go_on(struct exchange *exchange, struct instant now);

/* Is all of it with the client, by the length that the client was told, though its call has yet to say
 * that it has ended? Then it cannot be broken off any more. */
CHECKED bool answer_is_out(const struct exchange *exchange);

/* It is broken off: if that is the fault of the call that it comes from, the request is told why. */
void answer_blame(struct exchange *exchange);
