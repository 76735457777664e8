/* Private to json_check.c and json_find.c: what is skipped without a look at each byte. Eight bytes
 * are looked at in one 64-bit word, in which a byte is marked, by any of its bits, if it does not
 * belong to the run. A sum may carry from a marked byte into higher ones, so only the lowest mark is
 * sure; that is the one at which the run ends. */
#pragma once

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* What is left of a piece. */
struct json_rest {
    const char *at;
    const char *end;
};

/* Eight times the same byte. */
#define EIGHT(byte) (UINT64_C(0x0101010101010101) * (byte))
#define HIGH_BITS EIGHT(0x80)

static inline bool json_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static inline uint64_t json_mark_digits(uint64_t eight)
{
    uint64_t digits = eight ^ EIGHT('0');

    return ((digits + EIGHT(0x80 - 10)) | digits) & HIGH_BITS;
}

/* ASCII that stands for itself in a string. The other bytes are marked along with the quotes or the
 * backslashes: none differs from both of these in nothing but the highest bit. */
static inline bool json_is_plain_byte(char c)
{
    return (signed char)c >= ' ' && c != '"' && c != '\\';
}

static inline uint64_t json_mark_plain(uint64_t eight)
{
    uint64_t quotes = (eight ^ EIGHT('"')) - EIGHT(1);
    uint64_t backslashes = (eight ^ EIGHT('\\')) - EIGHT(1);
    uint64_t controls = eight - EIGHT(' ');

    return (quotes | backslashes | controls) & HIGH_BITS;
}

static inline bool json_is_space(char c)
{
    return c == ' ';
}

static inline uint64_t json_mark_spaces(uint64_t eight)
{
    return eight ^ EIGHT(' ');
}

static inline void json_skip_run(struct json_rest *rest, bool (*belongs)(char),
                                 uint64_t (*mark)(uint64_t))
{
    for (; rest->end - rest->at >= 8; rest->at += 8) {
        uint64_t eight;
        memcpy(&eight, rest->at, sizeof eight);
        uint64_t marks = mark(le64toh(eight)); /* the first byte is the lowest */
        if (marks) {
            rest->at += __builtin_ctzll(marks) / 8;
            return;
        }
    }
    while (rest->at < rest->end && belongs(rest->at[0]))
        rest->at++;
}
