/* JSON as it is written into a room (writer.h), value by value. `before` is what comes before a value:
 * its comma, its name and its colon, as they stand there. */
#pragma once

#include "proxy/writer.h"

/* A string (write_quoted). */
void write_json_text(struct writer *writer, const char *before, struct text text);
void write_json_name(struct writer *writer, const char *before, const char *name);

/* In ms, as write_ms_short. */
void write_json_span(struct writer *writer, const char *before, struct span span);

void write_json_count(struct writer *writer, const char *before, uint64_t count);
