/* Random policies with calls that stand in for others, played through with random timings and
 * failures, enforced and observed: what must hold in each. A failure names the seed that shows it
 * again: HOURGLASS_SEED=... in the environment. */
#include "budget/plan.h"

#include <stdlib.h>
#include <time.h>

#include <criterion/criterion.h>

#include "test/support/dice.h"
#include "test/support/model.h"

enum { PLANS_PER_TEST = 10000 };

struct habits {
    bool observed;
    int greedy; /* so many percent of the calls use their grants to the last nanosecond */
    bool late;  /* what happens is noticed some time after it did */
};

struct game {
    uint64_t seed;
    struct dice dice;
    struct habits habits;
    struct model model;
    struct ledger_entry ledger[PLAN_CALLS_MAX];
    struct instant over[PLAN_CALLS_MAX]; /* when each running call will end */
    struct plan plan;
    struct instant now;
    struct instant step_by; /* as the test works it out */
    struct span idle;       /* no call ran */
    size_t begun;
    int just_failed; /* NO_CALL, or a call that can fall back, as the plan says */
    size_t stood_in;
};

static struct span reserve(const struct game *game)
{
    if (game->habits.observed)
        return game->plan.reply;
    return model_reserve(&game->model, game->plan.budget);
}

/* What a required call of the step under way may have. */
static struct span available(const struct game *game)
{
    struct span kept = span_add(reserve(game), model_minima(&game->model, game->begun));

    return span_less(span_until(game->plan.hard, game->now), kept);
}

static void wait_idly(struct game *game, struct span most)
{
    struct span wait = dice_span(&game->dice, most);

    game->now = instant_after(game->now, wait);
    game->idle = span_add(game->idle, wait);
}

static void game_open(struct game *game)
{
    struct span asked = dice_span(&game->dice, span_scale(game->model.policy.default_budget, 3, 2));

    game->now = (struct instant){.ns = dice_to(&game->dice, NS_PER_S)};
    plan_open(&game->plan, &game->model.policy, game->ledger, &asked, game->now);
    if (game->habits.observed)
        plan_observe(&game->plan);
    HOLDS(game, game->plan.asked.ns == span_min(asked, game->model.policy.max).ns);
    HOLDS(game, game->plan.budget.ns ==
                    (game->habits.observed ? game->model.policy.max.ns : game->plan.asked.ns));
    if (dice_chance(&game->dice, 50))
        wait_idly(game, span_scale(game->plan.budget, 1, 4));
}

/* ---- what has been started -------------------------------------------------------------------- */

/* It has all that it may have, and leaves what is kept for others. */
static void check_grant(const struct game *game, size_t call, struct span room)
{
    const struct ledger_entry *entry = &game->ledger[call];
    struct span least = model_least(&game->model, call);
    struct span wanted = span_max(model_budget(&game->model, call, game->plan.budget), least);

    HOLDS(game, entry->outcome == CALL_RUNNING);
    HOLDS(game, entry->started.ns == game->now.ns);
    HOLDS(game, span_covers(room, entry->granted));
    HOLDS(game, span_covers(entry->granted, least));
    HOLDS(game, entry->granted.ns == (game->habits.observed ? room : span_min(wanted, room)).ns);
}

static void set_step_by(struct game *game, struct step_policy step)
{
    struct span longest = SPAN_NONE;
    bool any = false;

    for (size_t i = step.first; i < step.first + step.count; i++) {
        if (game->model.calls[i].optional)
            continue;
        any = true;
        longest = span_max(longest, game->ledger[i].granted);
    }
    game->step_by = instant_after(game->now, any ? longest : available(game));
}

static void on_step(struct game *game, struct step_policy step)
{
    while (game->model.steps[game->begun].first < step.first)
        game->begun++;
    HOLDS(game, game->model.steps[game->begun].first == step.first);
    HOLDS(game, game->model.steps[game->begun].count == step.count);
    game->begun++;
    set_step_by(game, step);
    for (size_t i = step.first; i < step.first + step.count; i++) {
        if (!game->model.calls[i].optional)
            check_grant(game, i, available(game));
        else if (game->ledger[i].outcome != CALL_SKIPPED)
            check_grant(game, i, span_until(game->step_by, game->now));
    }
}

static bool may_be_stood_in_for(enum call_outcome outcome)
{
    return outcome > CALL_OK && outcome != CALL_SKIPPED && outcome != CALL_CANCELLED &&
           outcome != CALL_UPLOAD_OUT;
}

static void on_stand_in(struct game *game, size_t call)
{
    size_t head = model_head(&game->model, call);
    const struct ledger_entry *failed = &game->ledger[model_parent(&game->model, call)];
    struct step_policy step = game->model.steps[game->begun - 1];

    HOLDS(game, head >= step.first && head < step.first + step.count);
    HOLDS(game, may_be_stood_in_for(failed->outcome));
    HOLDS(game, game->habits.late || failed->ended.ns == game->now.ns);
    HOLDS(game, plan_stand_in(&game->plan, head) == call);
    if (game->model.calls[head].optional)
        check_grant(game, call, span_until(game->step_by, game->now));
    else
        check_grant(game, call, available(game));
    game->stood_in++;
}

static void on_calls(struct game *game, struct step_policy step)
{
    if (step.first >= game->model.steps_calls_count) {
        HOLDS(game, step.count == 1);
        on_stand_in(game, step.first);
    } else {
        on_step(game, step);
    }
    for (size_t i = step.first; i < step.first + step.count; i++) {
        struct span granted = game->ledger[i].granted;

        bool uses_all = dice_chance(&game->dice, game->habits.greedy);
        if (game->ledger[i].outcome == CALL_RUNNING)
            game->over[i] =
                instant_after(game->now, uses_all ? granted : dice_span(&game->dice, granted));
    }
}

/* ---- time passes ------------------------------------------------------------------------------ */

/* Only those that have used up their grants run out of time. */
static enum call_outcome draw_outcome(struct game *game, size_t call)
{
    static const enum call_outcome failures[] = {CALL_DNS_ERROR, CALL_REFUSED, CALL_BROKEN,
                                                 CALL_STATUS, CALL_CANCELLED};

    if (!dice_chance(&game->dice, 40))
        return CALL_OK;
    if (game->over[call].ns == ledger_due(&game->ledger[call]).ns)
        return dice_chance(&game->dice, 90) ? CALL_TIMEOUT : CALL_UPLOAD_OUT;
    return failures[dice_to(&game->dice, dice_chance(&game->dice, 10) ? 4 : 3)];
}

static int first_over(const struct game *game)
{
    int first = NO_CALL;

    for (size_t i = 0; i < game->model.policy.calls_count; i++) {
        if (game->ledger[i].outcome == CALL_RUNNING &&
            (first == NO_CALL || game->over[i].ns < game->over[first].ns))
            first = (int)i;
    }
    return first;
}

/* Lets the first running call end. */
static void pass_time(struct game *game)
{
    int call = first_over(game);
    struct span lateness = span_scale(game->plan.budget, 1, 10);

    HOLDS(game, call != NO_CALL);
    game->now = instant_max(game->now, game->over[call]);
    if (game->habits.late && dice_chance(&game->dice, 20))
        game->now = instant_after(game->now, dice_span(&game->dice, lateness));
    enum call_outcome outcome = draw_outcome(game, (size_t)call);
    bool can_fall_back = plan_can_fall_back(&game->plan, (size_t)call, game->now);
    ledger_end(&game->ledger[call], outcome, game->now);
    game->just_failed = can_fall_back && may_be_stood_in_for(outcome) ? call : NO_CALL;
    HOLDS(game, plan_can_fall_back(&game->plan, (size_t)call, game->now) ==
                    (game->just_failed != NO_CALL));
    if (game->habits.late && first_over(game) == NO_CALL && dice_chance(&game->dice, 30)) {
        wait_idly(game, lateness);
        game->just_failed = NO_CALL; /* that may have changed */
    }
    HOLDS(game, plan_local_used(&game->plan, game->now).ns == game->idle.ns);
}

/* ---- the end ---------------------------------------------------------------------------------- */

static void check_answer(const struct game *game)
{
    for (size_t i = 0; i < game->model.steps_calls_count; i++) {
        size_t last = plan_stand_in(&game->plan, i);

        HOLDS(game, model_head(&game->model, last) == i);
        HOLDS(game, game->ledger[last].outcome > CALL_RUNNING);
        HOLDS(game, game->model.calls[i].optional || game->ledger[last].outcome == CALL_OK);
    }
    HOLDS(game, !instant_reached(game->plan.reply_by, game->now));
    HOLDS(game,
          game->habits.late || span_covers(span_until(game->plan.hard, game->now), reserve(game)));
}

/* The last of a chain is to blame, and nothing more could stand in for it. */
static void check_blame(const struct game *game, size_t call)
{
    const struct ledger_entry *entry = &game->ledger[call];
    size_t head = model_head(&game->model, call);
    size_t next = game->model.calls[call].fallback;

    HOLDS(game, !game->model.calls[head].optional);
    HOLDS(game, plan_stand_in(&game->plan, head) == call);
    HOLDS(game, entry->outcome > CALL_OK);
    HOLDS(game, next == 0 || !may_be_stood_in_for(entry->outcome) ||
                    game->ledger[next].outcome == CALL_SKIPPED);
    HOLDS(game, next == 0 || game->ledger[next].outcome != CALL_SKIPPED ||
                    !span_covers(available(game), model_least(&game->model, next)));
}

static void check_give_up(const struct game *game, const struct decision *decision)
{
    struct span kept = span_add(reserve(game), model_minima(&game->model, 0));
    struct span left = span_until(game->plan.hard, game->now);
    bool is_calls = decision->reason == REASON_CALL || decision->reason == REASON_UPLOAD;

    if (is_calls || decision->reason == REASON_FAILED)
        check_blame(game, (size_t)decision->call);
    /* What is kept for required calls is theirs, whatever stood in before them. */
    if (decision->reason == REASON_INFEASIBLE && game->begun > 0 && !game->habits.late)
        HOLDS(game, span_is_none(game->model.calls[decision->call].min));
    if (decision->reason == REASON_LOCAL)
        HOLDS(game, instant_reached(game->plan.reply_by, game->now));
    /* Observed: not for lack of time, unless max has come, less what is kept. */
    if (game->habits.observed && decision->reason != REASON_FAILED)
        HOLDS(game, span_covers(span_add(kept, (struct span){.ns = 1}), left));
}

/* True: the request was answered. */
static bool play(struct game *game)
{
    model_draw(&game->model, &game->dice, 40);
    game_open(game);
    for (size_t i = 0; i <= 2 * game->model.policy.calls_count; i++) {
        struct decision decision = plan_next(&game->plan, game->now);

        HOLDS(game, game->just_failed == NO_CALL || decision.kind == DECIDE_CALL ||
                        decision.kind == DECIDE_GIVE_UP);
        switch (decision.kind) {
        case DECIDE_CALL:
            on_calls(game, decision.step);
            if (game->just_failed != NO_CALL)
                HOLDS(game, decision.step.first == game->model.calls[game->just_failed].fallback);
            game->just_failed = NO_CALL;
            break;
        case DECIDE_WAIT:
            pass_time(game);
            break;
        case DECIDE_ANSWER:
            check_answer(game);
            return true;
        case DECIDE_GIVE_UP:
            check_give_up(game, &decision);
            return false;
        }
    }
    cr_assert_fail("HOURGLASS_SEED=%llu: the plan does not end", (unsigned long long)game->seed);
    return false;
}

static void play_many(struct habits habits)
{
    const char *seed = getenv("HOURGLASS_SEED");
    uint64_t first = seed ? strtoull(seed, NULL, 10) : (uint64_t)time(NULL) * PLANS_PER_TEST;
    int answered = 0;
    size_t stood_in = 0;

    for (uint64_t i = 0; i < PLANS_PER_TEST; i++) {
        struct game game = {.seed = first + i,
                            .dice = {.state = first + i},
                            .habits = habits,
                            .just_failed = NO_CALL};

        answered += play(&game);
        stood_in += game.stood_in;
    }
    cr_assert_gt(answered, PLANS_PER_TEST / 20, "the games are too hard to say much: %d", answered);
    cr_assert_gt(stood_in, PLANS_PER_TEST / 10, "hardly anything stood in: %zu", stood_in);
}

Test(stand_in_properties, what_stands_in_takes_nothing_that_is_kept_for_others)
{
    play_many((struct habits){0});
}

Test(stand_in_properties, calls_that_use_all_they_are_granted_leave_it_too)
{
    play_many((struct habits){.greedy = 100});
}

Test(stand_in_properties, what_is_noticed_late_is_never_overspent)
{
    play_many((struct habits){.late = true});
}

Test(stand_in_properties, observed_requests_end_for_lack_of_time_only_at_max)
{
    play_many((struct habits){.observed = true});
}

Test(stand_in_properties, observed_requests_with_slow_calls_use_all_of_max)
{
    play_many((struct habits){.observed = true, .greedy = 10});
}
