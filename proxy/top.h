/* `hourglass top`: what goes on in a hourglass that runs, seen through its admin listener. */
#pragma once

#include <stdbool.h>

#include "budget/checked.h"
#include "budget/span.h"
#include "conf/conf.h"

struct top_options {
    const struct conf_address *address; /* borrowed: the admin listener */
    struct span interval;               /* between two looks */
    bool is_once;                       /* prints one table, and no more */
};

/* Returns the exit code: 0 when it was told to end, 1 when the admin listener cannot be asked at the
 * start (a sentence goes to stderr), 2 when a terminal is needed and there is none. A signal that ends
 * it ends the process, with the terminal as it was. */
CHECKED int top_run(const struct top_options *options);
