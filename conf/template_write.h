/* One value of a template, written as its place wants it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "budget/checked.h"
#include "conf/template.h"
#include "conf/text.h"

/* Appends bytes as they are; false when they do not fit. */
CHECKED bool template_append(struct template_filling *filling, struct text text);

/* Appends a value in the place of part. What it says about `.` and `..` and nothing at all in a
 * path is for the caller to see, who knows what stands around it. */
CHECKED enum template_result template_write(struct template_filling *filling,
                                            const struct template_part *part, struct text value);
