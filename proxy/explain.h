/* `hourglass explain`: what would be done with a request, without doing it. */
#pragma once

#include <stdio.h>

#include "budget/span.h"
#include "conf/conf.h"

struct explain_question {
    const char *method;
    const char *target;        /* path, with or without a query */
    const struct span *budget; /* NULL: the route's default */
};

/* Prints which route answers and, as a table, what each call would be granted if all before it used
 * everything or nothing, and when the 504 would come. False: no route answers; that was printed. */
bool explain_print(const struct conf *conf, const struct explain_question *question, FILE *out);
