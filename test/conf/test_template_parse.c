#include <criterion/criterion.h>

#include "conf/template.h"
#include "test/conf/setter.h"
#include "test/conf/template_scope.h"

#define OPEN "has a { without its }: a brace itself is written {{"
#define CLOSE "has a } without its {: a brace itself is written }}"
#define TARGET "has a character that no target can have: write it as %20 and the like"
#define PERCENT "has a % without two hexadecimal digits"
#define JSON "is not JSON when its braces are filled"

static void check_faults(enum template_place place, const struct setter_case *cases, size_t count)
{
    struct store store = {0};

    for (size_t i = 0; i < count; i++) {
        const char *fault = "(not written)";
        const char *wanted = cases[i].fault ? cases[i].fault : "(taken)";
        const struct template *template =
            template_parse(&store, cases[i].text, place, &scope, &fault);
        cr_expect_eq(!template, fault != NULL, "%s", cases[i].text);
        cr_expect_str_eq(fault ? fault : "(taken)", wanted, "%s: %s", cases[i].text, fault);
    }
    store_finish(&store);
}

Test(template_parse, braces_are_in_pairs_and_hold_a_name)
{
    static const struct setter_case cases[] = {
        {"", NULL},
        {"plain", NULL},
        {"{{}}", NULL},
        {"{{{id}}}", NULL},
        {"{id}{id}", NULL},
        {"{", OPEN},
        {"a {id", OPEN},
        {"{id{name}}", OPEN},
        {"{id|{}", OPEN},
        {"{{{id", OPEN},
        {"}", CLOSE},
        {"{id}}", CLOSE},
        {"a } b", CLOSE},
        {"{}", "has braces without a name"},
        {"{|none}", "has braces without a name"},
    };

    check_faults(TEMPLATE_HEADER, cases, COUNT_OF(cases));
}

Test(template_parse, names_are_of_the_path_the_client_or_a_call_that_is_over)
{
    static const struct setter_case cases[] = {
        {"{id}", NULL},
        {"{id|none}", NULL},
        {"{id|}", NULL},
        {"{query.page}", NULL},
        {"{query.a b[]}", NULL},
        {"{header.X-User}", NULL},
        {"{session.status}", NULL},
        {"{session.header.x-user}", NULL},
        {"{session.body/a~0b/~1c/0/}", NULL},
        {"{session.body/ |a|b}", NULL},
        {"{user}", "names {user}, which is not in the path"},
        {"{nme}", "names {nme}, which is not in the path: did you mean name?"},
        {"{ID}", "names {ID}, which is not in the path: did you mean id?"},
        {"{ id }", "names { id }, which is no name: a brace itself is written {{"},
        {"{.x}", "names {.x}, which is no name: a brace itself is written {{"},
        {"{sesion.status}",
         "names {sesion.status}, but there is no call sesion: did you mean session?"},
        {"{qery.a}", "names {qery.a}, but there is no call qery: did you mean query?"},
        {"{id.x}", "names {id.x}, but there is no call id"},
        {"{ordr.status}", "names {ordr.status}, but there is no call ordr"},
        {"{price.status}", "names price, which runs at the same time"},
        {"{order.status}", "names order, which runs later"},
        {"{stock.status}", "names stock, which is this very call"},
        {"{kept.body/a}", "names kept, which stands in for price: name that one"},
        {"{query}", "names {query} without which: {query.page}, for example"},
        {"{query.}", "names {query.} without which: {query.page}, for example"},
    };

    check_faults(TEMPLATE_HEADER, cases, COUNT_OF(cases));
}

#define NO_HEADER ", which has no header's name: letters, digits and - will do"
#define NO_PART ": a call has status, header.NAME, body and body/POINTER"
#define NO_POINTER ": body is followed by nothing, or by / and a JSON pointer, as in body/a/b"
#define NO_ESCAPE ": a JSON pointer has ~0 for ~ and ~1 for a / in a name"

Test(template_parse, a_call_has_a_status_headers_and_a_body)
{
    static const struct setter_case cases[] = {
        {"{header}", "names {header}" NO_HEADER},
        {"{header.}", "names {header.}" NO_HEADER},
        {"{header.a b}", "names {header.a b}" NO_HEADER},
        {"{session.header.a:}", "names {session.header.a:}" NO_HEADER},
        {"{session.header}", "names {session.header}" NO_PART},
        {"{session}", "names {session}" NO_PART},
        {"{session.}", "names {session.}" NO_PART},
        {"{session.foo}", "names {session.foo}" NO_PART},
        {"{session.status.x}", "names {session.status.x}" NO_PART},
        {"{session.bodyguard}", "names {session.bodyguard}" NO_PART},
        {"{session.body}", NULL},
        {"{session.body|none}", NULL},
        {"{session.body.a}", "names {session.body.a}" NO_POINTER},
        {"{session.body/a~}", "names {session.body/a~}" NO_ESCAPE},
        {"{session.body/~0~2}", "names {session.body/~0~2}" NO_ESCAPE},
    };

    check_faults(TEMPLATE_HEADER, cases, COUNT_OF(cases));
}

Test(template_parse, a_target_has_only_what_a_target_can_have)
{
    static const struct setter_case cases[] = {
        {"/stock/{id}?fast=1", NULL},
        {"/%20{id}%C3%A4?a=%{{", PERCENT},
        {"/%{id}", PERCENT},
        {"/%4{id}", PERCENT},
        {"/?%{id}", PERCENT},
        {"/{id} x", TARGET},
        {"/{id}#x", TARGET},
        {"/{{{id}", TARGET},
        {"/\xc3\xa4", TARGET},
        {"/{session.body/a b#}", NULL},
        {"/{id|a b#/}", NULL},
        {"/a/{id|}", "has a default \"\" that may not stand where it would"},
        {"/a/.{id|.}/b", "has a default \".\" that may not stand where it would"},
        {"/a/?{id|}", NULL},
    };

    check_faults(TEMPLATE_PATH, cases, COUNT_OF(cases));
}

Test(template_parse, a_header_has_no_control_character)
{
    static const struct setter_case cases[] = {
        {"a\tb \x80", NULL},
        {"a\x7f", "holds a control character"},
        {"{id}\x01{name", "holds a control character"},
        {"{id|a\x01}", "has a default \"a\x01\" that may not stand where it would"},
    };

    check_faults(TEMPLATE_HEADER, cases, COUNT_OF(cases));
}

Test(template_parse, a_body_with_braces_is_json_whatever_its_values_are)
{
    static const struct setter_case cases[] = {
        {"plain \"text", NULL},
        {"{id}", NULL},
        {"{{\"a\": {id}, \"b{id}\": [\"\\\"{name}\\\\\", {session.body/x}]}}", NULL},
        {"a={id}", JSON},
        {"{id}{name}", JSON},
        {"1{id}", JSON},
        {"{id}.5", JSON},
        {"\"{id}", JSON},
        {"\"\\{id}\"", JSON},
        {"\"\\{id}n\"", JSON},
        {"\"\\u{id}0041\"", JSON},
        {"\"\\u00{id}41\"", JSON},
        {"{{{id}: 1}}", JSON},
        {"[{id}", JSON},
        {"{\"a\": 1}", "names {\"a\": 1}, which is no name: a brace itself is written {{"},
        {"{id|-1.5e3}", NULL},
        {"{id|x}", "has a default \"x\" that may not stand where it would"},
        {"{id|}", "has a default \"\" that may not stand where it would"},
        {"{id|[]}", "has a default \"[]\" that may not stand where it would"},
        {"{session.body/x|[\"\"]}", NULL},
        {"\"{id|}\"", NULL},
        {"\"{id|\xff}\"", "has a default \"\xff\" that may not stand where it would"},
    };

    check_faults(TEMPLATE_BODY, cases, COUNT_OF(cases));
}

Test(template_parse, a_part_says_what_stands_where)
{
    static const struct {
        enum template_kind kind;
        enum template_place place;
        size_t number;
        struct text text;
    } wanted[] = {
        {TEMPLATE_LITERAL, TEMPLATE_PATH, 0, {"/", 1}},
        {TEMPLATE_NAME, TEMPLATE_PATH, 1, {"name", 4}},
        {TEMPLATE_LITERAL, TEMPLATE_PATH, 0, {"/a?b=", 5}},
        {TEMPLATE_CLIENT_QUERY, TEMPLATE_QUERY, 0, {"a.b", 3}},
        {TEMPLATE_CLIENT_HEADER, TEMPLATE_QUERY, 0, {"X-A", 3}},
        {TEMPLATE_LITERAL, TEMPLATE_QUERY, 0, {"/?", 2}},
        {TEMPLATE_CALL_STATUS, TEMPLATE_QUERY, 2, {"", 0}},
        {TEMPLATE_CALL_HEADER, TEMPLATE_QUERY, 0, {"Etag", 4}},
        {TEMPLATE_CALL_BODY, TEMPLATE_QUERY, 2, {"/a.b/0", 6}},
        {TEMPLATE_CALL_BODY, TEMPLATE_QUERY, 0, {"", 0}},
    };
    const char *text = "/{name}/a?b={query.a.b}{header.X-A}/?{price.status}{session.header.Etag}"
                       "{price.body/a.b/0|x|y}{session.body}";
    struct template_scope later = scope;
    struct store store = {0};
    const char *fault;

    later.calls_over = 3;
    const struct template *template = template_parse(&store, text, TEMPLATE_PATH, &later, &fault);
    cr_assert_not_null(template, "%s", fault);
    cr_assert_eq(template->count, COUNT_OF(wanted));
    for (size_t i = 0; i < template->count; i++) {
        const struct template_part *part = &template->parts[i];
        cr_expect_eq(part->kind, wanted[i].kind, "%zu", i);
        cr_expect_eq(part->place, wanted[i].place, "%zu", i);
        cr_expect_eq(part->number, wanted[i].number, "%zu", i);
        cr_expect(text_is(part->text, wanted[i].text), "%zu", i);
        cr_expect_eq(part->has_otherwise, i == 8, "%zu", i);
    }
    cr_expect(text_is(template->parts[8].otherwise, TEXT("x|y")));
    store_finish(&store);
}

Test(template_parse, where_no_names_are_known_none_is_wrong_but_all_else_may_be)
{
    static const struct {
        const char *text;
        const char *fault;
    } cases[] = {
        {"{user}{session.status}", NULL},
        {"{user", OPEN},
        {"{user}{nobody.status}", "names {nobody.status}, but there is no call nobody"},
        {"{user}{order.status}", "names order, which runs later"},
        {"{session}", "names {session}" NO_PART},
        {"{query}", "names {query} without which: {query.page}, for example"},
    };
    struct template_scope nameless = scope;
    struct store store = {0};

    nameless.names = NULL;
    nameless.names_count = 0;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const char *fault = NULL;
        const struct template *template =
            template_parse(&store, cases[i].text, TEMPLATE_HEADER, &nameless, &fault);
        cr_expect_eq(!template, fault != NULL, "%s", cases[i].text);
        cr_expect_str_eq(fault ? fault : "(taken)", cases[i].fault ? cases[i].fault : "(taken)",
                         "%s: %s", cases[i].text, fault);
    }
    store_finish(&store);
}

static void check_stand_in(const char *text, const char *wanted)
{
    struct template_scope of_kept = scope;
    struct store store = {0};
    const char *fault = NULL;

    of_kept.self = 4;
    const struct template *template =
        template_parse(&store, text, TEMPLATE_HEADER, &of_kept, &fault);
    cr_expect_eq(!template, fault != NULL, "%s", text);
    cr_expect_str_eq(fault ? fault : "(taken)", wanted, "%s: %s", text, fault);
    store_finish(&store);
}

Test(template_parse, what_stands_in_may_name_what_the_call_in_its_place_may_name)
{
    check_stand_in("{session.status}{id}", "(taken)");
    check_stand_in("{price.status}", "names price, which has failed by then");
    check_stand_in("{kept.status}", "names kept, which is this very call");
    check_stand_in("{stock.status}", "names stock, which runs at the same time");
    check_stand_in("{order.status}", "names order, which runs later");
}

Test(template_parse, quotes_with_a_backslash_do_not_end_a_json_string)
{
    static const enum template_place wanted[] = {TEMPLATE_BODY_STRING, TEMPLATE_BODY_STRING,
                                                 TEMPLATE_BODY, TEMPLATE_BODY_STRING};
    struct store store = {0};
    const char *fault;
    const struct template *template = template_parse(
        &store, "[\"a{id}\\\"{id}\\\\\",{id},\"\\\\\\\"{id}\"]", TEMPLATE_BODY, &scope, &fault);
    size_t values = 0;

    cr_assert_not_null(template, "%s", fault);
    for (size_t i = 0; i < template->count; i++) {
        if (template->parts[i].kind == TEMPLATE_NAME)
            cr_expect_eq(template->parts[i].place, wanted[values++], "%zu", i);
    }
    cr_assert_eq(values, COUNT_OF(wanted));
    store_finish(&store);
}
