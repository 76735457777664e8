#include "budget/whose.h"

/* The end of its grant was noticed so late that an answer may have been there in time: the proxy itself
 * was kept from running. Where none had come even by then, the time was spent by others. */
static bool is_late(const struct plan *plan, const struct ledger_entry *entry)
{
    struct span least = span_max(plan->reply, span_ms(WHOSE_LATE_MS));

    return entry->came_late &&
           span_covers(ledger_used(entry, entry->ended), span_add(entry->granted, least));
}

/* Did another limit of the call's own end it: connect, attempt? Who waits for a place or a name
 * gives up while `min` is left (plan_start_by): that, too, is the end of the grant. */
static bool ended_before_grant(const struct ledger_entry *entry)
{
    bool is_waiting = entry->outcome == CALL_QUEUED_OUT || entry->outcome == CALL_DNS_TIMEOUT;

    return !is_waiting && !span_covers(ledger_used(entry, entry->ended), entry->granted);
}

/* Had the call all that its own budget comes to where clients do not ask for less, or was it ended
 * before that? */
static bool is_of_call(const struct plan *plan, size_t call)
{
    const struct ledger_entry *entry = &plan->ledger[call];
    struct span own = amount_span(plan->policy->calls[call].budget, plan->policy->default_budget);

    return span_covers(entry->granted, own) || ended_before_grant(entry);
}

static enum whose of_request(const struct plan *plan, const struct whose_end *end)
{
    if (plan->is_observed)
        return WHOSE_MAX;
    if (!end->has_asked)
        return WHOSE_DEFAULT;
    return span_covers(plan->asked, plan->policy->max) ? WHOSE_MAX : WHOSE_CLIENT;
}

/* A call was cut, or found no place, at the end of its grant. */
static enum whose of_grant(const struct plan *plan, const struct whose_end *end)
{
    size_t call = (size_t)end->call;

    if (is_late(plan, &plan->ledger[call]))
        return WHOSE_PROXY;
    return !plan->is_observed && is_of_call(plan, call) ? WHOSE_CALL : of_request(plan, end);
}

enum whose whose_limit(const struct plan *plan, const struct whose_end *end)
{
    switch (end->reason) {
    case REASON_CALL:
    case REASON_QUEUE:
        return end->call == NO_CALL ? of_request(plan, end) : of_grant(plan, end);
    case REASON_UPLOAD:
        return WHOSE_CLIENT;
    case REASON_ARRIVAL:
    case REASON_INFEASIBLE:
    case REASON_LOCAL:
        return of_request(plan, end);
    case REASON_DRAIN:
        return WHOSE_DRAIN;
    case REASON_NONE: /* no call ran out, but the client has not taken its answer by the end */
        return end->call == NO_CALL ? of_request(plan, end) : WHOSE_NOBODY;
    case REASON_FAILED:
    case REASON_OVERLOAD:
        break;
    }
    return WHOSE_NOBODY;
}

const char *whose_name(enum whose whose)
{
    static const char *const names[] = {
        [WHOSE_NOBODY] = "nobody",   [WHOSE_CALL] = "call", [WHOSE_CLIENT] = "client",
        [WHOSE_DEFAULT] = "default", [WHOSE_MAX] = "max",   [WHOSE_PROXY] = "proxy",
        [WHOSE_DRAIN] = "drain",
    };

    return names[whose];
}
