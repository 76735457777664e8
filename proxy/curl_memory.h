/* The memory that libcurl asks for, kept by size and given out again: some seventy pieces for each
 * request, that would else each be a call of malloc. Each thread has its own; a piece may be given
 * back on another thread than it was taken on. */
#pragma once

#include <stddef.h>

/* The five functions of curl_global_init_mem; as malloc, free, realloc, strdup and calloc. */
void *curl_memory_take(size_t size);
void curl_memory_give(void *at);
void *curl_memory_resize(void *at, size_t size);
char *curl_memory_copy(const char *string);
void *curl_memory_take_clear(size_t count, size_t size);

/* Gives what the calling thread has kept back to the system. To be called when it ends. */
void curl_memory_finish(void);
