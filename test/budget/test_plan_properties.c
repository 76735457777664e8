/* Random policies, played through with random timings and outcomes: what must hold in each. A
 * failure names the seed that shows it again: HOURGLASS_SEED=... in the environment. */
#include "budget/plan.h"

#include <stdlib.h>
#include <time.h>

#include <criterion/criterion.h>

#include "test/support/dice.h"

enum { STEPS_MAX = 6, SIDE_BY_SIDE_MAX = 4, PLANS_PER_TEST = 10000 };

#define HOLDS(game, condition)                                                                    \
    do {                                                                                          \
        if (!(condition))                                                                         \
            cr_assert_fail(                                                                       \
                "HOURGLASS_SEED=%llu, %lld ns in, line %d: %s", (unsigned long long)(game)->seed, \
                (long long)((game)->now.ns - (game)->plan.started.ns), __LINE__, #condition);     \
    } while (0)

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
    struct policy policy;
    struct step_policy steps[STEPS_MAX];
    struct call_policy calls[STEPS_MAX * SIDE_BY_SIDE_MAX];
    struct ledger_entry ledger[STEPS_MAX * SIDE_BY_SIDE_MAX];
    struct instant over[STEPS_MAX * SIDE_BY_SIDE_MAX]; /* when each running call will end */
    struct plan plan;
    struct span reserve; /* as the test works it out */
    struct instant now;
    size_t begun; /* steps that have begun or were passed over */
};

static struct amount draw_amount(struct game *game, struct span fixed_most, int percent_most)
{
    struct amount amount = {.kind = AMOUNT_FIXED, .fixed = dice_span(&game->dice, fixed_most)};

    if (dice_chance(&game->dice, 40)) {
        amount.kind = AMOUNT_SHARE;
        amount.share = (int32_t)dice_to(&game->dice, percent_most * SHARE_WHOLE / 100);
    }
    return amount;
}

static struct call_policy draw_call(struct game *game)
{
    struct span whole = game->policy.default_budget;
    struct call_policy call = {
        .budget = draw_amount(game, whole, 100),
        .optional = dice_chance(&game->dice, 30),
    };

    if (dice_chance(&game->dice, 20))
        call.budget.kind = AMOUNT_REST;
    if (dice_chance(&game->dice, 50))
        call.min = dice_span(&game->dice, span_scale(whole, 1, 10));
    /* nothing is ever given a budget of nothing: conf refuses it */
    call.budget.fixed.ns++;
    call.budget.share++;
    return call;
}

static void draw_policy(struct game *game)
{
    struct policy *policy = &game->policy;

    policy->default_budget = span_add(span_ms(1), dice_span(&game->dice, span_s(10)));
    policy->max = span_add(policy->default_budget, dice_span(&game->dice, span_s(20)));
    policy->local = draw_amount(game, span_scale(policy->default_budget, 4, 10), 40);
    policy->reply = draw_amount(game, span_scale(policy->default_budget, 1, 10), 10);
    if (dice_chance(&game->dice, 50))
        policy->reply.kind = AMOUNT_AUTO;
    policy->proportional = dice_chance(&game->dice, 50);
    policy->steps_count = 1 + (size_t)dice_to(&game->dice, STEPS_MAX - 1);
    for (size_t i = 0; i < policy->steps_count; i++) {
        struct step_policy *step = &game->steps[i];

        step->first = policy->calls_count;
        step->count = 1 + (size_t)dice_to(&game->dice, SIDE_BY_SIDE_MAX - 1);
        while (policy->calls_count < step->first + step->count)
            game->calls[policy->calls_count++] = draw_call(game);
    }
    policy->steps = game->steps;
    policy->calls = game->calls;
}

/* What an amount comes to, worked out from the words of the contract. */
static struct span expected_amount(const struct game *game, const struct amount *amount,
                                   bool scales)
{
    struct span budget = game->plan.budget;
    struct span whole = game->policy.default_budget;

    switch (amount->kind) {
    case AMOUNT_FIXED:
        if (scales && game->policy.proportional && budget.ns < whole.ns)
            return span_scale(amount->fixed, budget.ns, whole.ns);
        return amount->fixed;
    case AMOUNT_SHARE:
        return span_scale(budget, amount->share, SHARE_WHOLE);
    case AMOUNT_AUTO:
        return span_max(span_ms(1), span_min(span_scale(budget, 2, 100), span_ms(20)));
    case AMOUNT_REST:
        break;
    }
    return SPAN_FOREVER;
}

static struct span least(const struct call_policy *call)
{
    return span_max(call->min, (struct span){.ns = 1});
}

/* What the steps from this one on must be left with. */
static struct span protected_from(const struct game *game, size_t step)
{
    struct span sum = SPAN_NONE;

    for (; step < game->policy.steps_count; step++) {
        struct span largest = SPAN_NONE;
        const struct call_policy *call = &game->calls[game->steps[step].first];

        for (size_t i = 0; i < game->steps[step].count; i++) {
            if (!call[i].optional)
                largest = span_max(largest, call[i].min);
        }
        sum = span_add(sum, largest);
    }
    return sum;
}

static void game_open(struct game *game)
{
    struct span asked = dice_span(&game->dice, span_scale(game->policy.default_budget, 3, 2));
    bool has_asked = dice_chance(&game->dice, 70);
    struct instant started = {.ns = dice_to(&game->dice, NS_PER_S)};
    struct span expected = has_asked ? asked : game->policy.default_budget;

    plan_open(&game->plan, &game->policy, game->ledger, has_asked ? &asked : NULL, started);
    game->now = started;
    HOLDS(game, game->plan.budget.ns == span_min(expected, game->policy.max).ns);
    game->reserve = span_max(expected_amount(game, &game->policy.local, true),
                             expected_amount(game, &game->policy.reply, false));
    HOLDS(game, game->plan.calls_by.ns == started.ns + game->plan.budget.ns - game->reserve.ns);
    if (dice_chance(&game->dice, 50))
        game->now =
            instant_after(started, dice_span(&game->dice, span_scale(game->plan.budget, 1, 4)));
}

static struct span largest_required_grant(const struct game *game, struct step_policy step)
{
    struct span largest = SPAN_NONE;

    for (size_t i = step.first; i < step.first + step.count; i++) {
        if (!game->calls[i].optional)
            largest = span_max(largest, game->ledger[i].granted);
    }
    return span_is_none(largest) ? SPAN_FOREVER : largest;
}

static void check_required(const struct game *game, size_t i, struct span avail)
{
    const struct ledger_entry *entry = &game->ledger[i];
    struct span wanted = expected_amount(game, &game->calls[i].budget, true);

    HOLDS(game, entry->outcome == CALL_RUNNING);
    HOLDS(game, span_covers(avail, least(&game->calls[i])));
    /* with less than its min it is not started, so that a smaller budget is no bound */
    HOLDS(game, entry->granted.ns <= span_max(wanted, least(&game->calls[i])).ns);
    if (span_covers(wanted, least(&game->calls[i])))
        HOLDS(game, entry->granted.ns == span_min(wanted, avail).ns);
}

static void check_optional(const struct game *game, size_t i, struct span most)
{
    const struct ledger_entry *entry = &game->ledger[i];
    struct span wanted = expected_amount(game, &game->calls[i].budget, true);

    if (entry->outcome == CALL_SKIPPED) {
        HOLDS(game, !span_covers(most, least(&game->calls[i])));
        return;
    }
    HOLDS(game, entry->outcome == CALL_RUNNING);
    HOLDS(game, entry->granted.ns <= most.ns);
    HOLDS(game, entry->granted.ns <= span_max(wanted, least(&game->calls[i])).ns);
}

static void check_grants(const struct game *game, struct step_policy step)
{
    struct span kept = span_add(game->reserve, protected_from(game, game->begun));
    struct span avail = span_less(span_until(game->plan.hard, game->now), kept);
    struct span most = span_min(avail, largest_required_grant(game, step));
    size_t running = 0;

    for (size_t i = step.first; i < step.first + step.count; i++) {
        if (game->calls[i].optional)
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
    while (game->begun < game->policy.steps_count && game->steps[game->begun].first < step.first)
        game->begun++;
    HOLDS(game, game->begun < game->policy.steps_count);
    HOLDS(game, game->steps[game->begun].first == step.first);
    HOLDS(game, game->steps[game->begun].count == step.count);
    for (size_t i = 0; i < step.first; i++)
        HOLDS(game, game->ledger[i].outcome > CALL_RUNNING);
    for (size_t i = step.first + step.count; i < game->policy.calls_count; i++)
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
    if (!dice_chance(&game->dice, 25) || (!game->habits.failing && !game->calls[call].optional))
        return CALL_OK;
    return (enum call_outcome)(CALL_TIMEOUT + dice_to(&game->dice, CALL_STATUS - CALL_TIMEOUT));
}

/* Lets the first running call end. */
static void pass_time(struct game *game)
{
    int first = NO_CALL;
    struct instant due = INSTANT_NEVER;

    for (size_t i = 0; i < game->policy.calls_count; i++) {
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

    for (size_t i = 0; i < game->policy.calls_count; i++) {
        HOLDS(game, game->ledger[i].outcome > CALL_RUNNING);
        HOLDS(game, game->calls[i].optional || game->ledger[i].outcome == CALL_OK);
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
                        span_is_none(game->calls[decision->call].min) ||
                        game->ledger[decision->call].outcome == CALL_UNSENT);
        break;
    case REASON_LOCAL:
        HOLDS(game, instant_reached(game->plan.reply_by, game->now));
        HOLDS(game, game->habits.late || game->now.ns <= game->plan.calls_by.ns);
        break;
    default:
        HOLDS(game, decision->call >= 0);
        HOLDS(game, !game->calls[decision->call].optional);
        HOLDS(game, game->ledger[decision->call].outcome > CALL_OK);
        HOLDS(game, decision->reason == plan_reason(game->ledger[decision->call].outcome));
        HOLDS(game, game->habits.failing);
    }
}

/* The first decision, and only that, is whether it is feasible at all. */
static void check_first(const struct game *game, const struct decision *decision)
{
    struct span need = span_add(game->reserve, protected_from(game, 0));
    struct span left = span_until(game->plan.hard, game->now);
    bool hopeless = decision->kind == DECIDE_GIVE_UP &&
                    (decision->reason == REASON_ARRIVAL || decision->reason == REASON_INFEASIBLE);

    HOLDS(game, hopeless == (span_is_none(left) || !span_covers(left, need)));
    for (size_t i = 0; hopeless && i < game->policy.calls_count; i++)
        HOLDS(game, game->ledger[i].outcome == CALL_WAITING);
}

/* True: the request was answered. */
static bool play(struct game *game)
{
    draw_policy(game);
    game_open(game);
    for (size_t i = 0; i <= 2 * game->policy.calls_count; i++) {
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
