#include "conf/json.h"

#include <criterion/criterion.h>
#include <string.h>

static void expect(struct text text, const char *expected, const char *what)
{
    if (!expected) {
        cr_expect_null(text.at, "%s leads to %.*s", what, (int)text.count, text.at);
        return;
    }
    cr_expect(text.at && text_is(text, text_of(expected)), "%s leads to %.*s, not %s", what,
              (int)text.count, text.at ? text.at : "", expected);
}

/* The examples of RFC 6901 section 5, and ways that lead nowhere. */
Test(json_find, a_pointer_leads_to_the_value_as_it_is_written)
{
    static const char document[] =
        "{\"foo\": [\"bar\", \"baz\" ], \"\": 0, \"a/b\": 1, \"c%d\": 2, \"e^f\": 3, "
        "\"g|h\": 4, \"i\\\\j\": 5, \"k\\\"l\": 6, \" \": 7, \"m~n\": 8, "
        "\"x\": {\"y\": [1.10, [], {}, {\"z\": null}]}, \"\\u0041\": \"uni\", "
        "\"twice\": 1, \"twice\": 2}";
    static const struct {
        const char *pointer;
        const char *value; /* NULL: nowhere */
    } rows[] = {
        {"/foo", "[\"bar\", \"baz\" ]"},
        {"/foo/0", "\"bar\""},
        {"/foo/1", "\"baz\""},
        {"/", "0"},
        {"/a~1b", "1"},
        {"/c%d", "2"},
        {"/e^f", "3"},
        {"/g|h", "4"},
        {"/i\\j", "5"},
        {"/k\"l", "6"},
        {"/ ", "7"},
        {"/m~0n", "8"},
        {"/x/y/0", "1.10"},
        {"/x/y/1", "[]"},
        {"/x/y/3/z", "null"},
        {"/A", "\"uni\""},
        {"/twice", "2"},
        {"/foo/2", NULL},
        {"/foo/-", NULL},
        {"/foo/00", NULL},
        {"/foo/0/0", NULL},
        {"/foo/bar", NULL},
        {"/x/y/1/0", NULL},
        {"/x/y/2/a", NULL},
        {"/nowhere", NULL},
        {"/fo", NULL},
        {"/x/", NULL},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        expect(json_find(text_of(document), text_of(rows[i].pointer)), rows[i].value,
               rows[i].pointer);
}

/* RFC 6901 section 5: the empty pointer is for the whole document. */
Test(json_find, an_empty_pointer_leads_to_the_whole_without_the_blanks_around_it)
{
    static const struct {
        const char *document;
        const char *value; /* NULL: none */
    } rows[] = {
        {"{\"a\": [1, {}]}", "{\"a\": [1, {}]}"},
        {"\r\n [1, 2]\t\n", "[1, 2]"},
        {" \"a \\\" b\" ", "\"a \\\" b\""},
        {"-1.50\n", "-1.50"},
        {"null", "null"},
        {"", NULL},
        {" \n", NULL},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        expect(json_find(text_of(rows[i].document), TEXT_NONE), rows[i].value, rows[i].document);
    expect(json_find((struct text){0}, TEXT_NONE), NULL, "no text");
}

Test(json_find, a_string_says_what_its_escapes_mean)
{
    static const struct {
        const char *string;
        const char *said;
    } rows[] = {
        {"\"\"", ""},
        {"\"plain\"", "plain"},
        {"\"\\\"\\\\\\/\"", "\"\\/"},
        {"\"\\b\\f\\n\\r\\t\"", "\b\f\n\r\t"},
        {"\"\\u0041\\u00e9\\u20AC\"", "A\xc3\xa9\xe2\x82\xac"},
        {"\"\\ud83d\\ude00!\"", "\xf0\x9f\x98\x80!"},
        {"\"\\ud83d!\"", "\xef\xbf\xbd!"},
        {"\"\\ude00\\ud83d\"", "\xef\xbf\xbd\xef\xbf\xbd"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char room[64];
        struct text said = {.at = room, .count = json_string_read(text_of(rows[i].string), room)};
        expect(said, rows[i].said, rows[i].string);
    }
}

Test(json_find, blanks_between_the_parts_of_a_value_can_be_left_out)
{
    struct text value = TEXT("[1, \n {\"a b\" : \"c \\\" d\\\\\", \"e\":\t[ ]}]");
    char room[64];

    expect((struct text){.at = room, .count = json_compact(value, room)},
           "[1,{\"a b\":\"c \\\" d\\\\\",\"e\":[]}]", "it");
}

Test(json_find, values_are_taken_one_by_one_without_their_blanks)
{
    struct text rest = TEXT(" [1, 2] \n{\"a\":3} x");
    struct text value;

    cr_assert(json_take_value(&rest, &value));
    expect(value, "[1, 2]", "the first");
    cr_assert(json_take_value(&rest, &value));
    expect(value, "{\"a\":3}", "the second");
    cr_expect_not(json_take_value(&rest, &value));
    expect(rest, "x", "what is left");
}

Test(json_find, what_is_no_json_leads_nowhere)
{
    static const char *const texts[] = {
        "", "{", "{\"a\"", "{\"a\":", "{\"a\" 1}", "[1", "[", "nul"};

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        expect(json_find(text_of(texts[i]), TEXT("/a/b")), NULL, texts[i]);
        expect(json_find(text_of(texts[i]), TEXT("/3")), NULL, texts[i]);
    }
}
