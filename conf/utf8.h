/* UTF-8 (RFC 3629), looked at one character at a time or as it comes. */
#pragma once

#include <stddef.h>

#include "conf/text.h"

/* How many bytes the first character has; 0 when there is none, or none that is well formed
 * (RFC 3629: shortest form, no surrogates, up to U+10FFFF). */
size_t utf8_first(struct text text);

/* Where text that comes in pieces is cut inside a character there are more states than these. */
enum { UTF8_WRONG = 0, UTF8_WHOLE = 6 };

/* Takes the bytes before the first one of ASCII and returns how many they are. *state is UTF8_WHOLE
 * before, and again when these are whole characters; any other but UTF8_WRONG asks for the next
 * piece. UTF8_WRONG stays. */
size_t utf8_take_wide(struct text text, unsigned *state);
