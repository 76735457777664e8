#include "conf/template.h"

#include <criterion/criterion.h>
#include <string.h>

#include "conf/json.h"
#include "test/conf/setter.h"
#include "test/conf/template_scope.h"
#include "test/support/dice.h"

/* Every value is the same text. */
static struct text value_same(void *arg, const struct template_part *part)
{
    const struct text *value = arg;

    cr_assert_neq(part->kind, TEMPLATE_LITERAL);
    return *value;
}

static const struct template *parse(struct store *store, const char *text,
                                    enum template_place place)
{
    const char *fault = NULL;
    const struct template *template = template_parse(store, text, place, &scope, &fault);

    cr_assert_not_null(template, "%s %s", text, fault);
    return template;
}

struct fill_case {
    const char *text;
    struct text value;
    const char *filled; /* NULL: BAD_VALUE */
};

#define BYTES(literal)               \
    {                                \
        literal, sizeof(literal) - 1 \
    }

static void check_fills(enum template_place place, const struct fill_case *cases, size_t count)
{
    struct store store = {0};
    char room[256];

    for (size_t i = 0; i < count; i++) {
        const struct template *template = parse(&store, cases[i].text, place);
        struct text value = cases[i].value;
        struct template_filling filling = {.room = room, .room_count = sizeof room};
        const char *wanted = cases[i].filled ? cases[i].filled : "";
        enum template_result result = template_fill(template, value_same, &value, &filling);
        cr_expect_eq(result, cases[i].filled ? TEMPLATE_FILLED : TEMPLATE_BAD_VALUE, "%s: case %zu",
                     cases[i].text, i);
        cr_expect_str_eq(room, wanted, "%s: case %zu: %s", cases[i].text, i, room);
        cr_expect_eq(filling.count, strlen(wanted), "%s", cases[i].text);
        cr_expect_eq(!filling.failed, cases[i].filled != NULL, "%s", cases[i].text);
    }
    store_finish(&store);
}

Test(template, a_value_in_a_path_stays_in_its_segment)
{
    static const struct fill_case cases[] = {
        {"/a?b=c/..", BYTES(""), "/a?b=c/.."},
        {"/stock/{id}", BYTES("12"), "/stock/12"},
        {"/{id}/x", BYTES("AZaz09-._~"), "/AZaz09-._~/x"},
        {"/{id}/x", BYTES("a/b?c#d e%2f\xc3\xa4\r\n+"), "/a%2Fb%3Fc%23d%20e%252f%C3%A4%0D%0A%2B/x"},
        {"/{id}", BYTES("a\0b"), "/a%00b"},
        {"/{id}", BYTES("..."), "/..."},
        {"/a{id}", BYTES(".."), "/a.."},
        {"/{id}.x", BYTES("."), "/..x"},
        {"/a-{id}/b", BYTES(""), "/a-/b"},
        {"/{id}", BYTES(""), NULL},
        {"/{id}/b", BYTES(""), NULL},
        {"/{id}?b", BYTES(""), NULL},
        {"/{id}{name}/b", BYTES(""), NULL},
        {"/{id}", BYTES("."), NULL},
        {"/{id}/..", BYTES(".."), NULL},
        {"/a/{id}?/", BYTES(".."), NULL},
        {"/{id}{name}/b", BYTES("."), NULL},
        {"/.{id}/b", BYTES("."), NULL},
        {"/%2e{id}", BYTES("."), NULL},
        {"/{id}%2E", BYTES(""), NULL},
        {"/%2e{id}", BYTES(".."), "/%2e.."},
        {"/%2e{id}", BYTES("%2e"), "/%2e%252e"},
    };

    check_fills(TEMPLATE_PATH, cases, COUNT_OF(cases));
}

Test(template, a_value_in_a_query_stays_in_its_field)
{
    static const struct fill_case cases[] = {
        {"/a?b={id}&c", BYTES("1&c=2+3 #"), "/a?b=1%26c%3D2%2B3%20%23&c"},
        {"/a?/{id}/", BYTES(".."), "/a?/../"},
        {"/a?{id}", BYTES(""), "/a?"},
        {"/{id}?{id}", BYTES("/?"), "/%2F%3F?%2F%3F"},
    };

    check_fills(TEMPLATE_PATH, cases, COUNT_OF(cases));
}

Test(template, a_value_in_a_header_ends_no_line)
{
    static const struct fill_case cases[] = {
        {"a {{x}} {id}.", BYTES("b c"), "a {x} b c."},
        {"<{id}>", BYTES(" \tb c\t "), "<b c>"},
        {"<{id}>", BYTES(" "), "<>"},
        {"{id}", BYTES("\x80\xff"), "\x80\xff"},
        {"{id}", BYTES("a\r\nHost: b"), NULL},
        {"{id}", BYTES("a\n"), NULL},
        {"{id}", BYTES("a\0"), NULL},
        {"{id}", BYTES("a\tb"), NULL},
        {"{id}", BYTES("\x1f"), NULL},
        {"{id}", BYTES("\x7f"), NULL},
    };

    check_fills(TEMPLATE_HEADER, cases, COUNT_OF(cases));
}

Test(template, a_value_in_a_body_does_not_change_what_is_around_it)
{
    static const struct fill_case cases[] = {
        {"{{\"a\":\"{id}\"}}", BYTES("b\",\"c\":\"d\\"), "{\"a\":\"b\\\",\\\"c\\\":\\\"d\\\\\"}"},
        {"\"{id}\"", BYTES("\b\f\n\r\t\x1f\0\x7f/\xc3\xa4"),
         "\"\\b\\f\\n\\r\\t\\u001F\\u0000\x7f/\xc3\xa4\""},
        {"\"{id}\"", BYTES(""), "\"\""},
        {"\"{id}\"", BYTES("a\xff"), NULL},
        {"\"{id}\"", BYTES("\xed\xa0\x80"), NULL},
        {"[{id}]", BYTES("-1.5"), "[-1.5]"},
        {"[{id}]", BYTES("true"), "[true]"},
        {"[{id}]", BYTES("null"), "[null]"},
        {"[{id}]", BYTES("007"), NULL},
        {"[{id}]", BYTES("1,2"), NULL},
        {"[{id}]", BYTES(" 1"), NULL},
        {"[{id}]", BYTES(""), NULL},
        {"[{id}]", BYTES("\"a\""), NULL},
        {"[{header.x}]", BYTES("{}"), NULL},
        {"[{session.header.x}]", BYTES("[]"), NULL},
        {"[{session.body/x}]", BYTES("{\"a\": [1, \"b\"]}"), "[{\"a\": [1, \"b\"]}]"},
        {"[{session.body/x}]", BYTES("\"a\""), "[\"a\"]"},
        {"[{session.body/x}]", BYTES("a"), NULL},
        {"[{session.body/x}]", BYTES("1],[2"), NULL},
        {"[\"{session.body/x}\"]", BYTES("{\"a\":1}"), "[\"{\\\"a\\\":1}\"]"},
    };

    check_fills(TEMPLATE_BODY, cases, COUNT_OF(cases));
}

Test(template, a_default_is_written_like_a_value_that_is_missing)
{
    static const struct fill_case cases[] = {
        {"/{id|a b}?{query.a|}&{session.body/x|1/2}", {NULL, 0}, "/a%20b?&1%2F2"},
        {"/{id|a b}", BYTES("c"), "/c"},
        {"/a{id|b}", BYTES(""), "/a"},
    };

    check_fills(TEMPLATE_PATH, cases, COUNT_OF(cases));
}

Test(template, the_first_part_that_fails_is_named)
{
    struct store store = {0};
    struct text missing = {0};
    char room[32] = "before";
    struct template_filling filling = {.room = room, .room_count = sizeof room};
    const struct template *template = parse(&store, "a{id|b}c{name}{query.x}", TEMPLATE_HEADER);

    cr_assert_eq(template_fill(template, value_same, &missing, &filling), TEMPLATE_NO_VALUE);
    cr_assert_eq(filling.failed, &template->parts[3]);
    cr_assert_eq(filling.count, 0);
    cr_assert_str_eq(room, "");
    store_finish(&store);
}

Test(template, what_does_not_fit_is_not_cut)
{
    static const struct {
        const char *text;
        enum template_place place;
        size_t count; /* of what it is filled to */
        const char *value;
    } cases[] = {
        {"", TEMPLATE_HEADER, 0, ""},
        {"/ab/c?d", TEMPLATE_PATH, 7, ""},
        {"/a/{id}/b", TEMPLATE_PATH, 11, ":\n"},
        {"/?{id}", TEMPLATE_PATH, 8, ":\n"},
        {"a{id}b", TEMPLATE_HEADER, 5, "c:d"},
        {"\"{id}\"", TEMPLATE_BODY, 13, ":\n\x01\""},
        {"[{id}]", TEMPLATE_BODY, 3, "7"},
    };
    struct store store = {0};

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct template *template = parse(&store, cases[i].text, cases[i].place);
        struct text value = text_of(cases[i].value);
        for (size_t count = 0; count <= cases[i].count + 1; count++) {
            /* Exactly as large as said, so that a sanitizer sees a byte behind it. */
            struct template_filling filling = {.room = malloc(count ? count : 1),
                                               .room_count = count};
            enum template_result result = template_fill(template, value_same, &value, &filling);
            cr_expect_eq(result, count > cases[i].count ? TEMPLATE_FILLED : TEMPLATE_TOO_LONG,
                         "%s in %zu", cases[i].text, count);
            cr_expect_eq(filling.count, result == TEMPLATE_FILLED ? cases[i].count : 0);
            cr_expect(count == 0 || filling.room[filling.count] == '\0');
            free(filling.room);
        }
    }
    store_finish(&store);
}

Test(template, one_without_values_is_plain)
{
    struct store store = {0};
    struct text text;

    cr_expect(template_is_plain(parse(&store, "", TEMPLATE_PATH), &text));
    cr_expect(text_is(text, TEXT("")));
    cr_expect(template_is_plain(parse(&store, "/a?b=c", TEMPLATE_PATH), &text));
    cr_expect(text_is(text, TEXT("/a?b=c")));
    cr_expect(template_is_plain(parse(&store, "{{\"a\": {{}}}}", TEMPLATE_BODY), &text));
    cr_expect(text_is(text, TEXT("{\"a\": {}}")));
    cr_expect_not(template_is_plain(parse(&store, "{id}", TEMPLATE_PATH), &text));
    cr_expect_not(template_is_plain(parse(&store, "/{id}", TEMPLATE_PATH), &text));
    store_finish(&store);
}

Test(template, only_a_pointer_into_a_body_needs_that_body)
{
    struct template_scope later = scope;
    struct store store = {0};
    const char *fault;

    later.calls_over = 3;
    const struct template *template =
        template_parse(&store, "{id}{price.body/a}{session.status}{stock.header.x}",
                       TEMPLATE_HEADER, &later, &fault);
    cr_assert_not_null(template);
    cr_expect_not(template_needs_body(template, 0));
    cr_expect_not(template_needs_body(template, 1));
    cr_expect(template_needs_body(template, 2));
    store_finish(&store);
}

/* --- any value at all */

enum { TURNS = 20000, VALUE_MAX = 12 };

/* Marks that could mean something somewhere, and any byte. */
static struct text value_random(void *arg, const struct template_part *part)
{
    static const char marks[] = "./?#%&=\"\\{}[]:, \t\r\n\0\x7f\xc3\xa4"
                                "02eE-x";
    static char bytes[VALUE_MAX];
    struct dice *dice = arg;
    size_t count = (size_t)dice_to(dice, VALUE_MAX);

    (void)part;
    for (size_t i = 0; i < count; i++) {
        bytes[i] = (char)dice_to(dice, 255);
        if (dice_chance(dice, 80))
            bytes[i] = marks[dice_to(dice, (int64_t)sizeof marks - 2)];
    }
    return (struct text){.at = bytes, .count = count};
}

static size_t count_of(const char *text, char c)
{
    size_t count = 0;

    for (; (text = strchr(text, c)); text++)
        count++;
    return count;
}

static void check_path(const char *room)
{
    const char *query = strchr(room, '?');

    cr_assert(query);
    cr_assert_eq(count_of(room, '/'), 3, "%s", room);
    cr_assert_eq(count_of(room, '?'), 1, "%s", room);
    cr_assert_eq(count_of(room, '&'), 1, "%s", room);
    cr_assert_eq(count_of(room, '='), 2, "%s", room);
    cr_assert(!strstr(room, "//") && !strstr(room, "/../") && !strstr(room, "/./"), "%s", room);
    cr_assert(query[-1] != '/' && strncmp(query - 2, "/.?", 3) && strncmp(query - 3, "/..?", 4),
              "%s", room);
    for (; *room; room++)
        cr_assert(*room > ' ' && *room < 0x7f && *room != '#' && *room != '"');
}

static void check_header(const char *room)
{
    cr_assert(strncmp(room, "a ", 2) == 0 && strstr(room, ";"));
    for (; *room; room++)
        cr_assert((unsigned char)*room >= ' ' && *room != 0x7f);
}

static void check_body(const char *room)
{
    cr_assert(json_is_value(text_of(room)), "%s", room);
}

static void check_random(const char *text, enum template_place place, void (*check)(const char *))
{
    struct dice dice = {.state = 7};
    struct store store = {0};
    char room[512];
    const struct template *template = parse(&store, text, place);
    size_t filled = 0;

    for (size_t i = 0; i < TURNS; i++) {
        struct template_filling filling = {.room = room, .room_count = sizeof room};
        if (template_fill(template, value_random, &dice, &filling) != TEMPLATE_FILLED)
            continue;
        cr_assert_eq(filling.count, strlen(room));
        check(room);
        filled++;
    }
    cr_assert_gt(filled, 100);
    store_finish(&store);
}

Test(template, no_value_at_all_breaks_out_of_a_path)
{
    check_random("/.{id}{name}/{id}/{name}?a={id}&{name}=b", TEMPLATE_PATH, check_path);
}

Test(template, no_value_at_all_breaks_out_of_a_header)
{
    check_random("a {id};{header.x}", TEMPLATE_HEADER, check_header);
}

Test(template, no_value_at_all_makes_a_body_other_than_json)
{
    check_random("{{\"a\":\"{id}\",\"{name}\":[\"\\\\{header.x}\"]}}", TEMPLATE_BODY, check_body);
    check_random("{{\"a\":{id}}}", TEMPLATE_BODY, check_body);
    check_random("[{session.body/a}]", TEMPLATE_BODY, check_body);
}
