/* A request that is over, as a JSON object (RFC 8259): the same for the log and for /requests. */
#pragma once

#include <stdint.h>

#include "proxy/record.h"
#include "proxy/writer.h"

/* Writes it on one line. ended_ms: when it ended, since 1970. Times end in _ms and are numbers,
 * exact to the microsecond; what is not known is left out. Text of clients holds visible ASCII
 * only: other bytes become '?'. What does not fit is left out, and remembered by the writer. */
void record_json_write(struct writer *writer, const struct record *record, int64_t ended_ms);
