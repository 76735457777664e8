#include "budget/ledger.h"

#include <ctype.h>
#include <signal.h>
#include <string.h>

#include <criterion/criterion.h>

static struct instant at_ms(int64_t ms)
{
    return (struct instant){.ns = ms * NS_PER_MS};
}

static struct ledger_entry started_at_ms(int64_t ms, struct span granted)
{
    struct ledger_entry entry = {0};

    ledger_start(&entry, granted, at_ms(ms));
    return entry;
}

Test(ledger, a_cleared_entry_waits_and_has_used_nothing)
{
    struct ledger_entry entry = {0};

    cr_assert_eq(entry.outcome, CALL_WAITING);
    cr_assert_eq(ledger_used(&entry, at_ms(1000)).ns, 0);
}

Test(ledger, a_running_call_uses_time_until_now)
{
    struct ledger_entry entry = started_at_ms(100, span_ms(300));

    cr_assert_eq(entry.outcome, CALL_RUNNING);
    cr_assert_eq(entry.granted.ns, span_ms(300).ns);
    cr_assert_eq(ledger_used(&entry, at_ms(100)).ns, 0);
    cr_assert_eq(ledger_used(&entry, at_ms(250)).ns, span_ms(150).ns);
}

Test(ledger, a_call_that_has_ended_uses_no_more)
{
    struct ledger_entry entry = started_at_ms(100, span_ms(300));

    ledger_end(&entry, CALL_OK, at_ms(180));
    cr_assert_eq(entry.outcome, CALL_OK);
    cr_assert_eq(entry.ended.ns, at_ms(180).ns);
    cr_assert_eq(ledger_used(&entry, at_ms(900)).ns, span_ms(80).ns);
}

Test(ledger, a_call_is_due_when_its_grant_is_over)
{
    struct ledger_entry entry = started_at_ms(100, span_ms(300));
    struct ledger_entry patient = started_at_ms(100, SPAN_FOREVER);

    cr_assert_eq(ledger_due(&entry).ns, at_ms(400).ns);
    cr_assert_eq(ledger_due(&patient).ns, INSTANT_NEVER.ns);
}

Test(ledger, a_call_that_ends_before_it_started_used_nothing)
{
    static const enum call_outcome outcomes[] = {CALL_SKIPPED, CALL_CANCELLED};

    for (size_t i = 0; i < sizeof outcomes / sizeof outcomes[0]; i++) {
        struct ledger_entry entry = {0};

        ledger_end(&entry, outcomes[i], at_ms(500));
        cr_expect_eq(entry.outcome, outcomes[i]);
        cr_expect_eq(entry.ended.ns, at_ms(500).ns);
        cr_expect_eq(ledger_used(&entry, at_ms(900)).ns, 0);
        cr_expect_eq(entry.granted.ns, 0);
    }
}

Test(ledger, a_second_end_is_a_mistake, .signal = SIGABRT)
{
    struct ledger_entry entry = started_at_ms(0, span_ms(1));

    ledger_end(&entry, CALL_TIMEOUT, at_ms(1));
    ledger_end(&entry, CALL_OK, at_ms(1));
}

Test(ledger, a_second_start_is_a_mistake, .signal = SIGABRT)
{
    struct ledger_entry entry = started_at_ms(0, span_ms(1));

    ledger_start(&entry, span_ms(1), at_ms(0));
}

Test(ledger, calls_are_busy_while_at_least_one_of_them_runs)
{
    struct ledger_entry entries[] = {
        {0},
        started_at_ms(10, span_ms(100)),
        started_at_ms(20, span_ms(100)),
        started_at_ms(50, span_ms(100)),
        {0},
    };

    cr_expect_eq(ledger_busy(entries, 1, at_ms(90)).ns, 0);
    cr_expect_eq(ledger_busy(entries, 5, at_ms(90)).ns, span_ms(80).ns);
    ledger_end(&entries[1], CALL_OK, at_ms(30));
    ledger_end(&entries[2], CALL_TIMEOUT, at_ms(40));
    ledger_end(&entries[4], CALL_SKIPPED, at_ms(45));
    cr_expect_eq(ledger_busy(entries, 5, at_ms(60)).ns, span_ms(30 + 10).ns);
    ledger_end(&entries[3], CALL_OK, at_ms(70));
    cr_expect_eq(ledger_busy(entries, 5, at_ms(500)).ns, span_ms(30 + 20).ns);
}

Test(ledger, running_is_not_an_end, .signal = SIGABRT)
{
    struct ledger_entry entry = started_at_ms(0, span_ms(1));

    ledger_end(&entry, CALL_RUNNING, at_ms(1));
}

Test(ledger, each_outcome_has_a_name_of_its_own_that_is_a_token)
{
    for (int i = CALL_WAITING; i <= CALL_STATUS; i++) {
        const char *name = call_outcome_name((enum call_outcome)i);

        cr_assert_neq(name[0], '\0');
        for (const char *c = name; *c != '\0'; c++)
            cr_expect(islower((unsigned char)*c) || *c == '_', "%s", name);
        for (int j = CALL_WAITING; j < i; j++)
            cr_expect_str_neq(name, call_outcome_name((enum call_outcome)j));
    }
}

Test(ledger, names_that_people_read_in_logs_stay_as_they_are)
{
    cr_assert_str_eq(call_outcome_name(CALL_OK), "ok");
    cr_assert_str_eq(call_outcome_name(CALL_TIMEOUT), "timeout");
    cr_assert_str_eq(call_outcome_name(CALL_SKIPPED), "skipped");
    cr_assert_str_eq(call_outcome_name(CALL_QUEUED_OUT), "queue_timeout");
}
