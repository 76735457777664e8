/* The header Retry-After of a response (RFC 9110 section 10.2.3). Pure. */
#pragma once

#include <stdint.h>

#include "budget/span.h"
#include "conf/text.h"

/* How long it asks to wait: a number of seconds, or an HTTP date from which realtime_ms, the wall
 * clock, is taken. Nothing when it cannot be read. */
struct span retry_after_read(struct text value, int64_t realtime_ms);
