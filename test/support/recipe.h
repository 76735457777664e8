/* A configuration of conf/recipes, running as it is but for its addresses: they would be taken by
 * whatever else runs on the machine. */
#pragma once

#include "test/support/world.h"

/* An upstream of the recipe that the test plays, instead of the recipe's stub. */
struct part {
    const char *upstream;
    struct origin *origin;
};

/* Starts the program with conf/recipes/NAME.ini; parts end with one without a name. To be ended
 * with recipe_stop. */
struct world *recipe_start(const char *name, const struct part *parts);
#define RECIPE(name, ...) recipe_start(name, (const struct part[]){__VA_ARGS__{NULL, NULL}})

void recipe_stop(struct world *world);

/* The text of a file in conf/recipes, owned by the caller. */
char *recipe_text(const char *file);
