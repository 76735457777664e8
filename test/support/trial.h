/* One request and its plan, tried out: all times are milliseconds since its first byte came. What
 * is expected and does not come fails the test that is running. */
#pragma once

#include "budget/plan.h"

/* Initialisers; a cast before one makes it a value. */
/* clang-format off */
#define MS(n) {.ns = (n) * NS_PER_MS}
#define FIXED(n) {.kind = AMOUNT_FIXED, .fixed = MS(n)}
#define PERCENT(n) {.kind = AMOUNT_SHARE, .share = (n) * SHARE_WHOLE / 100}
#define REST {.kind = AMOUNT_REST}
#define AUTO {.kind = AMOUNT_AUTO}
/* clang-format on */

struct trial {
    struct policy policy;
    struct ledger_entry ledger[8];
    struct plan plan;
};

struct instant at_ms(int64_t ms);

/* Opens a plan for a client that named no budget. */
void trial_open(struct trial *trial, struct policy policy);

/* Opens a plan for a client that asked for so much; a negative number is: for nothing. */
void trial_open_asked(struct trial *trial, struct policy policy, int64_t asked_ms);

/* Asks the plan at this time and expects this kind of decision. */
struct decision trial_expect(struct trial *trial, int64_t now_ms, enum decision_kind kind);

/* The same, for calls to be started. */
void trial_expect_calls(struct trial *trial, int64_t now_ms);

/* The same, for giving up, with the reason. */
struct decision trial_expect_end(struct trial *trial, int64_t now_ms, enum reason reason);

/* Expects a call to be running, with exactly this grant. */
void trial_expect_granted(const struct trial *trial, size_t call, int64_t ms);

/* Ends a running call. */
void trial_end(struct trial *trial, size_t call, enum call_outcome outcome, int64_t now_ms);

void expect_span(struct span span, int64_t ms);
void expect_point(struct instant point, int64_t ms);
