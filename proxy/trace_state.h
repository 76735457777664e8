/* What the vendors of a trace have noted in the request's tracestate, for a span of it: the list of
 * W3C Trace Context, section "tracestate Header" (https://www.w3.org/TR/trace-context-1/). Upstreams
 * are sent the header as it came; this is the part of it that a span has. Pure. */
#pragma once

#include <stddef.h>

#include "conf/text.h"

struct header;

enum { TRACE_STATE_MAX = 512 }; /* what everybody should keep at least, in bytes */

/* The list of all headers of that name together, as short as it can be written: those of its members
 * that are valid, the first of each key, at most 32 of them. Where they are more than
 * TRACE_STATE_MAX, those longer than 128 bytes are left out as if they were not there, and then as
 * many at its end as have to be (section "Limits"). Empty: there is none. The text is in room. */
struct text trace_state_read(const struct header *headers, size_t count,
                             char room[static TRACE_STATE_MAX]);
