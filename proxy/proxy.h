/* The proxy as a whole: built, run, drained, taken down. */
#pragma once

#include <sys/types.h>

#include "conf/conf.h"

/* Runs until it is stopped by a signal, or replaced. conf is borrowed. replaced: the process whose
 * listening sockets it takes over, and which it tells to stop as soon as it serves itself; 0: none.
 * Returns the exit code: 0, or 1 when it could not run, with the reason on stderr. */
int proxy_run(const struct conf *conf, pid_t replaced);
