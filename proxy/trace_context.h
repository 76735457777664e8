/* To which trace a request belongs, and how that is said: the headers traceparent and tracestate of
 * W3C Trace Context (https://www.w3.org/TR/trace-context-1/). */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "budget/checked.h"
#include "conf/text.h"
#include "proxy/trace.h"

struct header;

enum { TRACE_PARENT_LENGTH = 55, TRACE_SPAN_LENGTH = 16 };

struct trace_context {
    char id[TRACE_ID_LENGTH + 1];       /* lower case hex digits, terminated */
    char parent[TRACE_SPAN_LENGTH + 1]; /* who called us: likewise; empty: the trace begins here */
    bool is_sampled;                    /* who called us, or we, may record their part of it */
    bool is_given;                      /* it came with the request, and so its tracestate holds */
};

/* Reads the value of a traceparent. One of a higher version is read as far as ours goes (section
 * "Versioning of traceparent"). False: it is not valid, and context is as it was. */
CHECKED bool trace_context_read(struct trace_context *context, struct text value);

/* The trace of a request with these headers: the one that its traceparent names. Where it has none,
 * or several, or one that is not valid, a trace begins here. Nobody has recorded anything of that
 * one, so it is not sampled until somebody decides to (section "Sampled flag"). */
struct trace_context trace_context_of(const struct header *headers, size_t count,
                                      struct trace_source *source);

/* A fresh parent id, which is the id of a span: digits, not all of them zero, terminated. */
void trace_span_write(struct trace_source *source, char id[static TRACE_SPAN_LENGTH + 1]);

/* Writes the value of a traceparent, not terminated, in version 00, with the parent id of what is
 * about to be sent. All flags but sampled are zero (section "Other flags"). */
void trace_context_write(const struct trace_context *context,
                         const char parent[static TRACE_SPAN_LENGTH],
                         char text[static TRACE_PARENT_LENGTH]);
