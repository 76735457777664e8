#include "conf/utf8.h"

/* The least and the most that the second byte may be behind this first one (Unicode, table 3-7):
 * that is where overlong forms, surrogates and numbers too high are kept out. */
static bool second_is_right(unsigned char first, unsigned char second)
{
    unsigned char least = 0x80;
    unsigned char most = 0xbf;

    if (first == 0xe0)
        least = 0xa0;
    else if (first == 0xf0)
        least = 0x90;
    else if (first == 0xed)
        most = 0x9f;
    else if (first == 0xf4)
        most = 0x8f;
    return second >= least && second <= most;
}

static size_t count_by_first(unsigned char first)
{
    if (first < 0x80)
        return 1;
    if (first < 0xc2 || first > 0xf4)
        return 0;
    return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

size_t utf8_first(struct text text)
{
    if (text.count == 0)
        return 0;
    unsigned char first = (unsigned char)text.at[0];
    size_t count = count_by_first(first);

    if (count > text.count || (count > 1 && !second_is_right(first, (unsigned char)text.at[1])))
        return 0;
    for (size_t i = 2; i < count; i++) {
        if (((unsigned char)text.at[i] & 0xc0) != 0x80)
            return 0;
    }
    return count;
}
