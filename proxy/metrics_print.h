/* /metrics: what is counted, in the Prometheus text format 0.0.4. */
#pragma once

#include <stdio.h>

#include "proxy/metrics_view.h"

void metrics_print(FILE *out, const struct metrics_view *view);
