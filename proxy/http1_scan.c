#include "proxy/http1_scan.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static const uint64_t ONES = 0x0101010101010101u;

/* For each byte of word below 0x20 or equal to 0x7f, its top bit; on a little-endian machine the
 * first that is set is the first such byte, or, rarely, '~' after a byte 0xff. */
static inline uint64_t control_bits(uint64_t word)
{
    return ((word - ONES * 0x20) | (word + ONES)) & ~word & (ONES * 0x80);
}

static bool is_control(char byte)
{
    return (unsigned char)byte < 0x20 || byte == 0x7f;
}

/* The place of the first control character in bytes[at..count), or count. */
static size_t find_control(const char *bytes, size_t at, size_t count)
{
    while (at + sizeof(uint64_t) <= count) {
        uint64_t word;
        uint64_t bits;

        memcpy(&word, bytes + at, sizeof(word));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        word = __builtin_bswap64(word);
#endif
        bits = control_bits(word);
        if (!bits) {
            at += sizeof(word);
            continue;
        }
        at += (size_t)__builtin_ctzll(bits) >> 3;
        if (is_control(bytes[at]))
            return at;
        at++;
    }
    while (at < count && !is_control(bytes[at]))
        at++;
    return at;
}

/* A tab may stand in the value of a header line, which begins after its colon. */
static bool is_in_value(const struct http1_scan *scan, const char *bytes, size_t at)
{
    return scan->lines > 0 && at > scan->line &&
           memchr(bytes + scan->line, ':', at - scan->line) != NULL;
}

/* The line bytes[scan->line..end) has ended. */
static enum scan_result end_line(struct http1_scan *scan, const char *bytes, size_t end)
{
    char first = bytes[scan->line];

    scan->at = end + 2;
    if (end == scan->line)
        return SCAN_COMPLETE;
    if (first == ' ' && scan->lines > 0) /* a folded line; a tab was refused already */
        return SCAN_INVALID;
    if (scan->lines == 0)
        scan->first_line = end;
    else if (scan->lines > HTTP1_HEADERS_MAX)
        return SCAN_MANY;
    scan->lines++;
    scan->line = scan->at;
    return SCAN_MORE;
}

enum scan_result http1_scan(struct http1_scan *scan, const char *bytes, size_t count)
{
    while (scan->at < count) {
        size_t at = find_control(bytes, scan->at, count);
        enum scan_result result;

        scan->at = at;
        if (at == count)
            break;
        if (bytes[at] == '\t' && is_in_value(scan, bytes, at)) {
            scan->at++;
            continue;
        }
        if (bytes[at] != '\r')
            return SCAN_INVALID;
        if (at + 1 == count)
            break;
        if (bytes[at + 1] != '\n')
            return SCAN_INVALID;
        result = end_line(scan, bytes, at);
        if (result != SCAN_MORE)
            return result;
    }
    return SCAN_MORE;
}
