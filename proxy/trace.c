#include "proxy/trace.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <sys/random.h>
#include <sys/types.h>

enum { RECEIVED_ID_MAX = 128 };

static void fetch(struct trace_source *source)
{
    ssize_t count;

    /* So little comes whole or, early in the boot of a machine, not yet (getrandom(2)). */
    static_assert(sizeof(source->numbers) <= 256, "more may come in part");
    do
        count = getrandom(source->numbers, sizeof(source->numbers), 0);
    while (count < 0 && errno == EINTR);
    assert(count == (ssize_t)sizeof(source->numbers));
    source->left = TRACE_NUMBERS;
}

uint64_t trace_random(struct trace_source *source)
{
    if (source->left == 0)
        fetch(source);
    return source->numbers[--source->left];
}

void trace_id_write(struct trace_source *source, char id[static TRACE_ID_LENGTH + 1])
{
    static const char digits[] = "0123456789abcdef";
    uint64_t bits = 0;

    for (size_t i = 0; i < TRACE_ID_LENGTH; i++) {
        if (i % 16 == 0)
            bits = trace_random(source);
        id[i] = digits[bits & 15];
        bits >>= 4;
    }
    id[TRACE_ID_LENGTH] = '\0';
}

/* FNV-1a leaves its high bits too much alike for short texts; the steps behind it (of splitmix64)
 * spread each bit over all others. */
uint32_t trace_lot(struct text id, uint32_t whole)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < id.count; i++)
        hash = (hash ^ (unsigned char)id.at[i]) * UINT64_C(0x100000001b3);
    hash = (hash ^ hash >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    hash = (hash ^ hash >> 27) * UINT64_C(0x94d049bb133111eb);
    hash ^= hash >> 31;
    return (uint32_t)((hash >> 32) * whole >> 32);
}

bool trace_id_is_valid(struct text id)
{
    if (id.count == 0 || id.count > RECEIVED_ID_MAX)
        return false;
    for (size_t i = 0; i < id.count; i++) {
        char byte = id.at[i];
        if (byte <= ' ' || byte > '~' || memchr("\"'\\,", byte, 4))
            return false;
    }
    return true;
}
