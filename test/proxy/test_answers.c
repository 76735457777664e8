/* What an upstream may answer, and what it may not: each by several ways to the client, at once and
 * byte by byte, with a request right behind it that must get its own answer. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "test/support/answers.h"

TestSuite(answers, .timeout = 600);

Test(answers, that_are_well_formed_pass_through)
{
    answers_check("/plain/it", ANSWERS_AT_ONCE, ANSWERS_WHOLE);
}

Test(answers, that_are_well_formed_arrive_where_their_first_part_is_held_back)
{
    answers_check("/held/it", ANSWERS_AT_ONCE, ANSWERS_WHOLE);
}

Test(answers, that_are_well_formed_become_part_of_a_page)
{
    answers_check("/page/it", ANSWERS_AT_ONCE, ANSWERS_WHOLE);
}

Test(answers, that_come_byte_by_byte_are_the_same_answers)
{
    answers_check("/plain/it", ANSWERS_BYTE_BY_BYTE, ANSWERS_WHOLE);
}

Test(answers, whose_head_is_broken_are_a_502)
{
    answers_check("/plain/it", ANSWERS_AT_ONCE, ANSWERS_BROKEN);
    answers_check("/held/it", ANSWERS_AT_ONCE, ANSWERS_BROKEN);
    answers_check("/page/it", ANSWERS_AT_ONCE, ANSWERS_BROKEN);
    answers_check("/filled/it", ANSWERS_AT_ONCE, ANSWERS_BROKEN);
}

Test(answers, whose_head_is_broken_are_a_502_when_they_come_byte_by_byte)
{
    answers_check("/plain/it", ANSWERS_BYTE_BY_BYTE, ANSWERS_BROKEN);
}

Test(answers, whose_body_is_broken_are_visibly_cut)
{
    answers_check("/plain/it", ANSWERS_AT_ONCE, ANSWERS_CUT);
    answers_check("/plain/it", ANSWERS_BYTE_BY_BYTE, ANSWERS_CUT);
}

Test(answers, whose_body_is_broken_are_a_502_where_nothing_has_gone_yet)
{
    answers_check("/held/it", ANSWERS_AT_ONCE, ANSWERS_CUT);
    answers_check("/page/it", ANSWERS_AT_ONCE, ANSWERS_CUT);
    answers_check("/filled/it", ANSWERS_AT_ONCE, ANSWERS_CUT);
}

/* ---- every control character ------------------------------------------------------------------- */

enum { CONTROLS = 33, ROOM = 80 };

/* 0 to 31, and 127. */
static char control(size_t n)
{
    return (char)(n < 32 ? n : 127);
}

/* Each stands where the star does. */
static void check_controls(const char *pattern)
{
    static char texts[CONTROLS][ROOM];
    struct answer answers[CONTROLS];
    size_t count = 0;

    for (size_t n = 0; n < CONTROLS; n++) {
        if (control(n) == '\t')
            continue;
        snprintf(texts[count], ROOM, "%s", pattern);
        *strchr(texts[count], '*') = control(n);
        answers[count] =
            (struct answer){.bytes = {texts[count], strlen(pattern)}, .fate = FATE_BROKEN};
        count++;
    }
    answers_check("/plain/it", ANSWERS_AT_ONCE, (struct answer_rows){answers, count});
}

Test(answers, with_a_control_character_in_the_head_are_a_502)
{
    check_controls("HTTP/1.1 200 O*K\r\nContent-Length: 5\r\n\r\n12345");
    check_controls("HTTP/1.1 200 OK\r\nA*B: c\r\nContent-Length: 5\r\n\r\n12345");
    check_controls("HTTP/1.1 200 OK\r\nA: b*c\r\nContent-Length: 5\r\n\r\n12345");
}
