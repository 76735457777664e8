/* A world in which calls may stand in for others, for tests. */
#pragma once

#include "test/support/world.h"

#define JSON(status, length, text) \
    "HTTP/1.1 " status " So\r\nContent-Length: " length "\r\n\r\n" text
#define SAD JSON("503", "3", "sad")
#define LIVE JSON("200", "8", "[\"live\"]")
#define KEPT JSON("200", "8", "[\"kept\"]")
#define MORE JSON("200", "8", "[\"more\"]")

/* Calls live, kept and more, each with its upstream; where nobody listens for NULL. */
struct scene {
    struct world *world;
    struct origin *live;
    struct origin *kept;
    struct origin *more;
};

static inline unsigned port_of(const struct origin *origin)
{
    return origin != NULL ? origin_port(origin) : 1;
}

#define PLAN_LIVE "[call r.live]\nupstream = live\nrequest = GET /live\nfallback = call kept\n"
#define PLAN_KEPT "[call r.kept]\nupstream = kept\nrequest = GET /kept\n"
#define PLAN_MORE "[call r.more]\nupstream = more\nrequest = GET /more\n"

/* kept: further keys of its upstream; route: the keys of the route and its calls. */
static inline struct scene scene_open(struct scene scene, const char *kept, const char *route)
{
    scene.world =
        world_start(WORLD_PATIENT "[upstream live]\nurl = http://127.0.0.1:%u\n"
                                  "[upstream kept]\nurl = http://127.0.0.1:%u\n%s"
                                  "[upstream more]\nurl = http://127.0.0.1:%u\n"
                                  "[route r]\nmatch = /*\n%s",
                    port_of(scene.live), port_of(scene.kept), kept, port_of(scene.more), route);
    return scene;
}

static inline struct origin *says(const char *answer)
{
    return origin_answering(answer, 0);
}
