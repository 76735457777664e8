/* What `hourglass top` shows: the time between two samples as tables. */
#pragma once

#include "proxy/top_canvas.h"
#include "proxy/top_sample.h"

struct top_view {
    const struct top_sample
        *before; /* borrowed; may be the same as now: then nothing has happened */
    const struct top_sample *now;
    const struct top_requests *worst;
    const char *address; /* of the admin listener */
    const char *fault;   /* why there is no newer sample; NULL: there is */
};

void top_view_draw(const struct top_view *view, struct top_canvas *canvas);
