/* A world with an upstream of each kind, and a set of requests of each kind, whatever may become of
 * them: passed through, large both ways, merged, tried again, hedged, late, left by the client. */
#pragma once

#include <stdbool.h>

#include "budget/checked.h"

struct stage {
    const char *label; /* borrowed; goes with all that is said when a test fails */
    struct name_server *names;
    struct world *world;
    struct origin *rows;   /* answers all GETs but those below */
    struct origin *sink;   /* takes the POST */
    struct origin *silent; /* never answers */
    int well;              /* how many of the set's requests had the answer that they should */
};

enum { STAGE_ANSWERS = 10 };

void stage_start(struct stage *stage, const char *label);

/* Each ends in time, with an answer that is right or visibly with none. Returns how many were
 * answered as they should be when nothing fails, of STAGE_ANSWERS. */
int stage_make_requests(struct stage *stage);

/* Is a further request served? Then nothing may be left of those before; and whatever was sent
 * upstream was asked for. */
CHECKED bool stage_serves(struct stage *stage);

/* Ends the world. The exit code of the program, and what it said, as of world_end. */
int stage_end(struct stage *stage, char **ret_said);
