/* The ledger of one request: what each call was granted, what it used and how it ended. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "budget/span.h"

/* How a call stands, in the order of its life; everything after CALL_RUNNING is an end. */
enum call_outcome {
    CALL_WAITING,     /* its step has not come */
    CALL_RUNNING,     /* granted and started */
    CALL_OK,          /* an answer, complete */
    CALL_SKIPPED,     /* optional, and too little time to start it */
    CALL_CANCELLED,   /* nobody waited for it any more */
    CALL_TIMEOUT,     /* its grant ran out while it waited for an answer */
    CALL_QUEUED_OUT,  /* its grant ran out before a connection was free */
    CALL_UNSENT,      /* too little was left to tell the upstream when it could have been sent */
    CALL_UPLOAD_OUT,  /* its grant ran out while the client was still sending the body */
    CALL_DNS_TIMEOUT, /* its grant ran out before the name was resolved */
    CALL_CONNECT_TIMEOUT,
    CALL_DNS_ERROR,
    CALL_REFUSED,    /* no connection could be made */
    CALL_BROKEN,     /* the connection ended before the answer was complete */
    CALL_INVALID,    /* what came is not an HTTP answer, or one that must not be passed on */
    CALL_TOO_LARGE,  /* its body is larger than what is kept of one */
    CALL_UNFILLED,   /* a template of it had no value, or one that may not stand there */
    CALL_QUEUE_FULL, /* too many calls wait for a connection already */
    CALL_NO_MEMORY,  /* its body could not be kept: the proxy holds as much as it may */
    CALL_STATUS,     /* a complete answer with status 300 or more, where a good one was needed */
};

struct ledger_entry {
    enum call_outcome outcome;
    int status; /* of its response; 0 when there was none */
    unsigned attempts;
    struct span granted;
    struct instant started;
    struct instant ended; /* set with every outcome after CALL_RUNNING */
    bool came_late;       /* its answer was found after its grant, but may have come in time */
};

/* "ok", "timeout", "skipped", ...: one word, a token, for logs and metrics. */
const char *call_outcome_name(enum call_outcome outcome);

void ledger_start(struct ledger_entry *entry, struct span granted, struct instant now);

/* Ends a call that is waiting or running, once: a second end is a mistake of the program. */
void ledger_end(struct ledger_entry *entry, enum call_outcome outcome, struct instant now);

/* When its grant is over. */
struct instant ledger_due(const struct ledger_entry *entry);

/* When it ended, or now while it runs. For one that was started, or skipped. */
struct instant ledger_over(const struct ledger_entry *entry, struct instant now);

/* What it used until it ended, or until now while it runs. Nothing when it never started. */
struct span ledger_used(const struct ledger_entry *entry, struct instant now);

/* The time in which at least one of these calls ran. */
struct span ledger_busy(const struct ledger_entry *entries, size_t count, struct instant now);
