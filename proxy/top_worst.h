/* The part of what `hourglass top` shows that tells of single requests: the worst ones. */
#pragma once

#include "proxy/top_canvas.h"
#include "proxy/top_sample.h"

/* Each has one row. In a narrow window (80 columns) the begin of its id still fits, which is enough to
 * find it in the log. */
void top_worst_draw(const struct top_requests *worst, struct top_canvas *canvas);
