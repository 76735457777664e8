#include "budget/allowance.h"

#include <assert.h>

static_assert((int64_t)(ALLOWANCE_CAP + 1) * SHARE_WHOLE <= INT32_MAX, "the bank cannot overflow");

void allowance_init(struct allowance *allowance, int32_t share)
{
    assert(share >= 0 && share <= SHARE_WHOLE);
    allowance->share = share;
    allowance->banked = share > 0 ? ALLOWANCE_FLOOR * SHARE_WHOLE : 0;
}

void allowance_earn(struct allowance *allowance)
{
    allowance->banked += allowance->share;
    if (allowance->banked > ALLOWANCE_CAP * SHARE_WHOLE)
        allowance->banked = ALLOWANCE_CAP * SHARE_WHOLE;
}

bool allowance_take(struct allowance *allowance)
{
    if (allowance->banked < SHARE_WHOLE)
        return false;
    allowance->banked -= SHARE_WHOLE;
    return true;
}
