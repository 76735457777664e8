#include "budget/ledger.h"

#include <assert.h>

const char *call_outcome_name(enum call_outcome outcome)
{
    static const char *const names[] = {
        [CALL_WAITING] = "waiting",
        [CALL_RUNNING] = "running",
        [CALL_OK] = "ok",
        [CALL_SKIPPED] = "skipped",
        [CALL_CANCELLED] = "cancelled",
        [CALL_TIMEOUT] = "timeout",
        [CALL_QUEUED_OUT] = "queue_timeout",
        [CALL_UNSENT] = "unsent",
        [CALL_UPLOAD_OUT] = "upload_timeout",
        [CALL_DNS_TIMEOUT] = "dns_timeout",
        [CALL_CONNECT_TIMEOUT] = "connect_timeout",
        [CALL_DNS_ERROR] = "dns_error",
        [CALL_REFUSED] = "refused",
        [CALL_BROKEN] = "broken",
        [CALL_INVALID] = "invalid",
        [CALL_TOO_LARGE] = "too_large",
        [CALL_UNFILLED] = "unfilled",
        [CALL_STATUS] = "status",
    };

    return names[outcome];
}

void ledger_start(struct ledger_entry *entry, struct span granted, struct instant now)
{
    assert(entry->outcome == CALL_WAITING);
    entry->outcome = CALL_RUNNING;
    entry->granted = granted;
    entry->started = now;
}

void ledger_end(struct ledger_entry *entry, enum call_outcome outcome, struct instant now)
{
    assert(entry->outcome == CALL_WAITING || entry->outcome == CALL_RUNNING);
    assert(outcome > CALL_RUNNING);
    /* One that never started used nothing. */
    if (entry->outcome == CALL_WAITING)
        entry->started = now;
    entry->outcome = outcome;
    entry->ended = now;
}

struct instant ledger_due(const struct ledger_entry *entry)
{
    assert(entry->outcome != CALL_WAITING);
    return instant_after(entry->started, entry->granted);
}

struct span ledger_used(const struct ledger_entry *entry, struct instant now)
{
    if (entry->outcome == CALL_WAITING)
        return SPAN_NONE;
    return span_since(entry->started, entry->outcome == CALL_RUNNING ? now : entry->ended);
}
