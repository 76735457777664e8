/* JSON as RFC 8259 writes its grammar, a function for each rule: slow, and with nothing of conf/ in
 * it, so that conf/ can be compared with it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "conf/text.h"

bool json_reader_is_value(struct text text);

/* How many bytes the first character has; 0: none that is well-formed UTF-8. */
size_t json_reader_character(struct text text);
