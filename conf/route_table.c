#include "conf/route_table.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Unions of the methods of several patterns are listed up to this many. */
enum { ALLOWS_MAX = 1024, EDGES_AT_FIRST = 16 };

static bool is_unreserved(int c)
{
    int letter = c | 0x20;

    return (letter >= 'a' && letter <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == '_' || c == '~';
}

/* The next character of a segment as RFC 3986 section 6.2.2 compares it: an encoded unreserved
 * character is itself, another encoded one is told apart from a bare one. */
static unsigned next_unit(const char **at, const char *end)
{
    unsigned char c = (unsigned char)*(*at)++;

    if (c != '%' || end - *at < 2)
        return c;
    int high = text_hex_digit((*at)[0]);
    int low = text_hex_digit((*at)[1]);
    if (high < 0 || low < 0)
        return c;
    *at += 2;
    int decoded = high * 16 + low;
    return (unsigned)decoded | (is_unreserved(decoded) ? 0u : 0x100u);
}

static uint64_t hash_of(uint32_t from, struct text segment)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325) ^ from;
    const char *end = segment.at + segment.count;

    for (const char *at = segment.at; at < end;)
        hash = (hash ^ next_unit(&at, end)) * UINT64_C(0x100000001b3);
    hash ^= hash >> 32;
    hash *= UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ hash >> 29;
}

static bool is_same(struct text a, struct text b)
{
    const char *a_end = a.at + a.count;
    const char *b_end = b.at + b.count;

    while (a.at < a_end && b.at < b_end) {
        if (next_unit(&a.at, a_end) != next_unit(&b.at, b_end))
            return false;
    }
    return a.at == a_end && b.at == b_end;
}

/* The edge, or the free place where it would be. */
static struct route_edge *find_edge(const struct route_table *table,
                                    const struct route_edge *wanted)
{
    for (size_t i = wanted->hash;; i++) {
        struct route_edge *edge = &table->edges[i & (table->edges_room - 1)];
        if (edge->to == NODE_NONE || (edge->hash == wanted->hash && edge->from == wanted->from &&
                                      is_same(edge->segment, wanted->segment)))
            return edge;
    }
}

uint32_t route_table_child(const struct route_table *table, uint32_t from, struct text segment)
{
    struct route_edge wanted = {.segment = segment, .from = from};

    wanted.hash = hash_of(from, segment);
    return find_edge(table, &wanted)->to;
}

static void make_room(struct route_table *table)
{
    struct route_edge *old = table->edges;
    size_t old_room = table->edges_room;

    if (table->edges_count * 2 < old_room)
        return;
    table->edges_room = old_room * 2;
    table->edges = store_take(table->store, table->edges_room * sizeof *table->edges);
    for (size_t i = 0; i < old_room; i++) {
        if (old[i].to != NODE_NONE)
            *find_edge(table, &old[i]) = old[i];
    }
}

static uint32_t add_node(struct route_table *table)
{
    assert(table->nodes_count < UINT32_MAX);
    table->nodes = store_grow(table->store, table->nodes, table->nodes_count, sizeof *table->nodes);
    table->nodes[table->nodes_count] = (struct route_node){0};
    return (uint32_t)table->nodes_count++;
}

static uint32_t add_leaf(struct route_table *table, struct route_leaf leaf)
{
    assert(table->leaves_count < UINT32_MAX);
    table->leaves =
        store_grow(table->store, table->leaves, table->leaves_count, sizeof *table->leaves);
    table->leaves[table->leaves_count] = leaf;
    return (uint32_t)table->leaves_count++;
}

struct route_table *route_table_create(struct store *store)
{
    struct route_table *table = store_take(store, sizeof *table);

    table->store = store;
    table->edges_room = EDGES_AT_FIRST;
    table->edges = store_take(store, table->edges_room * sizeof *table->edges);
    (void)add_node(table);
    (void)add_leaf(table, (struct route_leaf){0});
    return table;
}

static uint32_t walk_literal(struct route_table *table, uint32_t from, struct text segment)
{
    make_room(table);
    struct route_edge wanted = {.segment = segment, .from = from};
    wanted.hash = hash_of(from, segment);
    struct route_edge *edge = find_edge(table, &wanted);
    if (edge->to == NODE_NONE) {
        wanted.to = add_node(table);
        *edge = wanted;
        table->edges_count++;
    }
    return edge->to;
}

static uint32_t walk_name(struct route_table *table, uint32_t from)
{
    if (table->nodes[from].name == NODE_NONE) {
        uint32_t node = add_node(table);
        table->nodes[from].name = node;
    }
    return table->nodes[from].name;
}

size_t route_table_add(struct route_table *table, const struct pattern *pattern, size_t route)
{
    uint32_t node = NODE_ROOT;
    enum segment_kind kind = SEGMENT_LITERAL;
    const char *end = pattern->path + strlen(pattern->path);

    for (const char *at = pattern->path + 1; at && kind != SEGMENT_REST;) {
        struct text segment = segment_next(&at, end);
        kind = segment_kind(segment);
        if (kind == SEGMENT_LITERAL)
            node = walk_literal(table, node, segment);
        else if (kind == SEGMENT_NAME)
            node = walk_name(table, node);
    }
    bool is_rest = kind == SEGMENT_REST;
    uint32_t first = is_rest ? table->nodes[node].rest : table->nodes[node].own;
    for (uint32_t i = first; i != LEAF_NONE; i = table->leaves[i].next) {
        if (table->leaves[i].methods & pattern->methods)
            return table->leaves[i].route;
    }
    uint32_t leaf = add_leaf(table, (struct route_leaf){pattern->methods, route, first});
    *(is_rest ? &table->nodes[node].rest : &table->nodes[node].own) = leaf;
    return route;
}

static void add_allow(struct route_table *table, method_set methods)
{
    for (size_t i = 0; i < table->allows_count; i++) {
        if (table->allows[i].methods == methods)
            return;
    }
    table->allows =
        store_grow(table->store, table->allows, table->allows_count, sizeof *table->allows);
    table->allows[table->allows_count++] =
        (struct route_allow){.methods = methods, .text = method_list(methods, table->store)};
}

/* A leaf stands for all routes of its pattern: those chained behind it have been added before. */
static void add_pattern_allow(struct route_table *table, uint32_t leaf)
{
    method_set methods = 0;

    for (; leaf != LEAF_NONE; leaf = table->leaves[leaf].next)
        methods |= table->leaves[leaf].methods;
    if (methods != 0 && methods != METHODS_ANY)
        add_allow(table, methods);
}

static int compare_allows(const void *a, const void *b)
{
    const struct route_allow *one = a;
    const struct route_allow *other = b;

    return one->methods < other->methods ? -1 : one->methods > other->methods;
}

/* Several patterns can match one path: Allow then names the methods of all of them. */
void route_table_seal(struct route_table *table)
{
    for (size_t i = 0; i < table->nodes_count; i++) {
        add_pattern_allow(table, table->nodes[i].own);
        add_pattern_allow(table, table->nodes[i].rest);
    }
    size_t singles = table->allows_count;
    for (size_t i = 0; i < table->allows_count; i++) {
        for (size_t j = 0; j < singles && table->allows_count < ALLOWS_MAX; j++)
            add_allow(table, table->allows[i].methods | table->allows[j].methods);
    }
    if (table->allows_count > 0)
        qsort(table->allows, table->allows_count, sizeof *table->allows, compare_allows);
}
