#include "proxy/ending.h"

#include <assert.h>

const char *ending_name(enum ending ending)
{
    static const char *const names[] = {
        [ENDING_OK] = "ok",           [ENDING_UPSTREAM_5XX] = "upstream_5xx",
        [ENDING_TIMEOUT] = "timeout", [ENDING_FAILED] = "failed",
        [ENDING_REFUSED] = "refused", [ENDING_CLIENT_GONE] = "client_gone",
        [ENDING_CUT] = "cut",         [ENDING_OVERLOAD] = "overload",
    };

    assert(ending < ENDINGS);
    return names[ending];
}
