#include "proxy/curl_memory.h"

#include <stdalign.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/memory.h"

/* Sizes are powers of two from LEAST on; larger pieces come from the system and go back there. */
enum { LEAST = 32, CLASSES = 11, NO_CLASS = CLASSES, KEPT_MAX = 4 * 1024 * 1024 };

/* Stands in front of each piece. */
struct piece {
    alignas(max_align_t) struct piece *next; /* while it is kept */
    size_t size;                             /* of what follows */
    unsigned class;
};

static _Thread_local struct {
    struct piece *free[CLASSES];
    size_t kept; /* bytes */
} mine;

/* Under the address sanitizer nothing is kept, so that it sees each use of freed memory. */
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

static unsigned class_of(size_t size)
{
    unsigned class = 0;

    while (class < CLASSES && (size_t)LEAST << class < size)
        class ++;
    return class;
}

static struct piece *piece_create(size_t size, unsigned class)
{
    size_t room = class == NO_CLASS || !KEEPS ? size : (size_t)LEAST << class;
    struct piece *piece;

    if (room > SIZE_MAX - sizeof *piece)
        return NULL;
    piece = memory_take(sizeof *piece + room);
    piece->size = room;
    piece->class = class;
    return piece;
}

void *curl_memory_take(size_t size)
{
    unsigned class = class_of(size);
    struct piece *piece = class == NO_CLASS ? NULL : mine.free[class];

    if (piece) {
        mine.free[class] = piece->next;
        mine.kept -= piece->size;
    } else {
        piece = piece_create(size, class);
    }
    return piece ? piece + 1 : NULL;
}

void curl_memory_give(void *at)
{
    struct piece *piece = at;

    if (!piece)
        return;
    piece--;
    if (!KEEPS || piece->class == NO_CLASS || mine.kept + piece->size > KEPT_MAX) {
        free(piece);
        return;
    }
    piece->next = mine.free[piece->class];
    mine.free[piece->class] = piece;
    mine.kept += piece->size;
}

void *curl_memory_resize(void *at, size_t size)
{
    struct piece *piece = at;

    if (!piece)
        return curl_memory_take(size);
    if (size <= piece[-1].size)
        return at;
    void *larger = curl_memory_take(size);
    if (!larger)
        return NULL;
    memcpy(larger, at, piece[-1].size);
    curl_memory_give(at);
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

void curl_memory_finish(void)
{
    for (unsigned class = 0; class < CLASSES; class ++) {
        for (struct piece *next, *piece = mine.free[class]; piece; piece = next) {
            next = piece->next;
            free(piece);
        }
        mine.free[class] = NULL;
    }
    mine.kept = 0;
}
