/* The body of a response that is kept: for the merge, or for templates of later calls. Part of the
 * call: nobody else uses it. */
#pragma once

#include "budget/checked.h"
#include "budget/ledger.h"

struct call;

/* Keeps what its attempt has brought. CALL_OK, or that this is more than is kept of one. */
CHECKED enum call_outcome keep_more(struct call *call);

/* The body is complete. CALL_OK, or what is wrong with it. */
CHECKED enum call_outcome keep_end(struct call *call);
