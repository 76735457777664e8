/* The memory of one configuration: taken piece by piece, given back all at once. */
#pragma once

#include <stddef.h>

struct store {
    struct store_piece *last; /* owned: the pieces, chained backwards */
};

/* Zeroed memory that lives as long as the store. Never NULL: a program that cannot get the memory
 * of its configuration stops. */
void *store_take(struct store *store, size_t size);

/* A terminated copy of count bytes, or of a string. */
char *store_copy(struct store *store, const char *from, size_t count);
char *store_string(struct store *store, const char *from);

/* A sentence, written as by printf. */
char *store_print(struct store *store, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A list with room for one more item than `count`, zeroed there: the list itself, or a larger copy
 * of it that takes its place. */
void *store_grow(struct store *store, void *list, size_t count, size_t item_size);

/* Gives everything back. */
void store_finish(struct store *store);
