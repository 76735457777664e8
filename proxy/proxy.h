/* The proxy as a whole: built, run, drained, taken down. */
#pragma once

#include "conf/conf.h"

/* Runs until it is stopped by a signal. conf is borrowed. Returns the exit code: 0, or 1 when it
 * could not run, with the reason on stderr. */
int proxy_run(const struct conf *conf);
