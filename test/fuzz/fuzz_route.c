/* Routes and a path as anybody may write them. The input is lines: each but the last is a match, as
 * in a [route], the last is "METHOD path". What the table finds is compared with a walk over all
 * patterns, one by one. */
#include "conf/route_table.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

enum { ROUTES_MAX = 64 };

struct routes {
    struct route_table *table;
    struct store store;
    struct pattern patterns[ROUTES_MAX + 1]; /* room to read one more into */
    size_t count;
};

static void add_route(struct routes *routes, const char *match)
{
    struct pattern *pattern = &routes->patterns[routes->count];

    *pattern = (struct pattern){0};
    if (routes->count == ROUTES_MAX || strlen(match) > 200 ||
        set_match(pattern, match, &routes->store))
        return;
    if (route_table_add(routes->table, pattern, routes->count) == routes->count)
        routes->count++;
}

/* Does the pattern take the path, when literal segments are compared byte by byte? Percents make
 * the comparison of the table a different one: those paths are not asked for. */
static bool matches(const char *pattern, const char *path)
{
    const char *pattern_at = pattern + 1;
    const char *path_at = path + 1;

    while (pattern_at && path_at) {
        struct text wanted = segment_next(&pattern_at, pattern + strlen(pattern));
        struct text given = segment_next(&path_at, path + strlen(path));
        enum segment_kind kind = segment_kind(wanted);
        if (kind == SEGMENT_REST)
            return true;
        if (kind == SEGMENT_NAME ? given.count == 0 : !text_is(wanted, given))
            return false;
    }
    return !pattern_at && !path_at;
}

static void check_result(const struct routes *routes, struct text method, const char *path,
                         const struct route_match *match)
{
    enum route_result wanted = ROUTE_NONE;

    if (path[0] != '/' || strchr(path, '%'))
        return;
    for (size_t i = 0; i < routes->count; i++) {
        if (strchr(routes->patterns[i].path, '%'))
            return;
        if (!matches(routes->patterns[i].path, path))
            continue;
        bool has_method = routes->patterns[i].methods & method_of(method);
        wanted = has_method || wanted == ROUTE_FOUND ? ROUTE_FOUND : ROUTE_OTHER_METHOD;
    }
    if (wanted == ROUTE_FOUND)
        assert(match->result == ROUTE_FOUND && matches(routes->patterns[match->route].path, path));
    else
        assert(match->result == wanted);
}

static void look_up(struct routes *routes, const char *line)
{
    size_t count = strcspn(line, " ");
    struct text method = {.at = line, .count = count};
    const char *path = line + count + (line[count] == ' ');
    size_t nodes;
    struct route_match match = route_find_counted(routes->table, method, text_of(path), &nodes);

    assert(nodes <= routes->table->nodes_count);
    assert((match.result == ROUTE_OTHER_METHOD) == (match.allow != NULL));
    assert(match.names_count <= ROUTE_NAMES_MAX);
    if (match.result == ROUTE_FOUND)
        assert(match.route < routes->count);
    for (size_t i = 0; i < match.names_count; i++) {
        assert(match.names[i].at >= path && match.names[i].count > 0);
        assert(match.names[i].at + match.names[i].count <= path + strlen(path));
    }
    check_result(routes, method, path, &match);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    struct routes routes = {0};
    char *line = store_take(&routes.store, count + 1);
    char *end;

    if (count > 0)
        memcpy(line, bytes, count);
    routes.table = route_table_create(&routes.store);
    for (; (end = strchr(line, '\n')); line = end + 1) {
        *end = '\0';
        add_route(&routes, line);
    }
    route_table_seal(routes.table);
    look_up(&routes, line);
    store_finish(&routes.store);
    return 0;
}
