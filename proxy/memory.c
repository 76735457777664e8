#include "proxy/memory.h"

#include <stdio.h>
#include <stdlib.h>

void memory_is_missing(void)
{
    fputs("hourglass: out of memory\n", stderr);
    abort();
}

void *memory_take(size_t bytes)
{
    void *taken = malloc(bytes);

    if (!taken && bytes > 0)
        memory_is_missing();
    return taken;
}

void *memory_take_clear(size_t count, size_t bytes_each)
{
    void *taken = calloc(count, bytes_each);

    if (!taken && count > 0 && bytes_each > 0)
        memory_is_missing();
    return taken;
}

void *memory_resize(void *at, size_t bytes)
{
    void *resized = realloc(at, bytes);

    if (!resized && bytes > 0)
        memory_is_missing();
    return resized;
}
