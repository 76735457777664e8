/* Checks across options. Each complains for itself. */
#pragma once

#include "conf/build.h"
#include "conf/route_calls.h"

/* That [budget] fits together. */
void check_budget(const struct draft *draft);

/* That the minima of a route fit its default budget, and, as a warning, its budgets. `calls` are
 * the sections of its calls, in their order; NULL for a route without. */
void check_route_budget(const struct builder *builder, const struct section *route,
                        struct section *const *calls);

/* Warns of what can never happen under the default budget of a route, as a rehearsal of its plan
 * shows: a budget that is never granted in full, a retry or a hedge that never fits, an optional
 * call that is always skipped. section is the route's. To be asked after check_route_budget, which
 * says more of a route that cannot work; what that or check_call has said is not said again. */
void check_plan(const struct builder *builder, const struct section *section,
                struct section *const *calls);

/* That what one call of a route says fits together. number: its index among the route's calls. */
void check_call(const struct builder *builder, const struct route_calls *calls, size_t number);

/* Warns of options that matter only when the body of a call's answer is needed, and it is not. */
void check_unread(const struct builder *builder, const struct route_calls *calls, size_t number);

/* Warns of templates of a call that need more of an optional call than it gives when it fails. To be
 * asked, as check_unread, where no template has a fault. */
void check_gaps(const struct builder *builder, const struct route_calls *calls, size_t number);

/* Warns of options of [budget] and the routes that another option leaves without effect. */
void check_modes(const struct draft *draft);

/* The same of the log, and of the upstreams. */
void check_log(const struct draft *draft);
void check_upstreams(const struct draft *draft);

/* That no two listeners want the same address and, as a warning, that only this machine can reach
 * the admin listener. */
void check_listeners(const struct draft *draft);

/* That each call has a step and, as a warning, each upstream a call. */
void check_used(const struct draft *draft);
