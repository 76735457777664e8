/* Bytes on an upstream's connection that are for nobody. Those behind the response that has just
 * ended must not meet the next request; those of a request that was given up need not arrive. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "budget/checked.h"

/* Has more come than the response, which had so many bytes (-1: it is not known)? used: how many had
 * come on the connection before it; set to how many have come with it. */
CHECKED bool leftovers_are_there(int fd, int64_t response_bytes, uint64_t *used);

/* Before a connection is closed: what still waits to be sent goes nowhere. An upstream that does not
 * read would else not learn of the end before it has read all that came before it. */
void leftovers_drop(int fd);
