/* Random policies, played through with random timings and outcomes: what must hold in each. A
 * failure names the seed that shows it again: HOURGLASS_SEED=... in the environment. */
#include "budget/plan.h"

#include <stdlib.h>
#include <time.h>

#include <criterion/criterion.h>

#include "test/support/dice.h"
#include "test/support/model.h"

enum { PLANS_PER_TEST = 10000 };

/* How a game goes wrong, if it does. */
struct habits {
    bool greedy; /* each call uses its grant to the last nanosecond */
    bool failing;
    bool late; /* what happens is noticed some time after it did */
};

struct game {
    uint64_t seed;
    struct dice dice;
    struct habits habits;
    struct model model;
    struct ledger_entry ledger[PLAN_CALLS_MAX];
    struct instant over[PLAN_CALLS_MAX]; /* when each running call will end */
    struct plan plan;
    struct span reserve; /* as the test works it out */
    struct instant now;
    size_t begun; /* steps that have begun or were passed over */
};

static void game_open(struct game *game)
{
    struct span asked = dice_span(&game->dice, span_scale(game->model.policy.default_budget, 3, 2));
    bool has_asked = dice_chance(&game->dice, 70);
    struct instant started = {.ns = dice_to(&game->dice, NS_PER_S)};
    struct span expected = has_asked ? asked : game->model.policy.default_budget;

    plan_open(&game->plan, &game->model.policy, game->ledger, has_asked ? &asked : NULL, started);
    game->now = started;
    HOLDS(game, game->plan.budget.ns == span_min(expected, game->model.policy.max).ns);
    game->reserve = model_reserve(&game->model, game->plan.budget);
    HOLDS(game, game->plan.calls_by.ns == started.ns + game->plan.budget.ns - game->reserve.ns);
    if (dice_chance(&game->dice, 50))
        game->now =
            instant_after(started, dice_span(&game->dice, span_scale(game->plan.budget, 1, 4)));
}

static struct span largest_required_grant(const struct game *game, struct step_policy step)
{
    struct span largest = SPAN_NONE;

    for (size_t i = step.first; i < step.first + step.count; i++) {
        if (!game->model.calls[i].optional)
            largest = span_max(largest, game->ledger[i].granted);
    }
    return span_is_none(largest) ? SPAN_FOREVER : largest;
}

static void check_required(const struct game *game, size_t i, struct span avail)
{
    const struct ledger_entry *entry = &game->ledger[i];
    struct span wanted = model_budget(&game->model, i, game->plan.budget);

    HOLDS(game, entry->outcome == CALL_RUNNING);
    HOLDS(game, span_covers(avail, model_least(&game->model, i)));
    /* with less than its min it is not started, so that a smaller budget is no bound */
    HOLDS(game, entry->granted.ns <= span_max(wanted, model_least(&game->model, i)).ns);
    if (span_covers(wanted, model_least(&game->model, i)))
        HOLDS(game, entry->granted.ns == span_min(wanted, avail).ns);
}

static void check_optional(const struct game *game, size_t i, struct span most)
{
    const struct ledger_entry *entry = &game->ledger[i];
    struct span wanted = model_budget(&game->model, i, game->plan.budget);

    if (entry->outcome == CALL_SKIPPED) {
        HOLDS(game, !span_covers(most, model_least(&game->model, i)));
        return;
    }
    HOLDS(game, entry->outcome == CALL_RUNNING);
    HOLDS(game, entry->granted.ns <= most.ns);
    HOLDS(game, entry->granted.ns <= span_max(wanted, model_least(&game->model, i)).ns);
}

static void check_grants(const struct game *game, struct step_policy step)
{
    struct span kept = span_add(game->reserve, model_minima(&game->model, game->begun));
    struct span avail = span_less(span_until(game->plan.hard, game->now), kept);
    struct span most = span_min(avail, largest_required_grant(game, step));
    size_t running = 0;

    for (size_t i = step.first; i < step.first + step.count; i++) {
        if (game->model.calls[i].optional)
            check_optional(game, i, most);
        else
            check_required(game, i, avail);
        if (game->ledger[i].outcome != CALL_RUNNING)
            continue;
        running++;
        HOLDS(game, game->ledger[i].started.ns == game->now.ns);
        HOLDS(game, !span_is_none(game->ledger[i].granted));
        HOLDS(game, span_covers(avail, game->ledger[i].granted));
    }
    HOLDS(game, running > 0);
}

/* All before this step is over, and nothing after it has begun. */
static void check_order(struct game *game, struct step_policy step)
{
    while (game->begun < game->model.policy.steps_count &&
           game->model.steps[game->begun].first < step.first)
        game->begun++;
    HOLDS(game, game->begun < game->model.policy.steps_count);
    HOLDS(game, game->model.steps[game->begun].first == step.first);
    HOLDS(game, game->model.steps[game->begun].count == step.count);
    for (size_t i = 0; i < step.first; i++)
        HOLDS(game, game->ledger[i].outcome > CALL_RUNNING);
    for (size_t i = step.first + step.count; i < game->model.policy.calls_count; i++)
        HOLDS(game, game->ledger[i].outcome == CALL_WAITING);
    game->begun++;
}

static void on_calls(struct game *game, struct step_policy step)
{
    check_order(game, step);
    check_grants(game, step);
    for (size_t i = step.first; i < step.first + step.count; i++) {
        struct span granted = game->ledger[i].granted;

        if (game->ledger[i].outcome == CALL_RUNNING)
            game->over[i] = instant_after(
                game->now, game->habits.greedy ? granted : dice_span(&game->dice, granted));
    }
}

static enum call_outcome draw_outcome(struct game *game, size_t call)
{
    if (!dice_chance(&game->dice, 25) ||
        (!game->habits.failing && !game->model.calls[call].optional))
        return CALL_OK;
    return (enum call_outcome)(CALL_TIMEOUT + dice_to(&game->dice, CALL_STATUS - CALL_TIMEOUT));
}

/* Lets the first running call end. */
static void pass_time(struct game *game)
{
    int first = NO_CALL;
    struct instant due = INSTANT_NEVER;

    for (size_t i = 0; i < game->model.policy.calls_count; i++) {
        if (game->ledger[i].outcome != CALL_RUNNING)
            continue;
        due = instant_min(due, ledger_due(&game->ledger[i]));
        if (first == NO_CALL || game->over[i].ns < game->over[first].ns)
            first = (int)i;
    }
    HOLDS(game, first != NO_CALL);
    HOLDS(game, plan_alarm(&game->plan).ns == due.ns);
    HOLDS(game, game->habits.late || due.ns >= game->now.ns);

    game->now = instant_max(game->now, game->over[first]);
    if (game->habits.late && dice_chance(&game->dice, 30))
        game->now =
            instant_after(game->now, dice_span(&game->dice, span_scale(game->plan.budget, 1, 5)));
    ledger_end(&game->ledger[first], draw_outcome(game, (size_t)first), game->now);
}

static void check_answer(const struct game *game)
{
    struct span left = span_until(game->plan.hard, game->now);

    for (size_t i = 0; i < game->model.policy.calls_count; i++) {
        HOLDS(game, game->ledger[i].outcome > CALL_RUNNING);
        HOLDS(game, game->model.calls[i].optional || game->ledger[i].outcome == CALL_OK);
    }
    HOLDS(game, !instant_reached(game->plan.reply_by, game->now));
    HOLDS(game, game->habits.late || span_covers(left, game->reserve));
}

static void check_give_up(const struct game *game, const struct decision *decision)
{
    switch (decision->reason) {
    case REASON_ARRIVAL:
        HOLDS(game, game->begun == 0 && instant_reached(game->plan.hard, game->now));
        break;
    case REASON_INFEASIBLE:
        /* nothing is kept back for a call without a min: others may have used it all */
        HOLDS(game, game->begun == 0 || game->habits.late ||
                        span_is_none(game->model.calls[decision->call].min) ||
                        game->ledger[decision->call].outcome == CALL_UNSENT);
        break;
    case REASON_LOCAL:
        HOLDS(game, instant_reached(game->plan.reply_by, game->now));
        HOLDS(game, game->habits.late || game->now.ns <= game->plan.calls_by.ns);
        break;
    default:
        HOLDS(game, decision->call >= 0);
        HOLDS(game, !game->model.calls[decision->call].optional);
        HOLDS(game, game->ledger[decision->call].outcome > CALL_OK);
        HOLDS(game, decision->reason == plan_reason(game->ledger[decision->call].outcome));
        HOLDS(game, game->habits.failing);
    }
}

/* The first decision, and only that, is whether it is feasible at all. */
static void check_first(const struct game *game, const struct decision *decision)
{
    struct span need = span_add(game->reserve, model_minima(&game->model, 0));
    struct span left = span_until(game->plan.hard, game->now);
    bool hopeless = decision->kind == DECIDE_GIVE_UP &&
                    (decision->reason == REASON_ARRIVAL || decision->reason == REASON_INFEASIBLE);

    HOLDS(game, hopeless == (span_is_none(left) || !span_covers(left, need)));
    for (size_t i = 0; hopeless && i < game->model.policy.calls_count; i++)
        HOLDS(game, game->ledger[i].outcome == CALL_WAITING);
}

/* True: the request was answered. */
static bool play(struct game *game)
{
    model_draw(&game->model, &game->dice, 0);
    game_open(game);
    for (size_t i = 0; i <= 2 * game->model.policy.calls_count; i++) {
        struct decision decision = plan_next(&game->plan, game->now);

        if (i == 0)
            check_first(game, &decision);
        switch (decision.kind) {
        case DECIDE_CALL:
            on_calls(game, decision.step);
            break;
        case DECIDE_WAIT:
            break;
        case DECIDE_ANSWER:
            check_answer(game);
            return true;
        case DECIDE_GIVE_UP:
            check_give_up(game, &decision);
            return false;
        }
        pass_time(game);
    }
    cr_assert_fail("HOURGLASS_SEED=%llu: the plan does not end", (unsigned long long)game->seed);
    return false;
}

static void play_many(struct habits habits)
{
    const char *seed = getenv("HOURGLASS_SEED");
    uint64_t first = seed ? strtoull(seed, NULL, 10) : (uint64_t)time(NULL) * PLANS_PER_TEST;
    int answered = 0;

    for (uint64_t i = 0; i < PLANS_PER_TEST; i++) {
        struct game game = {.seed = first + i, .dice = {.state = first + i}, .habits = habits};

        answered += play(&game);
    }
    cr_assert_gt(answered, PLANS_PER_TEST / 20, "the games are too hard to say much: %d", answered);
}

Test(plan_properties, with_no_call_failing_local_has_its_reserve)
{
    play_many((struct habits){0});
}

Test(plan_properties, grants_used_to_the_end_leave_later_minima_and_the_reserve)
{
    play_many((struct habits){.greedy = true});
}

Test(plan_properties, a_required_failure_and_nothing_else_ends_a_plan_early)
{
    play_many((struct habits){.failing = true});
}

Test(plan_properties, what_is_noticed_late_costs_later_calls_but_is_never_overspent)
{
    play_many((struct habits){.late = true, .failing = true});
}
