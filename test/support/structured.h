/* Structured fields, as RFC 8941 has them. */
#pragma once

#include <stdbool.h>

/* Is it a list of tokens (section 3.1), each with its parameters, of which the values are integers,
 * decimals, tokens or strings? */
bool structured_is_list(const char *field);
