/* A route to write templates for: its path has {id} and {name}; of its calls session is over, stock
 * and price run now, order comes later, and kept stands in for price. The template is one of
 * stock's. */
#pragma once

#include "conf/template.h"

static const struct text scope_names[] = {{"id", 2}, {"name", 4}};
static const char *const scope_calls[] = {"session", "stock", "price", "order", "kept"};
static const size_t scope_places[] = {0, 1, 2, 3, 2};
static const struct template_scope scope = {
    .names = scope_names,
    .names_count = 2,
    .calls = scope_calls,
    .calls_count = 5,
    .places = scope_places,
    .calls_over = 1,
    .calls_begun = 3,
    .self = 1,
};
