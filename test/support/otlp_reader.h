/* A collector's view of a message of spans: OTLP/JSON as its specification and trace.proto have it,
 * and nothing besides. Fails the test at whatever is not so. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/text.h"

enum { OTLP_SPANS_MAX = 4096 };

/* One span. Texts are as they are written, without quotes, and borrowed from the message. */
struct otlp_span {
    struct text trace;
    struct text id;
    struct text parent; /* empty: none */
    struct text state;  /* likewise */
    struct text name;
    struct text attributes; /* the JSON array */
    int kind;               /* 2: server, 3: client */
    int flags;
    int code; /* of the status; 0: unset */
    uint64_t begun_ns;
    uint64_t ended_ns;
};

/* Reads a message whole. service: what it must be said to come from. Returns how many spans there
 * are; they are in spans, which has room for OTLP_SPANS_MAX. */
size_t otlp_read(const char *message, const char *service, struct otlp_span *spans);

/* The value of an attribute, strings without their quotes; at NULL: the span has none of that key. */
struct text otlp_attribute(const struct otlp_span *span, const char *key);

/* Is the attribute there, and says this? */
bool otlp_says(const struct otlp_span *span, const char *key, const char *value);
