/* Spans of a request as OTLP/JSON (https://opentelemetry.io/docs/specs/otlp/, "JSON Protobuf
 * Encoding"): ids are hex digits, 64-bit integers are strings, enums are numbers. What HTTP is in
 * them is named as OpenTelemetry's stable semantic conventions for HTTP spans say; what they know of
 * the budget begins with "hourglass.". Pure. */
#pragma once

#include <stdint.h>

#include "proxy/record.h"
#include "proxy/trace_notes.h"
#include "proxy/writer.h"

/* Room that one span, or the head, always fits into. Longer paths are shortened. */
enum { OTLP_ROOM = 16384 };

/* What comes before the first span of a message, and behind the last. Between two is a comma. */
void otlp_write_head(struct writer *writer, const char *service);
void otlp_write_tail(struct writer *writer);

/* The span of the request itself, of one that has notes: kind SERVER. epoch_ns: the zero of the
 * monotonic clock, in nanoseconds since 1970. */
void otlp_write_request(struct writer *writer, const struct record *record, int64_t epoch_ns);

/* The span of one of its attempts: kind CLIENT, a child of that. */
void otlp_write_attempt(struct writer *writer, const struct record *record,
                        const struct trace_attempt *attempt, int64_t epoch_ns);
