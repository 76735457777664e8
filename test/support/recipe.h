/* A configuration of conf/recipes or conf/troubleshooting, running as it is but for its addresses:
 * they would be taken by whatever else runs on the machine. */
#pragma once

#include <stdbool.h>

#include "test/support/world.h"

/* An upstream of the file that the test plays on this port of 127.0.0.1, instead of the file's stub;
 * or a name server for "resolver". */
struct part {
    const char *upstream;
    unsigned port;
};

/* Starts the program with conf/NAME.ini; parts end with one without a name. To be ended with
 * recipe_stop. is_mended: after the change that its marks show, "; instead: LINE" below the line
 * that it stands for, and "; add: LINE". */
struct world *recipe_start(const char *name, bool is_mended, const struct part *parts);
#define RECIPE(name, ...) \
    recipe_start("recipes/" name, false, (const struct part[]){__VA_ARGS__{NULL, 0}})

void recipe_stop(struct world *world);

/* The same after the test has stopped the program itself. */
void recipe_stopped(struct world *world);

/* The text of a file in conf, owned by the caller. */
char *recipe_text(const char *file);

/* How many such marks the text has. */
size_t recipe_changes(const char *text);
