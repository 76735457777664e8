/* What a collector's answer to a message of spans means (OTLP/HTTP, sections "Full Success", "Partial
 * Success" and "Failures"). Pure. */
#pragma once

#include <stddef.h>

#include "conf/text.h"

enum otlp_verdict {
    OTLP_TAKEN,
    OTLP_AGAIN,   /* the same message may be sent again, later */
    OTLP_REFUSED, /* it may not */
};

/* status: 0, when there was no answer. */
enum otlp_verdict otlp_verdict_of(int status);

/* How many of so many spans the body of an answer that took them says were not taken. None, when it
 * does not say so, or is no such body. */
size_t otlp_rejected(struct text body, size_t spans);
