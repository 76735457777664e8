/* Whose result counts for a call: its own, or that of the one that stands in for it. */
#pragma once

#include <stddef.h>

#include "proxy/exchange.h"

static inline struct call *result_of(const struct exchange *exchange, size_t call)
{
    return &exchange->calls[plan_stand_in(&exchange->plan, call)];
}
