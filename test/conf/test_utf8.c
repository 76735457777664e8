#include "conf/utf8.h"

#include <criterion/criterion.h>

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
