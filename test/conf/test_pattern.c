#include "conf/pattern.h"
#include "conf/route.h"
#include "test/conf/setter.h"

#define STAR "may have * only alone, as its last segment"
#define BRACES "may have {name} only as a whole segment"
#define CHARACTER "has a character that no path can have: write it as %20 and the like"
#define EXPRESSION \
    "takes a path and no regular expression: {name} is one segment, * at the end the rest"
#define PERCENT "has a % without two hexadecimal digits"

Test(pattern, a_match_is_methods_and_a_path)
{
    static const struct setter_case cases[] = {
        {"/", NULL},
        {"/*", NULL},
        {"GET /order/{id}", NULL},
        {"GET,POST /order/{id}", NULL},
        {"GET, HEAD  /a", NULL},
        {"/a%20b/~x;v=1", NULL},
        {"/a//b/", NULL},
        {"/{a}/{b}/*", NULL},
        {"GET", "needs a path that begins with /, as in GET,POST /order/{id}"},
        {"*", "needs a path that begins with /, as in GET,POST /order/{id}"},
        {"GET/a", "needs a blank between the methods and the path"},
        {"get /a", "has an unknown method \"get\": did you mean GET?"},
        {", /a", "has an unknown method \"\""},
        {"GET,GET /a", "has a method twice"},
        {"GET POST /a", "needs commas between its methods, as in GET,POST /order/{id}"},
        {"GET, PUT POST /a", "needs commas between its methods, as in GET,POST /order/{id}"},
        {"^/a", EXPRESSION},
        {"~ ^/a", EXPRESSION},
        {"~* \\.php$", EXPRESSION},
        {"GET ^/a/(.*)", EXPRESSION},
        {"GET /~a^", CHARACTER},
        {"CONNECT /a", "names CONNECT, which is always refused"},
        {"/*/a", STAR},
        {"/a*", STAR},
        {"/a/*b", STAR},
        {"/a{b}", BRACES},
        {"/{b}a", BRACES},
        {"/{", BRACES},
        {"/}", BRACES},
        {"/{}", "has a name in braces that is empty"},
        {"/{a b}", "has a name in braces that may hold only letters, digits, - and _"},
        {"/{a}/{b}/{a}", "has {a} twice"},
        {"/a b", CHARACTER},
        {"/a?b", CHARACTER},
        {"/a#b", CHARACTER},
        {"/\xc3\xa4", CHARACTER},
        {"/a\\b", CHARACTER},
        {"/%", PERCENT},
        {"/%4", PERCENT},
        {"/%4g", PERCENT},
        {"/a/../b", "has a segment . or .., which clients take out before they send"},
        {"/a/{b}/{c}/{d}/{e}/{f}/{g}/{h}/{i}/{j}/{k}/{l}/{m}/{n}/{o}/{p}/{q}", NULL},
        {"/{a}/{b}/{c}/{d}/{e}/{f}/{g}/{h}/{i}/{j}/{k}/{l}/{m}/{n}/{o}/{p}/{q}",
         "has more than 16 names in braces"},
    };

    check_setter(set_match, sizeof(struct pattern), cases, COUNT_OF(cases));
}

Test(pattern, get_stands_for_head_too_and_nothing_for_any)
{
    struct store store = {0};
    struct pattern pattern;

    cr_assert_null(set_match(&pattern, "GET /a", &store));
    cr_assert_eq(pattern.methods, method_of(TEXT("GET")) | method_of(TEXT("HEAD")));
    cr_assert_null(set_match(&pattern, "/a", &store));
    cr_assert_eq(pattern.methods, METHODS_ANY);
    cr_assert_str_eq(pattern.path, "/a");
    store_finish(&store);
}

Test(pattern, a_request_is_a_method_and_a_target)
{
    static const char form[] = "must be a method and a path, as in GET /stock?fast=1";
    static const struct setter_case cases[] = {
        {"GET /", NULL},
        {"POST  /a?b=c&d", NULL},
        {"HEAD /a", NULL},
        {"/a", form},
        {"GET", form},
        {"GET a", form},
        {"GET *", form},
        {"GET http://a/", "must have a path and no host, which is said by url in [upstream NAME]"},
        {"http://a/b", "must have a path and no host, which is said by url in [upstream NAME]"},
        {"GETS /a", "has an unknown method \"GETS\": did you mean GET?"},
        {"TRACE /a", "names TRACE, which is always refused"},
        {"GET {id}", form},
        {"GET /stock/{id}?a={query.b c}", NULL},
    };

    check_setter(set_request, sizeof(struct request), cases, COUNT_OF(cases));
}

Test(pattern, its_names_come_in_its_order)
{
    static const struct {
        const char *path;
        const char *names[3];
    } cases[] = {
        {"/", {NULL}},         {"/a/*", {NULL}},
        {"/{id}", {"id"}},     {"/{b}/x/{a}/{c-1}/", {"b", "a", "c-1"}},
        {"/a/{id}/*", {"id"}},
    };
    struct store store = {0};

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct pattern pattern = {0};
        struct text names[ROUTE_NAMES_MAX];
        cr_assert_null(set_match(&pattern, cases[i].path, &store));
        size_t count = pattern_names(&pattern, names);
        for (size_t j = 0; j < count; j++)
            cr_expect(text_is(names[j], text_of(cases[i].names[j])), "%s", cases[i].path);
        cr_expect(count == 3 || !cases[i].names[count], "%s", cases[i].path);
    }
    store_finish(&store);
}
