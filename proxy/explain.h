/* `hourglass explain`: what would be done with a request, without doing it. */
#pragma once

#include <stdint.h>
#include <stdio.h>

#include "budget/span.h"
#include "conf/conf.h"

struct explain_question {
    const char *method;
    const char *target;        /* as in the request line */
    const struct span *budget; /* what the client brings; NULL: nothing */
    int64_t realtime_ms;       /* when the request begins: for upstreams that are told an instant */
};

/* Prints how the proxy would refuse the request, or which route answers it and how: its plan, what
 * each call is granted, tried again and told, and when the 504 comes. For people. */
void explain_print(const struct conf *conf, const struct explain_question *question, FILE *out);

/* The same facts as one JSON document, whose members hourglass(1) names. */
void explain_print_json(const struct conf *conf, const struct explain_question *question,
                        FILE *out);
