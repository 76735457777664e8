/* Checks across options. Each complains for itself. */
#pragma once

#include "conf/build.h"

/* That [budget] fits together. */
void check_budget(const struct draft *draft);

/* That the minima of a route fit its default budget, and, as a warning, its budgets. `calls` are
 * the sections of its calls, in their order; NULL for a route without. */
void check_route_budget(const struct builder *builder, const struct section *route,
                        struct section *const *calls);

/* That what one call says fits together. */
void check_call(const struct builder *builder, const struct section *section,
                const struct conf_call *call, enum answer_kind answers);

/* Warns of options that matter only when the body of a call's answer is needed, and it is not. */
void check_unread(const struct builder *builder, const struct section *section,
                  const struct conf_call *call);

/* That no two listeners want the same address. */
void check_listeners(const struct draft *draft);

/* That each call has a step and each upstream a call. */
void check_used(const struct draft *draft);
