#include "conf/route.h"

#include <assert.h>

#include "conf/route_table.h"

/* One lookup. It goes down the tree, at each segment literal before {name} before *, and comes back
 * up where a branch has nothing for this path and method. A node is looked at once at most. */
struct search {
    const struct route_table *table;
    const char *end; /* of the path */
    method_set method;
    method_set nearest_refusal; /* methods of the most specific pattern that matched */
    method_set refusals;        /* methods of all patterns that matched */
    struct route_match match;
    size_t nodes;
};

/* Is there a route for the method at the end of this pattern? */
static bool take_leaf(struct search *search, uint32_t first)
{
    method_set refused = 0;

    for (uint32_t i = first; i != LEAF_NONE; i = search->table->leaves[i].next) {
        const struct route_leaf *leaf = &search->table->leaves[i];
        if (leaf->methods & search->method) {
            search->match.result = ROUTE_FOUND;
            search->match.route = leaf->route;
            return true;
        }
        refused |= leaf->methods;
    }
    if (search->refusals == 0)
        search->nearest_refusal = refused;
    search->refusals |= refused;
    return false;
}

/* at: the rest of the path, behind a slash; NULL when it has come to its end. Goes no deeper than
 * the longest pattern. */
static bool visit(struct search *search, uint32_t index, const char *at)
{
    const struct route_node *node = &search->table->nodes[index];

    search->nodes++;
    if (!at)
        return take_leaf(search, node->own);
    struct text segment = segment_next(&at, search->end);
    uint32_t child = route_table_child(search->table, index, segment);
    if (child != NODE_NONE && visit(search, child, at))
        return true;
    if (node->name != NODE_NONE && segment.count > 0) {
        struct route_match *match = &search->match;
        assert(match->names_count < ROUTE_NAMES_MAX);
        match->names[match->names_count++] = segment;
        if (visit(search, node->name, at))
            return true;
        match->names_count--;
    }
    return take_leaf(search, node->rest);
}

static const char *find_allow(const struct route_table *table, method_set methods)
{
    size_t low = 0;
    size_t high = table->allows_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (table->allows[middle].methods == methods)
            return table->allows[middle].text;
        if (table->allows[middle].methods < methods)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static void refuse(struct search *search)
{
    struct route_match *match = &search->match;

    match->names_count = 0;
    match->result = search->refusals == 0 ? ROUTE_NONE : ROUTE_OTHER_METHOD;
    if (match->result == ROUTE_NONE)
        return;
    match->allow = find_allow(search->table, search->refusals);
    if (!match->allow)
        match->allow = find_allow(search->table, search->nearest_refusal);
    assert(match->allow);
}

struct route_match route_find_counted(const struct route_table *table, struct text method,
                                      struct text path, size_t *ret_nodes)
{
    struct search search = {
        .table = table,
        .end = path.at + path.count,
        .method = method_of(method),
    };
    bool is_found = false;

    if (text_is(path, TEXT("*")))
        is_found = take_leaf(&search, table->nodes[NODE_ROOT].rest);
    else if (path.count > 0 && path.at[0] == '/')
        is_found = visit(&search, NODE_ROOT, path.at + 1);
    if (!is_found)
        refuse(&search);
    *ret_nodes = search.nodes;
    return search.match;
}

struct route_match route_find(const struct route_table *table, struct text method, struct text path)
{
    size_t nodes;

    return route_find_counted(table, method, path, &nodes);
}
