/* Each request of the soak has a number of its own, its token: "~0000001a". It is the request's id,
 * stands in its target, and fills its body and the body of the answer to it, so that bytes that
 * belong to another request are seen wherever they turn up. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "budget/checked.h"

enum { TOKEN_LENGTH = 9 };

/* In bytes that only somebody who was led to misread the framing would take for a message. */
enum { TOKEN_SMUGGLED = 0x7fffffff };

void token_write(char text[static TOKEN_LENGTH + 1], uint32_t token);

/* False: text does not begin with a token. */
CHECKED bool token_read(const char *text, uint32_t *ret_token);

/* Is each token that stands in these bytes this one? */
CHECKED bool token_owns(uint32_t token, const char *bytes, size_t count);
