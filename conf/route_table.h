/* The compiled routes: a tree of path segments. All literal segments lie in one hash table, keyed
 * by node and segment, so that a lookup costs the same with ten routes and with ten thousand. */
#pragma once

#include <stdint.h>

#include "conf/method.h"
#include "conf/pattern.h"
#include "conf/route.h"
#include "conf/store.h"

enum { NODE_ROOT = 0, NODE_NONE = 0, LEAF_NONE = 0 };

struct route_node {
    uint32_t name; /* the node behind a {name} segment */
    uint32_t own;  /* the leaf of a path that ends here */
    uint32_t rest; /* the leaf of a * that stands here */
};

/* One route at the end of a pattern. Routes of one pattern differ in their methods. */
struct route_leaf {
    method_set methods;
    size_t route;
    uint32_t next;
};

/* From a node by a literal segment to a node. */
struct route_edge {
    struct text segment;
    uint64_t hash;
    uint32_t from;
    uint32_t to; /* NODE_NONE: this place is free */
};

/* What an Allow header says, for every set of methods that can be asked for. */
struct route_allow {
    method_set methods;
    const char *text;
};

struct route_table {
    struct store *store; /* borrowed: holds everything in here */
    struct route_node *nodes;
    size_t nodes_count;
    struct route_leaf *leaves; /* the first is not used */
    size_t leaves_count;
    struct route_edge *edges;
    size_t edges_room; /* a power of two, at least twice the number of edges */
    size_t edges_count;
    struct route_allow *allows; /* sorted by methods */
    size_t allows_count;
};

/* An empty table that lives as long as the store. */
struct route_table *route_table_create(struct store *store);

/* Adds a route. Returns its own number, or that of the route that takes the same requests. The
 * pattern's path is borrowed for the life of the table. */
CHECKED size_t route_table_add(struct route_table *table, const struct pattern *pattern,
                               size_t route);

/* To be called once, after the last route was added. */
void route_table_seal(struct route_table *table);

/* The node behind a literal segment; NODE_NONE when there is none. */
uint32_t route_table_child(const struct route_table *table, uint32_t from, struct text segment);

/* As route_find; counts the nodes that were looked at. */
struct route_match route_find_counted(const struct route_table *table, struct text method,
                                      struct text path, size_t *ret_nodes);
