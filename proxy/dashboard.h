/* The admin listener's page for people. It is made of the files in proxy/dashboard when the program
 * is built, and asks for nothing but /routes and /requests. */
#pragma once

#include "conf/text.h"

extern const struct text dashboard_page; /* HTML */

/* Its Content-Security-Policy (CSP level 3): what is in the page itself may style it and run. */
extern const struct text dashboard_policy;
