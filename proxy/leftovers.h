/* Bytes on an upstream's connection that are no part of the response that has just ended: nobody has
 * asked for them, and they must not meet the next request. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "budget/checked.h"

/* Has more come than the response, which had so many bytes (-1: it is not known)? used: how many had
 * come on the connection before it; set to how many have come with it. */
CHECKED bool leftovers_are_there(int fd, int64_t response_bytes, uint64_t *used);
