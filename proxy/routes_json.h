/* /routes: what is counted of each route, call and upstream, as one JSON object, for programs that
 * ask again and again and take differences. Described in hourglass(1). */
#pragma once

#include <stdio.h>

#include "proxy/metrics_view.h"

void routes_json_print(FILE *out, const struct metrics_view *view);
