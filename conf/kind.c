#include "conf/kind.h"

#include <assert.h>

const char *section_word(enum section_kind kind)
{
    static const char *const words[] = {"proxy", "budget", "upstream", "route", "call", "stub"};

    static_assert(sizeof words / sizeof words[0] == SECTION_KINDS, "every kind has a word");
    return words[kind];
}

const char *section_form(enum section_kind kind)
{
    static const char *const forms[] = {
        "proxy", "budget", "upstream NAME", "route NAME", "call ROUTE.NAME", "stub NAME",
    };

    static_assert(sizeof forms / sizeof forms[0] == SECTION_KINDS, "every kind has a form");
    return forms[kind];
}

size_t section_draft_size(enum section_kind kind)
{
    static const size_t sizes[] = {
        [SECTION_PROXY] = sizeof(struct proxy_draft),
        [SECTION_BUDGET] = sizeof(struct budget_draft),
        [SECTION_UPSTREAM] = sizeof(struct upstream_draft),
        [SECTION_ROUTE] = sizeof(struct route_draft),
        [SECTION_CALL] = sizeof(struct call_draft),
        [SECTION_STUB] = sizeof(struct stub_draft),
    };

    return sizes[kind];
}
