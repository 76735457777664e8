/* Memory that a test shares with the programs it starts. A library that is loaded before theirs
 * reads there what it has to do. */
#pragma once

#include <stddef.h>

/* All programs that this process starts from here on load this library first. One board at a time.
 * Owned by the caller, all zeros; NULL when it cannot be made. */
void *board_open(const char *library, size_t size);
void board_close(void *board, size_t size);

/* The library's side: the board that the program was started with, or NULL. */
void *board_find(size_t size);
