/* The target of a request (RFC 9112 section 3.2) and the authority in it or in Host. Pure. */
#pragma once

#include <stdbool.h>

#include "budget/checked.h"
#include "conf/text.h"
#include "proxy/client.h"

/* Fills in path, query, has_query and, for an absolute target, host from request's method and
 * target. False: not a target, or not one for that method. */
CHECKED bool http1_target_read(struct request *request);

/* Is it a host with or without a port (RFC 3986 section 3.2), without user information? Empty is
 * one, as in a Host that names none. */
bool http1_host_is_valid(struct text host);

/* Is it a token (RFC 9110 section 5.6.2)? */
bool http1_is_token(struct text text);
