/* Small pieces of a value: names, tokens, items of a list. */
#pragma once

#include <stdbool.h>

#include "budget/checked.h"
#include "conf/store.h"

/* A name given in the file: letters, digits, - and _, at most 32 bytes, since it goes into headers
 * and metrics. Returns NULL, or how the sentence "the name ..." ends. */
const char *name_fault(const char *name);

/* A token of HTTP (RFC 9110 section 5.6.2). */
bool token_is(const char *text);

bool is_blank(char c);

/* The next item of a list, without blanks around it, copied to the store; rest moves behind the
 * separator and becomes NULL after the last item. */
char *items_next(const char **rest, char separator, struct store *store);
