/* /requests of the admin listener: the requests that have ended lately, as JSON. */
#pragma once

#include <stdio.h>

#include "conf/text.h"

struct admin;

/* {"time_ms": now, since 1970, "kept": how many there are to choose from, "skipped": how many were
 * not kept since a reader was in the way, "requests": [those asked for]}. query: any of route, outcome,
 * reason, whose, call, would, id, limit and worst, each once. 400 and a sentence where it is anything else. */
int recent_page_print(const struct admin *admin, struct text query, FILE *out);
