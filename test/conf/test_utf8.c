#include "conf/utf8.h"

#include <criterion/criterion.h>

#include "test/support/json_reader.h"

Test(utf8, a_character_is_as_long_as_its_first_byte_says)
{
    static const struct {
        struct text text;
        size_t count;
    } cases[] = {
        {{"", 0}, 0},
        {{"\0", 1}, 1},
        {{"ab", 2}, 1},
        {{"\x7f", 1}, 1},
        {{"\x80", 1}, 0},
        {{"\xc1\xbf", 2}, 0},
        {{"\xc2\x80", 2}, 2},
        {{"\xc2", 1}, 0},
        {{"\xc2\x41", 2}, 0},
        {{"\xdf\xbf\xbf", 3}, 2},
        {{"\xe0\x9f\xbf", 3}, 0},
        {{"\xe0\xa0\x80", 3}, 3},
        {{"\xe2\x82", 2}, 0},
        {{"\xe2\x82\x41", 3}, 0},
        {{"\xed\x9f\xbf", 3}, 3},
        {{"\xed\xa0\x80", 3}, 0},
        {{"\xef\xbf\xbf", 3}, 3},
        {{"\xf0\x8f\xbf\xbf", 4}, 0},
        {{"\xf0\x90\x80\x80", 4}, 4},
        {{"\xf4\x8f\xbf\xbf", 4}, 4},
        {{"\xf4\x90\x80\x80", 4}, 0},
        {{"\xf5\x80\x80\x80", 4}, 0},
        {{"\xff", 1}, 0},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        cr_expect_eq(utf8_first(cases[i].text), cases[i].count, "case %zu", i);
}

/* Takes the character in two pieces, cut behind `first` bytes. */
static bool is_whole_cut(struct text text, size_t first)
{
    unsigned state = UTF8_WHOLE;
    size_t count = utf8_take_wide((struct text){.at = text.at, .count = first}, &state);

    if (count == first)
        count += utf8_take_wide((struct text){.at = text.at + first, .count = text.count - first},
                                &state);
    return count == text.count && state == UTF8_WHOLE;
}

/* Every first and second byte, behind them bytes at the edges of what may follow. */
Test(utf8, what_is_well_formed_is_so_in_one_piece_and_in_two)
{
    static const unsigned char edges[] = {0x7f, 0x80, 0xbf, 0xc0};

    for (unsigned i = 0; i < 256 * 256 * 16; i++) {
        char bytes[] = {(char)(i >> 12), (char)(i >> 4), (char)edges[i >> 2 & 3],
                        (char)edges[i & 3]};
        struct text text = {.at = bytes, .count = sizeof bytes};
        size_t count = json_reader_character(text);
        cr_assert_eq(utf8_first(text), count, "%08x", i);
        text.count = count > 0 ? count : 4;
        for (size_t first = 0; (bytes[0] & 0x80) && first <= text.count; first++)
            cr_assert_eq(is_whole_cut(text, first), count > 0, "%08x cut at %zu", i, first);
    }
}

Test(utf8, a_character_that_ascii_breaks_off_is_wrong)
{
    unsigned state = UTF8_WHOLE;

    cr_expect_eq(utf8_take_wide(TEXT("\xc3\xa4\xe2\x82"), &state), 4);
    cr_expect(state != UTF8_WHOLE && state != UTF8_WRONG);
    cr_expect_eq(utf8_take_wide(TEXT("a"), &state), 0);
    cr_expect_eq(state, UTF8_WRONG);
    cr_expect_eq(utf8_take_wide(TEXT("\x82\xac"), &state), 2);
    cr_expect_eq(state, UTF8_WRONG);
}
