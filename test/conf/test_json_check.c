#include "conf/json_check.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "conf/json.h"
#include "test/support/dice.h"
#include "test/support/json_reader.h"

#define CASE(literal, wrong)                       \
    {                                              \
        .text = TEXT(literal), .wrong_at = (wrong) \
    }

/* Neither wrong nor complete, and a value. */
enum { OPEN = -1, WHOLE = -2 };

struct check_case {
    struct text text;
    int wrong_at; /* the byte that makes it wrong, or one of these */
};

static const struct check_case cases[] = {
    CASE("", OPEN),
    CASE(" \t\r\n", OPEN),
    CASE("\0", 0),
    CASE("\v1", 0),
    CASE("\xc2\xa0"
         "1",
         0),
    CASE("\xef\xbb\xbf"
         "1",
         0),
    /* words */
    CASE("null", WHOLE),
    CASE(" true ", WHOLE),
    CASE("\r\nfalse\n\t", WHOLE),
    CASE("nul", OPEN),
    CASE("nulll", 4),
    CASE("null null", 5),
    CASE("Null", 0),
    CASE("tru ", 3),
    CASE("nul\0", 3),
    CASE("true\0", 4),
    CASE("[true,false,null]", WHOLE),
    CASE("[truefalse]", 5),
    /* numbers */
    CASE("0", WHOLE),
    CASE("-0", WHOLE),
    CASE("-0.0e-0", WHOLE),
    CASE("-12.50e+10", WHOLE),
    CASE("1E400", WHOLE),
    CASE("123456789012345678901234567890.123456789012345678901234567890", WHOLE),
    CASE("[12345678,123456789,1234567.1234567]", WHOLE),
    CASE("01", 1),
    CASE("-01", 2),
    CASE("00000000000", 1),
    CASE("+1", 0),
    CASE("-", OPEN),
    CASE("--1", 1),
    CASE("-a", 1),
    CASE("1.", OPEN),
    CASE("1.]", 2),
    CASE(".5", 0),
    CASE("1e", OPEN),
    CASE("1e+", OPEN),
    CASE("1e+ 1", 3),
    CASE("1e5.5", 3),
    CASE("1e5e5", 3),
    CASE("1.2.3", 3),
    CASE("0x1", 1),
    CASE("1/1", 1),
    CASE("1:1", 1),
    CASE("12345678:", 8),
    CASE("1234567/", 7),
    CASE("1234567\xb1", 7),
    CASE("1_000", 1),
    CASE("1 2", 2),
    CASE("NaN", 0),
    CASE("-Infinity", 1),
    CASE("1\0", 1),
    /* strings */
    CASE("\"\"", WHOLE),
    CASE("\" \x7f/'\"", WHOLE),
    CASE("\"1234567\"", WHOLE),
    CASE("\"12345678\"", WHOLE),
    CASE("\"a string that is longer than a word of the machine\"", WHOLE),
    CASE("\"", OPEN),
    CASE("\"a\nb\"", 2),
    CASE("\"a\0b\"", 2),
    CASE("\"1234567\x1f\"", 8),
    CASE("\"!!!!!!!\x1f!!!!!!!\"", 8),
    CASE("\"\"\"", 2),
    CASE("'a'", 0),
    CASE("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00eF\"", WHOLE),
    CASE("\"\\ud834\\udd1e\"", WHOLE),
    CASE("\"\\ud834\"", WHOLE),
    CASE("\"\\udd1e\\ud834\"", WHOLE),
    CASE("\"\\u0000\"", WHOLE),
    CASE("\"\\u0aF9\\u\"", 9),
    CASE("\"\\U0000\"", 2),
    CASE("\"\\x\"", 2),
    CASE("\"\\\0\"", 2),
    CASE("\"\\u00g0\"", 5),
    CASE("\"\\u00@0\"", 5),
    CASE("\"\\u00:0\"", 5),
    CASE("\"\\u00\x10", 5),
    CASE("\"\\", OPEN),
    CASE("\"\\\"", OPEN),
    CASE("\"\\u12", OPEN),
    CASE("\\u0031", 0),
    /* characters of several bytes */
    CASE("\"\xc3\xa4\xe2\x82\xac\xf0\x9d\x84\x9e\"", WHOLE),
    CASE("\"\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\"", WHOLE),
    CASE("\"\xed\x9f\xbf\xee\x80\x80\"", WHOLE),
    CASE("\"1234567\xc3\xa4 and 1234567\xe2\x82\xac\"", WHOLE),
    CASE("\"\xc3", OPEN),
    CASE("\"\xf0\x9d\x84", OPEN),
    CASE("\"\x80\"", 1),
    CASE("\"\xff\"", 1),
    CASE("\"\xc0\x80\"", 1),
    CASE("\"\xc1\xbf\"", 1),
    CASE("\"\xc3\"", 2),
    CASE("\"\xc3\\\"", 2),
    CASE("\"\xc3\xa4\xa4\"", 3),
    CASE("\"\xe0\x9f\xbf\"", 2),
    CASE("\"\xe2\x82\"", 3),
    CASE("\"\xe2\x28\xa1\"", 2),
    CASE("\"\xed\xa0\x80\"", 2),
    CASE("\"\xed\xbf\xbf\"", 2),
    CASE("\"\xf0\x8f\xbf\xbf\"", 2),
    CASE("\"\xf0\x9d\x84\"", 4),
    CASE("\"\xf4\x90\x80\x80\"", 2),
    CASE("\"\xf5\x80\x80\x80\"", 1),
    CASE("\"\xf8\x88\x80\x80\x80\"", 1),
    CASE("\xc3\xa4", 0),
    CASE("[\xc3\xa4]", 1),
    /* arrays and objects */
    CASE("[]", WHOLE),
    CASE(" [ ] ", WHOLE),
    CASE("[1, \"a\" ,[null] , {}]", WHOLE),
    CASE("[\n          1,\n          2\n]", WHOLE),
    CASE("[\r\n\t\t  \t     \t1]", WHOLE),
    CASE("[1,]", 3),
    CASE("[,1]", 1),
    CASE("[1,,2]", 3),
    CASE("[1 2]", 3),
    CASE("[1", OPEN),
    CASE("[1,", OPEN),
    CASE("[", OPEN),
    CASE("]", 0),
    CASE("[1}", 2),
    CASE("[}", 1),
    CASE("[]]", 2),
    CASE("[],", 2),
    CASE("[\"a\":1]", 4),
    CASE("[1]\0", 3),
    CASE("{}", WHOLE),
    CASE(" { \"a\" : 1 , \"b\":{\"c\":[]} } ", WHOLE),
    CASE("{\"\":\"\",\"\":{}}", WHOLE),
    CASE("[{\"a\":[{\"b\":[[],{}]}]},{}]", WHOLE),
    CASE("{\"a\"", OPEN),
    CASE("{\"a\":", OPEN),
    CASE("{\"a\":1,", OPEN),
    CASE("{\"a\"}", 4),
    CASE("{\"a\":}", 5),
    CASE("{\"a\":1,}", 7),
    CASE("{\"a\",1}", 4),
    CASE("{\"a\"::1}", 5),
    CASE("{,}", 1),
    CASE("{a:1}", 1),
    CASE("{1:1}", 1),
    CASE("{\"a\":1,2}", 7),
    CASE("{\"a\":1,[]:1}", 7),
    CASE("{\"a\":1]", 6),
    CASE("{]", 1),
    CASE("{\"a\":[1,2}}", 9),
    CASE("[{\"a\":1],2]", 7),
    CASE("[1,2],3", 5),
    CASE("1 // one", 2),
};

/* A piece at the end of its memory, so that a look behind it is found. */
static bool take(struct json_check *check, const char *at, size_t count)
{
    char *piece = malloc(count + 1);

    cr_assert(piece);
    memcpy(piece + 1, at, count);
    bool is_right = json_check_take(check, piece + 1, count);
    free(piece);
    return is_right;
}

static bool is_value_cut(struct text text, size_t first, size_t second)
{
    struct json_check check;

    json_check_init(&check);
    bool is_right = take(&check, text.at, first);
    is_right &= take(&check, text.at + first, second - first);
    is_right &= take(&check, text.at + second, text.count - second);
    cr_assert(is_right || !json_check_is_whole(&check));
    return json_check_is_whole(&check);
}

Test(json_check, a_value_is_what_rfc_8259_says)
{
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct text text = cases[i].text;
        bool is_value = cases[i].wrong_at == WHOLE;

        cr_expect_eq(json_reader_is_value(text), is_value, "%s: the reference", text.at);
        cr_expect_eq(json_is_value(text), is_value, "%s", text.at);
    }
}

Test(json_check, it_does_not_matter_where_a_text_is_cut)
{
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct text text = cases[i].text;
        bool is_value = cases[i].wrong_at == WHOLE;

        for (size_t first = 0; first <= text.count; first++) {
            for (size_t second = first; second <= text.count; second++)
                cr_expect_eq(is_value_cut(text, first, second), is_value, "%s, cut at %zu and %zu",
                             text.at, first, second);
        }
    }
}

Test(json_check, a_text_is_wrong_from_the_byte_on_that_makes_it_wrong)
{
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct text text = cases[i].text;
        int wrong_at = OPEN;
        struct json_check check;

        json_check_init(&check);
        for (size_t j = 0; j < text.count; j++) {
            bool is_right = take(&check, text.at + j, 1);
            cr_expect(!is_right || wrong_at == OPEN, "%s: right again at %zu", text.at, j);
            if (!is_right && wrong_at == OPEN)
                wrong_at = (int)j;
        }
        if (json_check_is_whole(&check))
            wrong_at = WHOLE;
        cr_expect_eq(wrong_at, cases[i].wrong_at, "%s: %d", text.at, wrong_at);
    }
}

Test(json_check, what_is_wrong_stays_wrong)
{
    struct json_check check;

    json_check_init(&check);
    cr_expect_not(json_check_take(&check, "]", 1));
    cr_expect_not(json_check_take(&check, NULL, 0));
    cr_expect_not(json_check_take(&check, "1", 1));
    cr_expect_not(json_check_is_whole(&check));
}

Test(json_check, a_number_at_the_end_is_complete_and_may_go_on)
{
    struct json_check check;

    json_check_init(&check);
    cr_expect(json_check_take(&check, "1", 1));
    cr_expect(json_check_is_whole(&check));
    cr_expect(json_check_take(&check, "2.", 2));
    cr_expect_not(json_check_is_whole(&check));
    cr_expect(json_check_take(&check, "5", 1));
    cr_expect(json_check_is_whole(&check));
}

/* count brackets of alternating kinds, one inside the other. */
static void nest(char *text, int count)
{
    for (int i = 0; i < count; i++) {
        memcpy(text + i * 5, i % 2 ? "{\"a\":" : "    [", 5);
        text[count * 5 + 1 + (count - 1 - i)] = i % 2 ? '}' : ']';
    }
    text[count * 5] = '1';
}

Test(json_check, what_is_nested_too_deep_is_wrong_at_once)
{
    enum { MOST = JSON_DEPTH_MAX };
    char text[(MOST + 1) * 6 + 1];
    struct json_check check;

    nest(text, MOST);
    cr_expect(json_is_value((struct text){.at = text, .count = MOST * 6 + 1}));
    cr_expect(is_value_cut((struct text){.at = text, .count = MOST * 6 + 1}, MOST, MOST * 5));
    text[MOST * 6] = '}';
    cr_expect_not(json_is_value((struct text){.at = text, .count = MOST * 6 + 1}));
    nest(text, MOST + 1);
    json_check_init(&check);
    cr_expect(json_check_take(&check, text, MOST * 5 + 4));
    cr_expect_not(json_check_take(&check, text + MOST * 5 + 4, 1));
}

Test(json_check, what_stands_behind_a_value_is_left)
{
    static const struct {
        struct text text;
        size_t count;
        bool is_whole;
    } rows[] = {
        {TEXT("[1] \n x"), 6, true},  {TEXT("1 2"), 2, true},  {TEXT("\"a\"b"), 3, true},
        {TEXT("truefalse"), 4, true}, {TEXT("01"), 1, true},   {TEXT("{}}"), 2, true},
        {TEXT(" 12"), 3, true},       {TEXT("[1 "), 3, false}, {TEXT(""), 0, false},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct json_check check;
        json_check_init(&check);
        cr_expect_eq(json_check_value(&check, rows[i].text), rows[i].count, "%s", rows[i].text.at);
        cr_expect_eq(json_check_is_whole(&check), rows[i].is_whole, "%s", rows[i].text.at);
    }
}

/* Runs are skipped in words of the machine: nowhere in one may a byte be overlooked. */
Test(json_check, every_byte_is_seen_wherever_it_stands)
{
    static const char *const texts[] = {"[\"----------------\"]", "[\n                0]",
                                        "[1111111111111111]", "[0.1111111111111111]"};

    for (int i = 0; i < 4 * 16 * 256; i++) {
        char copy[32];
        struct text text = {.at = copy, .count = strlen(texts[i / 4096])};
        memcpy(copy, texts[i / 4096], text.count);
        copy[2 + i / 256 % 16] = (char)(i % 256);
        cr_assert_eq(json_is_value(text), json_reader_is_value(text), "%02x at %d in %s", i % 256,
                     2 + i / 256 % 16, texts[i / 4096]);
    }
}

/* Changes a few bytes to others that mean something in JSON. */
static void spoil(struct dice *dice, char *text, size_t count)
{
    static const char bytes[] =
        "\"\\{}[]:,0123456789.eE+-truefalsnu \t\n\x1f\x7f\x80\xbf\xc3\xe2\xed"
        "\xf0\xf4\xff";

    while (dice_chance(dice, 60))
        text[dice_to(dice, (int64_t)count - 1)] = bytes[dice_to(dice, (int64_t)sizeof bytes - 1)];
}

Test(json_check, spoiled_texts_are_right_or_wrong_wherever_they_are_cut)
{
    static const char whole[] =
        " [{\"id\": 1234567890, \"name\": \"J\xc3\xbcrgen \xe2\x82\xac \xf0\x9d\x84\x9e\\n\", "
        "\"price\": -12.50e+3, \"tags\": [\"a\", \"b\\u00e4\", \"\"],\n         \"is\": true, "
        "\"none\": null, \"in\": {\"a\": [[], {}, [0]], \"b\": false}}, \"the end\"] ";
    struct dice dice = {.state = 8259};
    int right = 0;

    for (int i = 0; i < 20000; i++) {
        char text[sizeof whole];
        int64_t count = (int64_t)sizeof whole - 1;
        memcpy(text, whole, sizeof whole);
        spoil(&dice, text, (size_t)count);
        int64_t second = dice_to(&dice, count);
        int64_t first = dice_to(&dice, second);
        bool is_value = json_reader_is_value((struct text){.at = text, .count = (size_t)count});
        cr_assert_eq(is_value_cut((struct text){.at = text, .count = (size_t)count}, (size_t)first,
                                  (size_t)second),
                     is_value, "cut at %d and %d: %s", (int)first, (int)second, text);
        right += is_value;
    }
    cr_expect(right > 5000 && right < 19000, "%d", right);
}
