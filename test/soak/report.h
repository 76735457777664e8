/* The end of a soak: what must hold, and a table of what was. */
#pragma once

#include "test/soak/backend.h"
#include "test/soak/vigil.h"

struct report {
    struct vigil *vigil;                  /* borrowed */
    const struct backend_counts *backend; /* borrowed */
    struct span ran;
    size_t descriptors_before;
    size_t descriptors_after;
    size_t kept; /* connections to the upstream that are still open after it */
    int exit_code;
    struct span stop_took;
};

/* Judges, and prints. What is wrong becomes a problem of the tally. */
void report_print(const struct report *report, FILE *out);
