/* Setters: each turns the text of one option into a field. One per kind of value. */
#pragma once

#include "budget/plan.h"
#include "budget/span.h"
#include "conf/conf.h"
#include "conf/store.h"

/* Writes what text says into field. Returns NULL, or how the sentence "budget.default ..." ends:
 * a literal, or in the store. What the field comes to own lies in the store too. */
typedef const char *option_set(void *field, const char *text, struct store *store);

/* What stands in for a call that failed: a body as it is, or another call. */
struct fallback {
    struct text body; /* at NULL: none */
    char *call;       /* NULL: none */
};

struct latency {
    enum latency_kind kind;
    struct span low;
    struct span high;
};

option_set set_text;        /* char *, anything */
option_set set_name;        /* char *, a name as of a section */
option_set set_span;        /* struct span, may be nothing */
option_set set_some_span;   /* struct span, more than nothing */
option_set set_share;       /* int32_t, in millionths */
option_set set_local;       /* struct amount: fixed or share */
option_set set_reply;       /* struct amount: the same or auto */
option_set set_call_budget; /* struct amount: the same or rest, more than nothing */
option_set set_latency;     /* struct latency */
option_set set_workers;     /* unsigned, 0 for auto */
option_set set_clients;     /* unsigned, from 1 */
option_set set_connections; /* unsigned, 1 to 65535 */
option_set set_queue;       /* unsigned, 0 to 65535 */
option_set set_recent;      /* unsigned, 0 to 10000 */
option_set set_status;      /* int, 200 to 599 */
option_set set_header_size; /* size_t */
option_set set_body_size;   /* size_t, more than nothing */
option_set set_first_size;  /* size_t, may be nothing */
option_set set_memory_size; /* size_t, from 1MiB */
option_set set_fallback;    /* struct fallback */

/* When and how often a call is tried again, or a second time at once. */
option_set set_retries;  /* unsigned, 0 to 10 */
option_set set_retry_on; /* struct retry_on */
option_set set_attempt;  /* struct span, more than nothing, SPAN_FOREVER for rest */
option_set set_hedge;    /* struct hedge_policy */

/* Words that choose: bool, true for the second. */
option_set set_malformed;  /* default, reject */
option_set set_scale;      /* cap, proportional */
option_set set_mode;       /* enforce, observe */
option_set set_half_close; /* abort, continue */
option_set set_on_expiry;  /* cancel, drain */
option_set set_yes;        /* no, yes */
option_set set_log_format; /* logfmt, json */

/* And others. */
option_set set_expose;     /* enum expose */
option_set set_log;        /* char *: stderr, off or a path */
option_set set_log_when;   /* struct log_when */
option_set set_log_sample; /* int32_t, in millionths, -1 for auto */
