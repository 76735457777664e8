/* Memory, or the end of the program with a sentence. A proxy that goes on without some of what it
 * asked for is worse than one that ends and is started again: libcurl then sends a request without
 * its target or its method, and libevent waits for nothing. */
#pragma once

#include <stddef.h>

/* As malloc, calloc and realloc, for free(); never NULL, but for no bytes. */
void *memory_take(size_t bytes);
void *memory_take_clear(size_t count, size_t bytes_each);
void *memory_resize(void *at, size_t bytes);

/* What else could not be made for want of memory. */
_Noreturn void memory_is_missing(void);
