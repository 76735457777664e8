#include "budget/rehearsal.h"

/* Ends what was started, as it is said to go. Returns when the last of it is over. */
static struct instant run_step(struct rehearsal *rehearsal, const struct step_policy *step,
                               const struct rehearsed_call *calls, struct instant now)
{
    struct instant over = now;

    for (size_t i = step->first; i < step->first + step->count; i++) {
        struct ledger_entry *entry = &rehearsal->ledger[i];
        struct span takes = calls[i].takes_all ? entry->granted : calls[i].takes;
        if (entry->outcome != CALL_RUNNING)
            continue;
        bool is_cut = !span_covers(entry->granted, takes);
        struct instant end = instant_after(now, span_min(takes, entry->granted));
        ledger_end(entry, is_cut ? CALL_TIMEOUT : calls[i].ends, end);
        over = instant_max(over, end);
    }
    return over;
}

void rehearse(struct rehearsal *rehearsal, const struct policy *policy, const struct span *asked,
              const struct rehearsed_call *calls)
{
    struct instant now = {.ns = 0};

    plan_open(&rehearsal->plan, policy, rehearsal->ledger, asked, now);
    for (;;) {
        rehearsal->end = plan_next(&rehearsal->plan, now);
        if (rehearsal->end.kind != DECIDE_CALL)
            break;
        now = run_step(rehearsal, &rehearsal->end.step, calls, now);
    }
    rehearsal->over = now;
}
