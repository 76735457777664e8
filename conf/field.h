/* Setters of header fields: "NAME: format" of budgets, "NAME: value" of calls. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "budget/wire.h"
#include "conf/value.h"

struct wire_list {
    struct wire_field *items;
    size_t count;
    bool is_none; /* told: none */
};

/* A header of a call as written; what its value says is known when the route's calls are. */
struct header_draft {
    char *name;
    char *value;
};

struct header_list {
    struct header_draft *items;
    size_t count;
};

/* These append: the options may be set repeatedly. */
option_set set_budget_header; /* struct wire_list */
option_set set_tell;          /* struct wire_list; none stands alone */
option_set set_call_header;   /* struct header_list */
