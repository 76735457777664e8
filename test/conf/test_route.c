#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "conf/route.h"
#include "conf/route_table.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* Route i takes matches[i]. */
static struct route_table *make_table(struct store *store, const char *const *matches, size_t count)
{
    struct route_table *table = route_table_create(store);

    for (size_t i = 0; i < count; i++) {
        struct pattern pattern = {0};
        const char *fault = set_match(&pattern, matches[i], store);
        cr_assert_null(fault, "%s: %s", matches[i], fault);
        cr_assert_eq(route_table_add(table, &pattern, i), i, "%s", matches[i]);
    }
    route_table_seal(table);
    return table;
}

struct lookup {
    const char *method;
    const char *path;
    const char *match;  /* the pattern expected; NULL: none */
    const char *detail; /* names with a bar between them; or what Allow says */
};

static void check_names(const struct route_match *match, const struct lookup *lookup)
{
    char names[1000] = "";
    size_t length = 0;

    for (size_t i = 0; i < match->names_count; i++)
        length += (size_t)snprintf(names + length, sizeof names - length, "%s%.*s", i ? "|" : "",
                                   (int)match->names[i].count, match->names[i].at);
    cr_expect_str_eq(names, lookup->detail ? lookup->detail : "", "%s: %s", lookup->path, names);
}

static void check_lookup(const struct route_table *table, const char *const *matches,
                         const struct lookup *lookup)
{
    struct route_match match = route_find(table, text_of(lookup->method), text_of(lookup->path));

    if (lookup->match) {
        cr_assert_eq(match.result, ROUTE_FOUND, "%s %s", lookup->method, lookup->path);
        cr_expect_str_eq(matches[match.route], lookup->match, "%s takes %s", matches[match.route],
                         lookup->path);
        check_names(&match, lookup);
    } else if (lookup->detail) {
        cr_assert_eq(match.result, ROUTE_OTHER_METHOD, "%s %s", lookup->method, lookup->path);
        cr_expect_str_eq(match.allow, lookup->detail, "%s", match.allow);
    } else {
        cr_expect_eq(match.result, ROUTE_NONE, "%s %s", lookup->method, lookup->path);
    }
}

static void check_lookups(const char *const *matches, size_t matches_count,
                          const struct lookup *lookups, size_t count)
{
    struct store store = {0};
    struct route_table *table = make_table(&store, matches, matches_count);

    for (size_t i = 0; i < count; i++)
        check_lookup(table, matches, &lookups[i]);
    store_finish(&store);
}

Test(route, literal_goes_before_a_name_and_a_name_before_the_rest)
{
    static const char *const matches[] = {
        "/*", "/order/{id}", "/order/new", "/order/*", "/order/{id}/items", "/{what}/7",
    };
    static const struct lookup lookups[] = {
        {"GET", "/order/new", "/order/new", NULL},
        {"GET", "/order/7", "/order/{id}", "7"},
        {"GET", "/order/7/items", "/order/{id}/items", "7"},
        {"GET", "/order/7/else", "/order/*", NULL},
        {"GET", "/order/", "/order/*", NULL},
        {"GET", "/order", "/*", NULL},
        {"GET", "/stock/7", "/{what}/7", "stock"},
        {"GET", "/stock/8", "/*", NULL},
    };

    check_lookups(matches, COUNT_OF(matches), lookups, COUNT_OF(lookups));
}

Test(route, a_branch_that_ends_nowhere_is_left_again)
{
    static const char *const matches[] = {"/a/b/c", "/a/{x}/d", "/{x}/b/e", "/{x}/{y}/{z}", "/a/*"};
    static const struct lookup lookups[] = {
        {"GET", "/a/b/c", "/a/b/c", NULL},
        {"GET", "/a/b/d", "/a/{x}/d", "b"},
        {"GET", "/a/b/e", "/a/*", NULL},
        {"GET", "/b/b/e", "/{x}/b/e", "b"},
        {"GET", "/b/b/f", "/{x}/{y}/{z}", "b|b|f"},
        {"GET", "/b/b", NULL, NULL},
    };

    check_lookups(matches, COUNT_OF(matches), lookups, COUNT_OF(lookups));
}

Test(route, the_rest_may_be_nothing_but_its_slash_must_be_there)
{
    static const char *const matches[] = {"/a/*"};
    static const struct lookup lookups[] = {
        {"GET", "/a/", "/a/*", NULL},  {"GET", "/a/b/c", "/a/*", NULL},
        {"GET", "/a//", "/a/*", NULL}, {"GET", "/a", NULL, NULL},
        {"GET", "/ab", NULL, NULL},    {"GET", "/", NULL, NULL},
    };

    check_lookups(matches, COUNT_OF(matches), lookups, COUNT_OF(lookups));
}

Test(route, a_catch_all_takes_the_root_and_the_asterisk)
{
    static const char *const all[] = {"/*"};
    static const char *const some[] = {"/{x}", "/a"};
    static const char *const get[] = {"GET /*"};
    static const struct lookup in_all[] = {
        {"GET", "/", "/*", NULL}, {"OPTIONS", "*", "/*", NULL}, {"BREW", "/x", "/*", NULL},
        {"GET", "", NULL, NULL},  {"GET", "a", NULL, NULL},     {"GET", "**", NULL, NULL},
    };
    static const struct lookup in_some[] = {{"OPTIONS", "*", NULL, NULL}, {"GET", "/", NULL, NULL}};
    static const struct lookup in_get[] = {{"OPTIONS", "*", NULL, "GET, HEAD"}};

    check_lookups(all, 1, in_all, COUNT_OF(in_all));
    check_lookups(some, 2, in_some, COUNT_OF(in_some));
    check_lookups(get, 1, in_get, COUNT_OF(in_get));
}

Test(route, slashes_at_the_end_and_empty_segments_count)
{
    static const char *const matches[] = {"/a", "/b/", "/c//d", "/e/{x}"};
    static const struct lookup lookups[] = {
        {"GET", "/a", "/a", NULL},   {"GET", "/a/", NULL, NULL},      {"GET", "/b", NULL, NULL},
        {"GET", "/b/", "/b/", NULL}, {"GET", "/c//d", "/c//d", NULL}, {"GET", "/c/d", NULL, NULL},
        {"GET", "/e/", NULL, NULL},  {"GET", "/e/x", "/e/{x}", "x"},  {"GET", "//a", NULL, NULL},
    };

    check_lookups(matches, COUNT_OF(matches), lookups, COUNT_OF(lookups));
}

Test(route, encoded_unreserved_characters_are_themselves)
{
    static const char *const matches[] = {"/~user", "/a%2Fb", "/%7Euser2", "/100%25", "/{x}/y"};
    static const struct lookup lookups[] = {
        {"GET", "/%7euser", "/~user", NULL},   {"GET", "/%7Eus%65r", "/~user", NULL},
        {"GET", "/a%2fb", "/a%2Fb", NULL},     {"GET", "/a/b", NULL, NULL},
        {"GET", "/~user2", "/%7Euser2", NULL}, {"GET", "/100%25", "/100%25", NULL},
        {"GET", "/100%", NULL, NULL},          {"GET", "/100%2", NULL, NULL},
        {"GET", "/%/y", "/{x}/y", "%"},        {"GET", "/a%2Fb/y", "/{x}/y", "a%2Fb"},
        {"GET", "/~User", NULL, NULL},
    };

    check_lookups(matches, COUNT_OF(matches), lookups, COUNT_OF(lookups));
}

Test(route, a_method_is_refused_only_when_no_matching_route_has_it)
{
    static const char *const matches[] = {
        "GET /a/{id}", "POST,PUT /a/{id}", "DELETE /a/*", "POST /a/b", "/any",
    };
    static const struct lookup lookups[] = {
        {"GET", "/a/b", "GET /a/{id}", "b"},
        {"POST", "/a/b", "POST /a/b", NULL},
        {"HEAD", "/a/7", "GET /a/{id}", "7"},
        {"PUT", "/a/7", "POST,PUT /a/{id}", "7"},
        {"DELETE", "/a/b", "DELETE /a/*", NULL},
        {"PATCH", "/a/b", NULL, "GET, HEAD, POST, PUT, DELETE"},
        {"PATCH", "/a/7/8", NULL, "DELETE"},
        {"get", "/a/7/8", NULL, "DELETE"},
        {"BREW", "/any", "/any", NULL},
        {"GET", "/b", NULL, NULL},
    };

    check_lookups(matches, COUNT_OF(matches), lookups, COUNT_OF(lookups));
}

/* Twelve patterns for one path, each with a method of its own: more unions than are listed. */
Test(route, more_combinations_of_methods_than_are_listed_still_have_an_allow)
{
    static const char *const matches[] = {
        "POST /a/a/a/a",      "PUT /a/a/a/{w}",      "PATCH /a/a/{v}/a",  "DELETE /a/a/{v}/{w}",
        "OPTIONS /a/{u}/a/a", "QUERY /a/{u}/a/{w}",  "COPY /a/{u}/{v}/a", "LOCK /a/{u}/{v}/{w}",
        "MOVE /{t}/a/a/a",    "SEARCH /{t}/a/a/{w}", "BIND /{t}/a/{v}/a", "ACL /{t}/a/{v}/{w}",
    };
    struct store store = {0};
    struct route_table *table = make_table(&store, matches, COUNT_OF(matches));
    struct route_match match = route_find(table, TEXT("GET"), TEXT("/a/a/a/a"));

    cr_assert_eq(match.result, ROUTE_OTHER_METHOD);
    cr_assert_eq(strncmp(match.allow, "POST", 4), 0, "%s", match.allow);
    match = route_find(table, TEXT("ACL"), TEXT("/a/a/a/a"));
    cr_assert_eq(match.result, ROUTE_FOUND);
    cr_assert_eq(match.route, 11);
    store_finish(&store);
}

Test(route, sixteen_names_are_all_told)
{
    static const char match[] = "/{a}/{b}/{c}/{d}/{e}/{f}/{g}/{h}/{i}/{j}/{k}/{l}/{m}/{n}/{o}/{p}";
    static const char *const matches[] = {match};
    static const struct lookup lookups[] = {
        {"GET", "/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16", match,
         "1|2|3|4|5|6|7|8|9|10|11|12|13|14|15|16"},
        {"GET", "/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15", NULL, NULL},
        {"GET", "/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17", NULL, NULL},
    };

    check_lookups(matches, 1, lookups, COUNT_OF(lookups));
}

Test(route, patterns_that_take_the_same_requests_are_found_out)
{
    static const struct {
        const char *one;
        const char *other;
        bool is_same;
    } cases[] = {
        {"/a/{x}", "/a/{y}", true}, {"GET /a", "HEAD /a", true},
        {"GET /a", "/a", true},     {"/%7Ea", "/~a", true},
        {"/a/*", "/a/*", true},     {"GET /a", "POST /a", false},
        {"/a", "/a/", false},       {"/a", "/A", false},
        {"/{x}", "/*", false},      {"GET,PUT /a", "PUT,POST /a", true},
        {"/%2fa", "/%2Fa", true},
    };
    struct store store = {0};

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct route_table *table = route_table_create(&store);
        struct pattern one = {0};
        struct pattern other = {0};
        cr_assert_null(set_match(&one, cases[i].one, &store));
        cr_assert_null(set_match(&other, cases[i].other, &store));
        cr_assert_eq(route_table_add(table, &one, 5), 5);
        cr_expect_eq(route_table_add(table, &other, 6), cases[i].is_same ? 5 : 6, "%s and %s",
                     cases[i].one, cases[i].other);
    }
    store_finish(&store);
}

/* The nodes that a lookup looks at, in a table of `count` routes like the ones looked for. */
static size_t nodes_with(size_t count, const char *path)
{
    struct store store = {0};
    struct route_table *table = route_table_create(&store);
    size_t nodes;

    for (size_t i = 0; i < count; i++) {
        struct pattern pattern = {
            .methods = METHODS_ANY,
            .path = store_print(&store, i % 2 ? "/service/%zu/{id}" : "/team-%zu/app/*", i),
        };
        cr_assert_eq(route_table_add(table, &pattern, i), i);
    }
    route_table_seal(table);
    struct route_match match = route_find_counted(table, TEXT("GET"), text_of(path), &nodes);
    cr_expect_eq(match.result, ROUTE_FOUND, "%s", path);
    store_finish(&store);
    return nodes;
}

Test(route, ten_thousand_routes_cost_no_more_than_ten)
{
    cr_assert_eq(nodes_with(10000, "/service/9/7"), nodes_with(10, "/service/9/7"));
    cr_assert_eq(nodes_with(10000, "/team-8/app/x/y"), nodes_with(10, "/team-8/app/x/y"));
    cr_assert_leq(nodes_with(10000, "/service/9999/7"), 4);
}

/* Two patterns for each place where literal and name part: the worst that can be written down. */
Test(route, a_lookup_never_looks_at_more_nodes_than_there_are)
{
    struct store store = {0};
    struct route_table *table = route_table_create(&store);
    char path[] = "/a/a/a/a/a/a/a/a/a/a/a/a/b";
    size_t nodes;

    for (size_t i = 0; i < 13; i++) {
        char *text = store_string(&store, "");
        for (size_t j = 0; j < 13; j++)
            text = store_print(&store, j == i ? "%s/a" : "%s/{n%zu}", text, j);
        struct pattern pattern = {.methods = METHODS_ANY, .path = text};
        cr_assert_eq(route_table_add(table, &pattern, i), i);
    }
    route_table_seal(table);
    struct route_match match = route_find_counted(table, TEXT("GET"), text_of(path), &nodes);
    cr_assert_eq(match.result, ROUTE_FOUND);
    match = route_find_counted(table, TEXT("GET"), text_of("/b/b/b/b/b/b/b/b/b/b/b/b/b"), &nodes);
    cr_assert_eq(match.result, ROUTE_NONE);
    cr_assert_leq(nodes, table->nodes_count);
    store_finish(&store);
}

/* The same, slowly, from the contract alone. */

static bool matches_slowly(const char *pattern, const char *path, char kinds[static 16])
{
    const char *pattern_at = pattern + 1;
    const char *path_at = path + 1;
    size_t depth = 0;

    while (pattern_at && path_at) {
        struct text wanted = segment_next(&pattern_at, pattern + strlen(pattern));
        struct text given = segment_next(&path_at, path + strlen(path));
        enum segment_kind kind = segment_kind(wanted);
        kinds[depth++] = (char)('0' + (int)kind);
        kinds[depth] = '\0';
        if (kind == SEGMENT_REST)
            return true;
        if (kind == SEGMENT_NAME ? given.count == 0 : !text_is(wanted, given))
            return false;
    }
    return !pattern_at && !path_at;
}

/* The first in the order of kinds, left to right; -1: none. */
static int find_slowly(char (*patterns)[64], size_t count, const char *path)
{
    char best[16] = "";
    char kinds[16];
    int found = -1;

    for (size_t i = 0; i < count; i++) {
        if (!matches_slowly(patterns[i], path, kinds))
            continue;
        if (found < 0 || strcmp(kinds, best) < 0) {
            found = (int)i;
            memcpy(best, kinds, sizeof best);
        }
    }
    return found;
}

/* path has room for 64 bytes. */
static void make_path(char *path, const char *const *segments, unsigned kinds)
{
    size_t depth = 1 + (size_t)rand() % 4;
    size_t length = 0;

    for (size_t i = 0; i < depth; i++) {
        const char *segment = segments[(unsigned)rand() % kinds];
        if (strcmp(segment, "*") == 0 && i + 1 < depth)
            segment = "a";
        length += (size_t)snprintf(path + length, 64 - length, "/%s", segment);
        if (*segment == '{')
            path[length - 2] = (char)('p' + (char)i);
    }
}

/* Adds random patterns, leaving out those that are there already. Returns how many. */
static size_t add_random(struct route_table *table, struct store *store, char (*patterns)[64])
{
    static const char *const segments[] = {"a", "b", "{x}", "{x}", "*", ""};
    size_t count = 0;

    for (size_t i = 0; i < 12; i++) {
        struct pattern pattern = {.methods = METHODS_ANY};
        make_path(patterns[count], segments, 6);
        pattern.path = store_string(store, patterns[count]);
        if (route_table_add(table, &pattern, count) == count)
            count++;
    }
    route_table_seal(table);
    return count;
}

Test(route, random_tables_agree_with_a_slow_search)
{
    static const char *const segments[] = {"a", "b", "c", ""};
    unsigned seed = 20240607;
    size_t found = 0;

    srand(seed);
    for (size_t round = 0; round < 2000; round++) {
        struct store store = {0};
        struct route_table *table = route_table_create(&store);
        char patterns[12][64];
        char path[64];
        size_t count = add_random(table, &store, patterns);
        for (size_t i = 0; i < 20; i++) {
            make_path(path, segments, 4);
            int wanted = find_slowly(patterns, count, path);
            struct route_match match = route_find(table, TEXT("GET"), text_of(path));
            int got = match.result == ROUTE_FOUND ? (int)match.route : -1;
            cr_assert_eq(got, wanted, "seed %u, round %zu: %s takes %s, not %s", seed, round, path,
                         got < 0 ? "none" : patterns[got], wanted < 0 ? "none" : patterns[wanted]);
            found += wanted >= 0;
        }
        store_finish(&store);
    }
    cr_assert_gt(found, 5000);
}
