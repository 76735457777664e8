/* From the sections of the file to struct conf, with all checks of what belongs together. */
#pragma once

#include "conf/conf.h"
#include "conf/draft.h"

struct builder {
    struct draft *draft;             /* borrowed */
    struct conf *conf;               /* borrowed: is filled in */
    const struct section **sections; /* of the routes, in their order */
};

/* Fills in conf, which then shares the draft's store. Worth something only when the complaints hold
 * no mistake afterwards. */
void build_conf(struct draft *draft, struct conf *conf);

/* One route with its calls. */
void build_route(struct builder *builder, const struct section *section);

/* One call of a route. scope: what its templates may speak of. */
struct conf_call build_call(struct builder *builder, const struct section *section,
                            const struct template_scope *scope);

/* The index of the upstream that a section's key `upstream` names, 0 with a complaint when there
 * is none. */
size_t build_upstream(struct builder *builder, const struct section *section, const char *name);
