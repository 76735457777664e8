/* What an admin listener says to `hourglass top`, played by an origin. */
#pragma once

#include "test/support/origin.h"

/* Two looks at /routes, one second apart: between them route order had 10 requests, of which two were
 * answered 504 after 1000 ms, and each of its calls db was granted 500 ms,
 * one of which was answered 100 to 1000 ms after that; no route took five; and the proxy was late once,
 * by 100 to 1000 ms. */
extern const char TOP_ROUTES_BEFORE[];
extern const char TOP_ROUTES_AFTER[];
extern const char TOP_REQUESTS[];

/* Answers /routes with these two, the second from its second time on, and /requests. */
struct origin *top_pages_start(void);
