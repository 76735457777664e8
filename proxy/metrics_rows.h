/* The table of metrics: one row for each, or two of the same name where two kinds of owners have it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proxy/metrics_view.h"

enum metrics_kind { KIND_COUNTER, KIND_GAUGE, KIND_DURATIONS, KIND_RATIOS };

struct metrics_row {
    const char *name;
    const char *help;
    enum metrics_kind kind;
    enum metrics_owner owner;
    size_t field;      /* within the owner's struct */
    const char *label; /* of counters that lie one behind the other; NULL: there is one only */
    const char *(*value)(unsigned); /* of the label */
    unsigned count;                 /* of its values */
    uint64_t always;     /* values that are shown when they are zero, too: a bit for each */
    bool is_of_observed; /* but only of routes of which requests are observed */
};

/* Values of the labels that /routes has too: of an enum ending, a reason, whose, a call_outcome. */
const char *ending_label(unsigned value);
const char *reason_label(unsigned value);
const char *whose_label(unsigned value);
const char *outcome_label(unsigned value);

/* In the order of the page; rows of one name stand together. */
extern const struct metrics_row metrics_rows[];
extern const size_t metrics_rows_count;
