#include "conf/store.h"

#include <assert.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One malloc each, so that a sanitizer sees where a piece ends. */
struct store_piece {
    struct store_piece *before;
    max_align_t memory[];
};

void *store_take(struct store *store, size_t size)
{
    assert(size <= SIZE_MAX - sizeof(struct store_piece));
    struct store_piece *piece = calloc(1, sizeof *piece + size);

    assert(piece);
    piece->before = store->last;
    store->last = piece;
    return piece->memory;
}

char *store_copy(struct store *store, const char *from, size_t count)
{
    char *copy = store_take(store, count + 1);

    memcpy(copy, from, count);
    return copy;
}

char *store_string(struct store *store, const char *from)
{
    return store_copy(store, from, strlen(from));
}

char *store_print(struct store *store, const char *format, ...)
{
    char *text;
    va_list arguments;

    va_start(arguments, format);
    int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    assert(length >= 0);
    char *kept = store_copy(store, text, (size_t)length);
    free(text);
    return kept;
}

/* Lists double when their count is a power of two, so no capacity has to be kept. */
void *store_grow(struct store *store, void *list, size_t count, size_t item_size)
{
    if (count > 0 && (count & (count - 1)) != 0)
        return list;
    assert(count <= SIZE_MAX / 2 / item_size);
    size_t room = count == 0 ? 1 : count * 2;
    void *larger = store_take(store, room * item_size);
    if (count > 0)
        memcpy(larger, list, count * item_size);
    return larger;
}

void store_finish(struct store *store)
{
    while (store->last) {
        struct store_piece *piece = store->last;
        store->last = piece->before;
        free(piece);
    }
}
