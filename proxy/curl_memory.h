/* The memory that libcurl asks for: some seventy pieces for each request, that would else each be a
 * call of malloc. Each thread keeps its own (slabs.h); a piece may be given back on another thread
 * than it was taken on. */
#pragma once

#include <stddef.h>

/* The five functions of curl_global_init_mem; as malloc, free, realloc, strdup and calloc. */
void *curl_memory_take(size_t size);
void curl_memory_give(void *at);
void *curl_memory_resize(void *at, size_t size);
char *curl_memory_copy(const char *string);
void *curl_memory_take_clear(size_t count, size_t size);

/* Gives all of it back to the system: when libcurl has ended, and no thread but this one. */
void curl_memory_end(void);
