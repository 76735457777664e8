/* The kinds of sections, and what is kept of the settings of each. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "conf/address.h"
#include "conf/conf.h"
#include "conf/field.h"
#include "conf/pattern.h"
#include "conf/steps.h"

enum section_kind {
    SECTION_PROXY,
    SECTION_BUDGET,
    SECTION_UPSTREAM,
    SECTION_ROUTE,
    SECTION_CALL,
    SECTION_STUB,
    SECTION_KINDS,
};

/* "proxy", "route", ... */
const char *section_word(enum section_kind kind);

/* As it stands in brackets: "proxy", "route NAME", "call ROUTE.NAME". */
const char *section_form(enum section_kind kind);

/* Of the kind's draft, below: in bytes. */
size_t section_draft_size(enum section_kind kind);

struct proxy_draft {
    struct address_list listens;
    struct trust_list trusts;
    struct conf_proxy made; /* all but the lists */
};

/* What [budget] says for all routes and a route may say for itself. */
struct budget_draft {
    struct span standard; /* default */
    struct span max;
    struct amount local;
    struct amount reply;
    bool rejects_malformed;
    bool proportional;
    bool observes;         /* mode = observe */
    int32_t enforce_share; /* in millionths, of the requests under it */
    bool outlives_half_close;
    size_t buffer_first;
    enum expose expose;
    struct wire_list headers; /* of [budget] only */
};

struct upstream_draft {
    struct conf_upstream made; /* all but the list and what its calls make of it */
    struct wire_list tells;
    bool is_hedged; /* a call to it has a hedge */
};

struct route_draft {
    struct budget_draft budget;
    struct pattern pattern;
    struct steps steps;
    char *answer; /* a call, or merge, which no call is named */
    char *upstream;
};

struct call_draft {
    char *upstream;
    struct request request;
    struct header_list headers;
    char *body;
    size_t body_max;
    struct fallback fallback;
    struct retry_policy retry; /* all but min */
    struct hedge_policy hedge;
    struct call_policy policy;
};

struct stub_draft {
    struct conf_stub made; /* all but the latency */
    struct latency latency;
};
