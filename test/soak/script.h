/* What one side of a connection is going to send: bytes, with pauses between them, and how it ends.
 *
 * A phrase is a text in which @ and a letter stand for:
 *   @t the token         @n its size                  @| a pause of wait_ms
 *   @b so many bytes     @h the first half of them    @r the other half
 *   @c the bytes in chunks, with an extension and a trailer
 *   @f 300 header lines  @w 64 KiB of letters         @0 a NUL */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum script_end { SCRIPT_STAYS, SCRIPT_HALF_CLOSES, SCRIPT_CLOSES, SCRIPT_RESETS };

enum { SCRIPT_STOPS_MAX = 4 };

struct script {
    char *bytes; /* owned */
    size_t count;
    size_t room;
    struct {
        size_t at;
        int ms;
    } stops[SCRIPT_STOPS_MAX];
    size_t stops_count;
    size_t piece; /* so many bytes at a time, and then a pause; 0: as they go */
    int pause_ms;
    enum script_end end;
};

struct script_values {
    uint32_t token;
    size_t size;
    int wait_ms;
};

/* A script starts as zeros. */
void script_add(struct script *script, const char *bytes, size_t count);
void script_add_text(struct script *script, const char *text);
void script_add_phrase(struct script *script, const char *phrase,
                       const struct script_values *values);

/* The filler of a token, from one offset to another. */
void script_add_filler(struct script *script, uint32_t token, size_t from, size_t to);
void script_add_chunks(struct script *script, uint32_t token, size_t size);

/* A pause at what is the end so far; more than SCRIPT_STOPS_MAX are left out. */
void script_pause(struct script *script, int ms);

/* Ends it after so many bytes, if it has more. */
void script_cut(struct script *script, size_t count, enum script_end end);

void script_finish(struct script *script);
