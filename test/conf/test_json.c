#include "conf/json.h"

#include <criterion/criterion.h>
#include <string.h>

struct json_case {
    const char *text;
    bool is_value;
    bool is_plain;
};

Test(json, a_value_is_what_rfc_8259_says)
{
    static const struct json_case cases[] = {
        {"", false, false},
        {" ", false, false},
        {"null", true, true},
        {"true", true, true},
        {"false", true, true},
        {" null\r\n\t", true, false},
        {"nul", false, false},
        {"nulll", false, false},
        {"Null", false, false},
        {"null null", false, false},
        {"0", true, true},
        {"-0", true, true},
        {"-12.50e+10", true, true},
        {"1E-2", true, true},
        {"1e5", true, true},
        {"01", false, false},
        {"+1", false, false},
        {"-", false, false},
        {"1.", false, false},
        {".5", false, false},
        {"1e", false, false},
        {"1e+", false, false},
        {"0x1", false, false},
        {"NaN", false, false},
        {"\"\"", true, false},
        {"\"a\xc3\xa4\x7f/\"", true, false},
        {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00eF\"", true, false},
        {"\"\\x\"", false, false},
        {"\"\\u00g0\"", false, false},
        {"\"\\u00", false, false},
        {"\"\\", false, false},
        {"\"", false, false},
        {"\"a\nb\"", false, false},
        {"\"\xff\"", false, false},
        {"'a'", false, false},
        {"[]", true, false},
        {"[ ]", true, false},
        {"[1, \"a\", [null]]", true, false},
        {"[1,]", false, false},
        {"[,1]", false, false},
        {"[1 2]", false, false},
        {"[1", false, false},
        {"]", false, false},
        {"[1}", false, false},
        {"{}", true, false},
        {" { \"a\" : 1 , \"b\":{\"c\":[]} } ", true, false},
        {"{\"a\"}", false, false},
        {"{\"a\":}", false, false},
        {"{\"a\":1,}", false, false},
        {"{a:1}", false, false},
        {"{1:1}", false, false},
        {"{\"a\":1]", false, false},
        {"1 // one", false, false},
        {"\xef\xbb\xbf"
         "1",
         false, false},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct text text = text_of(cases[i].text);
        cr_expect_eq(json_is_value(text), cases[i].is_value, "%s", cases[i].text);
        cr_expect_eq(json_is_plain(text), cases[i].is_plain, "%s", cases[i].text);
    }
}

Test(json, a_nul_is_no_end)
{
    cr_assert_not(json_is_value((struct text){.at = "1\0", .count = 2}));
    cr_assert_not(json_is_value((struct text){.at = "\"\0\"", .count = 3}));
    cr_assert_not(json_is_plain((struct text){.at = "1\0", .count = 2}));
    cr_assert_not(json_is_value((struct text){.at = "\"\\\0\"", .count = 4}));
}

Test(json, what_is_nested_too_deep_is_refused)
{
    char text[2 * JSON_DEPTH_MAX + 2];

    memset(text, '[', JSON_DEPTH_MAX + 1);
    memset(text + JSON_DEPTH_MAX + 1, ']', JSON_DEPTH_MAX + 1);
    cr_expect_not(json_is_value((struct text){.at = text, .count = sizeof text}));
    cr_expect(json_is_value((struct text){.at = text + 1, .count = sizeof text - 2}));
}
