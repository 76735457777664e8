/* Proxy-Status (RFC 9209): for programs, what the proxy has met with on behalf of a request. How much
 * of it a client is told is for account_exposes to say; what kind of error it was, anybody. */
#pragma once

#include "budget/span.h"
#include "conf/text.h"

struct exchange;

/* Of a problem of the proxy's own, by exchange->status, reason and blamed:
 * hourglass; error=http_response_timeout; next-hop="stock-db"; details="stock: 300 of 300 ms"
 * In the exchange's arena. */
struct text proxy_status_of_problem(struct exchange *exchange, struct instant now);

/* Of an upstream's response that the client gets as it is, though it is an error (500 or more), or
 * not that of the call that was to answer: whose it is. Else, and for those who may not know, none.
 * hourglass; next-hop="users"; received-status=401; details="session: 31 of 200 ms"
 * In the exchange's arena. */
struct text proxy_status_of_answer(struct exchange *exchange, struct instant now);
