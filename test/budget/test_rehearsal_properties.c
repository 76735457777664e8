/* Random requests, each played twice with the same timings and failures: enforced, and observed.
 * What the rehearsal makes of the observed one is what became of the enforced one. A failure names
 * the seed that shows it again: HOURGLASS_SEED=... in the environment. */
#include "budget/rehearsal.h"

#include <stdlib.h>
#include <time.h>

#include <criterion/criterion.h>

#include "test/support/dice.h"
#include "test/support/model.h"

enum { REQUESTS_PER_TEST = 10000 };

#define HOLDS_FOR(seed, condition)                                                         \
    do {                                                                                   \
        if (!(condition))                                                                  \
            cr_assert_fail("HOURGLASS_SEED=%llu, line %d: %s", (unsigned long long)(seed), \
                           __LINE__, #condition);                                          \
    } while (0)

/* What happens, whatever the plan decides. */
struct script {
    uint64_t seed;
    struct model model;
    struct span asked;
    struct instant started;
    struct span idle[MODEL_STEPS_MAX]; /* before each step */
    struct span takes[PLAN_CALLS_MAX];
    enum call_outcome ends[PLAN_CALLS_MAX];
    struct span rest; /* from the end of the calls to that of the answer */
};

/* What becomes of it. */
struct played {
    struct ledger_entry ledger[PLAN_CALLS_MAX];
    struct plan plan;
    struct decision end;
    struct instant over;
    struct instant ended;
    bool is_late;
};

static enum call_outcome draw_end(struct dice *dice, int failing)
{
    static const enum call_outcome failures[] = {CALL_DNS_ERROR, CALL_REFUSED, CALL_BROKEN,
                                                 CALL_STATUS, CALL_UPLOAD_OUT};

    return dice_chance(dice, failing) ? failures[dice_to(dice, 4)] : CALL_OK;
}

/* slow: how long calls take at most, in percent of their share of the budget. */
static void draw_script(struct script *script, uint64_t seed, int failing, int slow)
{
    struct dice dice = {.state = seed};
    struct span usual, most;

    script->seed = seed;
    model_draw(&script->model, &dice, 30);
    usual = script->model.policy.default_budget;
    most = span_scale(usual, slow, (int64_t)script->model.policy.steps_count * 100);
    script->asked = dice_chance(&dice, 5) ? SPAN_NONE : dice_span(&dice, span_scale(usual, 3, 2));
    script->started = (struct instant){.ns = dice_to(&dice, NS_PER_S)};
    for (size_t i = 0; i < MODEL_STEPS_MAX; i++) {
        if (dice_chance(&dice, 30))
            script->idle[i] = dice_span(&dice, span_scale(usual, 1, 20));
    }
    for (size_t i = 0; i < script->model.policy.calls_count; i++) {
        script->takes[i] = dice_span(&dice, most);
        script->ends[i] = draw_end(&dice, failing);
    }
    script->rest = dice_span(&dice, span_scale(usual, 1, 2));
}

/* ---- a request is played ---------------------------------------------------------------------- */

static struct instant over_of(const struct script *script, const struct ledger_entry *entry,
                              size_t call)
{
    return instant_after(entry->started, span_min(script->takes[call], entry->granted));
}

/* Lets the first running call end. True: it ended well. */
static bool end_one(const struct script *script, struct played *played)
{
    int first = NO_CALL;

    for (size_t i = 0; i < script->model.policy.calls_count; i++) {
        const struct ledger_entry *entry = &played->ledger[i];
        if (entry->outcome == CALL_RUNNING &&
            (first == NO_CALL || over_of(script, entry, i).ns <
                                     over_of(script, &played->ledger[first], (size_t)first).ns))
            first = (int)i;
    }
    HOLDS_FOR(script->seed, first != NO_CALL);
    struct ledger_entry *entry = &played->ledger[first];
    bool is_cut = !span_covers(entry->granted, script->takes[first]);
    played->over = over_of(script, entry, (size_t)first);
    ledger_end(entry, is_cut ? CALL_TIMEOUT : script->ends[first], played->over);
    return entry->outcome == CALL_OK;
}

static bool any_running(const struct played *played)
{
    for (size_t i = 0; i < played->plan.policy->calls_count; i++) {
        if (played->ledger[i].outcome == CALL_RUNNING)
            return true;
    }
    return false;
}

/* Has the step under way come to nothing, or does a call stand in? Asked on a copy, now: what it
 * says of the next step counts for nothing. */
static bool goes_on_at_once(const struct played *played, struct instant now)
{
    struct ledger_entry ledger[PLAN_CALLS_MAX];
    struct plan copy = played->plan;
    size_t steps_begun = copy.steps_begun;
    struct decision decision;

    for (size_t i = 0; i < copy.policy->calls_count; i++)
        ledger[i] = played->ledger[i];
    copy.ledger = ledger;
    decision = plan_next(&copy, now);
    if (decision.kind == DECIDE_GIVE_UP)
        return decision.reason != REASON_INFEASIBLE && decision.reason != REASON_LOCAL;
    return copy.steps_begun == steps_begun && decision.kind == DECIDE_CALL;
}

/* Time that the proxy takes between two steps. */
static void idle(const struct script *script, struct played *played)
{
    size_t next = played->plan.steps_begun;

    if (next < script->model.policy.steps_count &&
        (next == 0 || !goes_on_at_once(played, played->over)))
        played->over = instant_after(played->over, script->idle[next]);
}

static void end_all(struct played *played, enum call_outcome outcome)
{
    for (size_t i = 0; i < played->plan.policy->calls_count; i++) {
        if (played->ledger[i].outcome == CALL_RUNNING)
            ledger_end(&played->ledger[i], outcome, played->over);
    }
}

static void play(const struct script *script, struct played *played, bool is_observed)
{
    *played = (struct played){.over = script->started};
    plan_open(&played->plan, &script->model.policy, played->ledger, &script->asked,
              script->started);
    if (is_observed)
        plan_observe(&played->plan);
    for (;;) {
        if (!any_running(played))
            idle(script, played);
        played->end = plan_next(&played->plan, played->over);
        if (played->end.kind == DECIDE_WAIT)
            end_one(script, played);
        else if (played->end.kind != DECIDE_CALL)
            break;
    }
    end_all(played, CALL_CANCELLED);
    played->ended = played->over;
    if (played->end.kind != DECIDE_ANSWER)
        return;
    played->ended = instant_after(played->over, script->rest);
    played->is_late = instant_reached(played->plan.hard, played->ended);
}

/* ---- and compared ----------------------------------------------------------------------------- */

/* Was this call seen to its end, as far as the enforced request cared? */
static bool was_seen(const struct ledger_entry *enforced, const struct ledger_entry *observed)
{
    switch (observed->outcome) {
    case CALL_WAITING:
    case CALL_SKIPPED:
    case CALL_CANCELLED:
        return enforced->outcome == CALL_WAITING || enforced->outcome == CALL_SKIPPED;
    case CALL_TIMEOUT: /* cut at max */
        return observed->granted.ns > enforced->granted.ns;
    default:
        return true;
    }
}

/* And how long the answer took? */
static bool was_all_seen(const struct played *enforced, const struct played *observed)
{
    if (enforced->end.kind == DECIDE_ANSWER && observed->end.kind != DECIDE_ANSWER)
        return false;
    for (size_t i = 0; i < enforced->plan.policy->calls_count; i++) {
        if (!was_seen(&enforced->ledger[i], &observed->ledger[i]))
            return false;
    }
    return true;
}

static void expect_same(uint64_t seed, const struct played *enforced,
                        const struct rehearsal *rehearsal)
{
    if (enforced->is_late) {
        HOLDS_FOR(seed, rehearsal->is_late && rehearsal->end.kind == DECIDE_GIVE_UP);
        HOLDS_FOR(seed, rehearsal->end.reason == REASON_LOCAL && rehearsal->end.call == NO_CALL);
    } else {
        HOLDS_FOR(seed, !rehearsal->is_late && rehearsal->end.kind == enforced->end.kind);
        HOLDS_FOR(seed, rehearsal->end.reason == enforced->end.reason);
        HOLDS_FOR(seed, rehearsal->end.call == enforced->end.call);
    }
    HOLDS_FOR(seed, rehearsal->over.ns == enforced->over.ns);
    for (size_t i = 0; i < enforced->plan.policy->calls_count; i++) {
        const struct ledger_entry *was = &enforced->ledger[i];
        const struct ledger_entry *is = &rehearsal->ledger[i];

        HOLDS_FOR(seed, is->outcome == was->outcome && is->granted.ns == was->granted.ns);
        HOLDS_FOR(seed, is->started.ns == was->started.ns && is->ended.ns == was->ended.ns);
    }
}

/* What was not seen blames nobody. */
static void expect_fair(const struct script *script, const struct played *observed,
                        const struct rehearsal *rehearsal)
{
    for (size_t i = 0; i < script->model.policy.calls_count; i++) {
        const struct ledger_entry *entry = &rehearsal->ledger[i];
        struct span seen = ledger_used(&observed->ledger[i], observed->ended);

        if (entry->outcome == CALL_TIMEOUT && observed->ledger[i].outcome != CALL_TIMEOUT)
            HOLDS_FOR(script->seed, seen.ns > entry->granted.ns);
        if (observed->ledger[i].outcome == CALL_WAITING && entry->outcome > CALL_RUNNING)
            HOLDS_FOR(script->seed, entry->outcome == CALL_OK || entry->outcome == CALL_SKIPPED);
    }
}

/* True: all was seen. */
static bool play_twice(const struct script *script)
{
    struct played enforced, observed;
    struct rehearsal rehearsal;

    play(script, &enforced, false);
    play(script, &observed, true);
    rehearse_again(&rehearsal, &observed.plan, observed.ended);
    expect_fair(script, &observed, &rehearsal);
    if (!was_all_seen(&enforced, &observed))
        return false;
    expect_same(script->seed, &enforced, &rehearsal);
    return true;
}

static void play_many(int failing, int slow)
{
    const char *given = getenv("HOURGLASS_SEED");
    uint64_t first = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL) * REQUESTS_PER_TEST;
    int seen = 0;

    for (uint64_t i = 0; i < REQUESTS_PER_TEST; i++) {
        struct script script = {.seed = first + i};

        draw_script(&script, first + i, failing, slow);
        seen += play_twice(&script);
    }
    cr_assert_gt(seen, REQUESTS_PER_TEST / 2, "too little is compared: %d", seen);
}

Test(rehearsal_properties, an_observed_request_without_failures_would_have_ended_as_an_enforced_one)
{
    play_many(0, 100);
}

Test(rehearsal_properties, so_would_one_whose_calls_fail)
{
    play_many(20, 100);
}

Test(rehearsal_properties, so_would_one_whose_calls_are_slow)
{
    play_many(5, 300);
}

Test(rehearsal_properties, and_one_whose_calls_are_fast_is_hardly_ever_cut)
{
    play_many(20, 10);
}

/* ---- as late as can be ------------------------------------------------------------------------ */

/* One request in many ways: never is it given up later than it can be. True: it was, just then. */
static bool play_ways(uint64_t seed, struct dice *dice)
{
    enum { WAYS = 30 };
    struct model model;
    struct span takes[PLAN_CALLS_MAX];
    struct rehearsed_call calls[PLAN_CALLS_MAX];
    struct rehearsal rehearsal;
    bool was_latest = false;

    model_draw(&model, dice, 30);
    struct span usual = model.policy.default_budget;
    struct span asked = dice_span(dice, span_scale(usual, 3, 2));
    for (size_t i = 0; i < model.policy.calls_count; i++)
        takes[i] = dice_chance(dice, 50) ? SPAN_FOREVER : dice_span(dice, usual);
    for (int way = 0; way < WAYS; way++) {
        for (size_t i = 0; i < model.policy.calls_count; i++)
            calls[i] = (struct rehearsed_call){
                .takes =
                    dice_chance(dice, 60) ? takes[i] : dice_span(dice, span_min(takes[i], usual)),
                .ends = draw_end(dice, 20),
                .is_in_time = dice_chance(dice, 80),
            };
        rehearse(&rehearsal, &model.policy, &asked, calls);
        if (rehearsal.end.kind != DECIDE_GIVE_UP)
            continue;
        struct instant latest = rehearse_latest(&rehearsal, takes);
        HOLDS_FOR(seed, rehearsal.over.ns <= latest.ns);
        was_latest = was_latest || rehearsal.over.ns == latest.ns;
    }
    return was_latest;
}

Test(rehearsal_properties, no_request_is_given_up_later_than_at_the_latest)
{
    const char *given = getenv("HOURGLASS_SEED");
    uint64_t first = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL) * REQUESTS_PER_TEST;
    int reached = 0;

    for (uint64_t i = 0; i < REQUESTS_PER_TEST; i++) {
        struct dice dice = {.state = first + i};

        reached += play_ways(first + i, &dice);
    }
    cr_assert_gt(reached, REQUESTS_PER_TEST / 3, "the latest is hardly ever reached: %d", reached);
}
