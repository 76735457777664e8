/* How many further attempts an upstream is sent: a share of the calls that go there, so that an
 * upstream in trouble is not sent a multiple of its load. One for its retries, one for its hedges.
 * The bank is counted in millionths of an attempt: each call pays in its share, each further
 * attempt takes a whole one. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "budget/checked.h"
#include "budget/plan.h"

/* The bank begins with ALLOWANCE_FLOOR attempts, so that an upstream with few calls may be tried
 * again at all, and never holds more than ALLOWANCE_CAP, so that a quiet hour does not save up a
 * storm. Hence the bounds: of n calls at most n * share + ALLOWANCE_FLOOR are tried again, and of
 * any n in a row at most n * share + ALLOWANCE_CAP. */
enum { ALLOWANCE_FLOOR = 10, ALLOWANCE_CAP = 100 };

enum {
    ALLOWANCE_RETRIES = SHARE_WHOLE / 100 * 20, /* when the configuration names no share */
    ALLOWANCE_HEDGES = SHARE_WHOLE / 100 * 5,
};

struct allowance {
    int32_t share;  /* millionths: 0 to SHARE_WHOLE */
    int32_t banked; /* millionths of an attempt */
};

/* With a share of 0 nothing is ever allowed. */
void allowance_init(struct allowance *allowance, int32_t share);

/* Once for each call, when it starts; not for its further attempts. */
void allowance_earn(struct allowance *allowance);

/* Takes one attempt out of the bank. False: there is none. What was taken is not given back, even
 * if the attempt comes to nothing. Attempts that are under way are nobody's business here: an empty
 * bank ends none of them. */
CHECKED bool allowance_take(struct allowance *allowance);
