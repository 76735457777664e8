/* Where a request's templates get their values from: the client's request, and the calls that are
 * over. */
#pragma once

#include "conf/template.h"

struct exchange;

/* A template_value; arg is a struct exchange. What it gives lies in the request or in the
 * exchange's arena. */
struct text values_get(void *arg, const struct template_part *part);

/* The JSON that the configuration gives for the body of a call that failed; at NULL: none. */
struct text values_fallback(const struct exchange *exchange, size_t call);

/* Fills a template into the exchange's arena, terminated. at is NULL when it cannot be filled: a
 * value is missing, or may not stand there. */
struct text values_fill(struct exchange *exchange, const struct template *template);
