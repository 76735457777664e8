#include "conf/utf8.h"

#include <stdint.h>

/* A machine whose whole table row for a byte is one word: the six bits from bit `state` on are the
 * state that follows. The row is fetched before the state is known, so a step costs a shift. What
 * no row mentions is wrong: ASCII too, which has no part in a longer character. Unicode, table 3-7,
 * says what may stand behind which first byte; that is where overlong forms, surrogates and numbers
 * too high are kept out. */
enum {
    ONE_MORE = 12,
    TWO_MORE = 18,
    THREE_MORE = 24,
    BEHIND_E0 = 30,
    BEHIND_ED = 36,
    BEHIND_F0 = 42,
    BEHIND_F4 = 48,
};

#define GO(from, to) ((uint64_t)(to) << (from))
#define FOLLOW (GO(ONE_MORE, UTF8_WHOLE) | GO(TWO_MORE, ONE_MORE) | GO(THREE_MORE, TWO_MORE))

static const uint64_t rows[256] = {
    [0x80 ... 0x8f] = FOLLOW | GO(BEHIND_ED, ONE_MORE) | GO(BEHIND_F4, TWO_MORE),
    [0x90 ... 0x9f] = FOLLOW | GO(BEHIND_ED, ONE_MORE) | GO(BEHIND_F0, TWO_MORE),
    [0xa0 ... 0xbf] = FOLLOW | GO(BEHIND_E0, ONE_MORE) | GO(BEHIND_F0, TWO_MORE),
    [0xc2 ... 0xdf] = GO(UTF8_WHOLE, ONE_MORE),
    [0xe0] = GO(UTF8_WHOLE, BEHIND_E0),
    [0xe1 ... 0xec] = GO(UTF8_WHOLE, TWO_MORE),
    [0xed] = GO(UTF8_WHOLE, BEHIND_ED),
    [0xee ... 0xef] = GO(UTF8_WHOLE, TWO_MORE),
    [0xf0] = GO(UTF8_WHOLE, BEHIND_F0),
    [0xf1 ... 0xf3] = GO(UTF8_WHOLE, THREE_MORE),
    [0xf4] = GO(UTF8_WHOLE, BEHIND_F4),
};

static unsigned step(unsigned state, char byte)
{
    return (unsigned)(rows[(unsigned char)byte] >> state & 0x3f);
}

size_t utf8_take_wide(struct text text, unsigned *state)
{
    unsigned now = *state;
    size_t count = 0;

    for (; count < text.count && text.at[count] & 0x80; count++)
        now = step(now, text.at[count]);
    *state = count < text.count && now != UTF8_WHOLE ? UTF8_WRONG : now;
    return count;
}

size_t utf8_first(struct text text)
{
    unsigned state = UTF8_WHOLE;

    if (text.count > 0 && !(text.at[0] & 0x80))
        return 1;
    for (size_t i = 0; i < text.count && state != UTF8_WRONG; i++) {
        state = step(state, text.at[i]);
        if (state == UTF8_WHOLE)
            return i + 1;
    }
    return 0;
}
