/* The line of a request in the log: which requests have one, and what it says. The fields, in their
 * order, are described in hourglass(1), and stay as they are: programs read them. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "proxy/log.h"
#include "proxy/record.h"
#include "proxy/writer.h"

struct peer;

/* Has it a line? One that failed, or was slow, always; of the others those that log-sample chooses
 * by their ids, so that one request is treated alike by every proxy on its way. */
bool request_line_is_due(const struct conf_proxy *conf, const struct record *record);

/* Writes it as logfmt. ended_ms: when the request ended, since 1970. What does not fit is left out;
 * REQUEST_LINE_MAX bytes always suffice, as they do for its JSON. */
enum { REQUEST_LINE_MAX = 16384 };
void request_line_write(struct writer *writer, const struct record *record, int64_t ended_ms);

/* Logs a request that is over, if it has a line. ended_ms: as above. */
void request_line_log(struct log_buffer *log, const struct conf_proxy *conf,
                      const struct record *record, int64_t ended_ms);

/* What was no valid request, and why: a status and a sentence. */
struct request_refusal {
    const struct peer *peer;
    int status;
    const char *why;
};

/* Logs it. It always has a line. */
void request_line_log_refused(struct log_buffer *log, const struct conf_proxy *conf,
                              const struct request_refusal *refusal);
