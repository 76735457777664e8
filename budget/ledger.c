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
        [CALL_QUEUE_FULL] = "queue_full",
        [CALL_NO_MEMORY] = "no_memory",
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

struct instant ledger_over(const struct ledger_entry *entry, struct instant now)
{
    assert(entry->outcome != CALL_WAITING);
    return entry->outcome == CALL_RUNNING ? now : entry->ended;
}

struct span ledger_used(const struct ledger_entry *entry, struct instant now)
{
    if (entry->outcome == CALL_WAITING)
        return SPAN_NONE;
    return span_since(entry->started, ledger_over(entry, now));
}

/* Of the calls that ran after a point in time, the one that started first. */
static const struct ledger_entry *next_after(struct instant point,
                                             const struct ledger_entry *entries, size_t count,
                                             struct instant now)
{
    const struct ledger_entry *first = NULL;

    for (size_t i = 0; i < count; i++) {
        const struct ledger_entry *entry = &entries[i];
        bool ran_on = entry->outcome != CALL_WAITING && ledger_over(entry, now).ns > point.ns;
        if (ran_on && (!first || entry->started.ns < first->started.ns))
            first = entry;
    }
    return first;
}

struct span ledger_busy(const struct ledger_entry *entries, size_t count, struct instant now)
{
    struct span busy = SPAN_NONE;
    struct instant point = {.ns = INT64_MIN}; /* all before it is counted */
    const struct ledger_entry *entry;

    while ((entry = next_after(point, entries, count, now))) {
        struct instant from = instant_max(entry->started, point);
        point = ledger_over(entry, now);
        busy = span_add(busy, span_until(point, from));
    }
    return busy;
}
