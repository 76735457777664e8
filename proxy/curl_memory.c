#include "proxy/curl_memory.h"

#include <stdlib.h>
#include <string.h>

#include "proxy/memory.h"
#include "proxy/slabs.h"

/* Under the address sanitizer everything comes from the system, so that it sees each use of freed
 * memory. */
#if defined(__SANITIZE_ADDRESS__)
enum { KEEPS = 0 };
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
enum { KEEPS = 0 };
#else
enum { KEEPS = 1 };
#endif
#else
enum { KEEPS = 1 };
#endif

static _Thread_local struct slabs mine;

void *curl_memory_take(size_t size)
{
    if (!KEEPS)
        return memory_take(size > 0 ? size : 1);
    return slabs_take(&mine, size);
}

void curl_memory_give(void *at)
{
    if (!KEEPS)
        free(at);
    else if (at)
        slabs_give(&mine, at);
}

void *curl_memory_resize(void *at, size_t size)
{
    if (!KEEPS)
        return memory_resize(at, size > 0 ? size : 1);
    size_t room = at ? slabs_bytes(at) : 0;
    if (at && size <= room)
        return at;
    void *larger = slabs_take(&mine, size);
    if (!larger || !at)
        return larger;
    memcpy(larger, at, room);
    slabs_give(&mine, at);
    return larger;
}

char *curl_memory_copy(const char *string)
{
    size_t size = strlen(string) + 1;
    char *copy = curl_memory_take(size);

    return copy ? memcpy(copy, string, size) : NULL;
}

void *curl_memory_take_clear(size_t count, size_t size)
{
    size_t whole;

    if (__builtin_mul_overflow(count, size, &whole))
        return NULL;
    void *piece = curl_memory_take(whole);
    return piece ? memset(piece, 0, whole) : NULL;
}

void curl_memory_end(void)
{
    slabs_end();
}
