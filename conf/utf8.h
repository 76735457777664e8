/* UTF-8, looked at one character at a time. */
#pragma once

#include <stddef.h>

#include "conf/text.h"

/* How many bytes the first character has; 0 when there is none, or none that is well formed
 * (RFC 3629: shortest form, no surrogates, up to U+10FFFF). */
size_t utf8_first(struct text text);
