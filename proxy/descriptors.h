/* How many descriptors the process may open, and who gets them. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "budget/checked.h"
#include "conf/conf.h"

/* A proxy needs a descriptor for each end of each request: takes all that the system allows.
 * *max_connections: how many clients may then be connected; if that is fewer than configured, a
 * sentence on stderr says so. False: there are not even enough to start, which stderr says too. */
CHECKED bool descriptors_raise(const struct conf *conf, size_t workers_count,
                               unsigned *max_connections);
