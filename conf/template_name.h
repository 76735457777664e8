/* What stands in the braces of a template. */
#pragma once

#include "conf/template.h"

/* Writes what a name, without its default, speaks of into part: kind, number and text. Returns
 * NULL, or how the sentence ends. Both are borrowed from the name or lie in the store. */
const char *template_name_parse(struct store *store, const char *name,
                                const struct template_scope *scope, struct template_part *part);
