/* Whole requests: a plan, and calls that are tried again and raced by hedges within their grants,
 * as the proxy makes them. What must hold in each. A failure names the seed that shows it again:
 * HOURGLASS_SEED=... in the environment. */
#include "budget/hedge.h"
#include "budget/plan.h"
#include "budget/retry.h"

#include <stdlib.h>
#include <time.h>

#include <criterion/criterion.h>

#include "test/support/dice.h"
#include "test/support/model.h"

enum { REQUESTS_PER_TEST = 10000, EVENTS_MAX = 5000 };

/* The one upstream of all calls of all requests of a test. */
struct upstream {
    struct lately lately;
    struct allowance retries;
    struct allowance hedges;
    long retried;
    long hedged;
    long hedges_won;
};

struct attempt {
    bool is_running;
    bool is_good;
    struct instant started;
    struct instant over;
    struct attempt_result result;
};

struct call {
    struct retry_policy retry_policy;
    struct hedge_policy hedge_policy;
    struct retry retry;
    struct hedge hedge;
    struct attempt attempts[2]; /* the second: a hedge */
    struct instant again_at;    /* between two attempts; else never */
    struct instant hedge_at;
    unsigned begun;
    unsigned ended;
    unsigned won;
};

struct game {
    uint64_t seed;
    struct dice dice;
    int failing; /* percent of the attempts */
    bool late;   /* what happens is noticed some time after it did */
    struct upstream *upstream;
    struct model model;
    struct ledger_entry ledger[PLAN_CALLS_MAX];
    struct call calls[PLAN_CALLS_MAX];
    struct plan plan;
    struct instant now;
};

static struct span reserve(const struct game *game)
{
    return model_reserve(&game->model, game->plan.budget);
}

/* ---- an attempt ------------------------------------------------------------------------------- */

static struct attempt_result draw_result(struct game *game, bool is_good)
{
    static const enum call_outcome failures[] = {CALL_REFUSED, CALL_BROKEN, CALL_STATUS};
    static const int statuses[] = {404, 429, 503, 504};
    struct attempt_result result = {.outcome = CALL_OK, .status = 200};

    if (is_good)
        return result;
    result.outcome = failures[dice_to(&game->dice, 2)];
    result.status = result.outcome == CALL_STATUS ? statuses[dice_to(&game->dice, 3)] : 0;
    if (result.outcome == CALL_STATUS && dice_chance(&game->dice, 20))
        result.retry_after = dice_span(&game->dice, span_s(1));
    result.ran_out = result.status == 504 && dice_chance(&game->dice, 50);
    return result;
}

static void begin_attempt(struct game *game, size_t index, struct attempt *attempt)
{
    struct call *call = &game->calls[index];
    struct instant due = retry_attempt_due(&call->retry, game->now);
    struct instant grant_over = ledger_due(&game->ledger[index]);
    struct span most = span_scale(game->ledger[index].granted, 3, 4);

    HOLDS(game, game->now.ns < grant_over.ns);
    HOLDS(game, due.ns > game->now.ns && due.ns <= grant_over.ns);
    HOLDS(game, grant_over.ns <= game->plan.hard.ns - reserve(game).ns);
    HOLDS(game, span_covers(span_until(grant_over, game->now), game->model.calls[index].min));
    HOLDS(game, !attempt->is_running);
    *attempt = (struct attempt){.is_running = true, .started = game->now};
    attempt->is_good = !dice_chance(&game->dice, game->failing);
    attempt->result = draw_result(game, attempt->is_good);
    attempt->result.told_all = due.ns == grant_over.ns;
    attempt->over = instant_after(game->now, dice_span(&game->dice, most));
    if (attempt->over.ns > due.ns) {
        attempt->is_good = false;
        attempt->result.outcome = CALL_TIMEOUT;
        attempt->over = due;
    }
    call->begun++;
    game->ledger[index].attempts++;
}

static void end_attempt(struct game *game, struct call *call, struct attempt *attempt)
{
    HOLDS(game, attempt->is_running);
    attempt->is_running = false;
    call->ended++;
    lately_note(&game->upstream->lately, span_since(attempt->started, game->now));
}

/* ---- a call ----------------------------------------------------------------------------------- */

/* Whatever runs is cancelled. */
static void end_call(struct game *game, size_t index, enum call_outcome outcome)
{
    struct call *call = &game->calls[index];

    for (size_t i = 0; i < 2; i++) {
        if (call->attempts[i].is_running)
            end_attempt(game, call, &call->attempts[i]);
    }
    ledger_end(&game->ledger[index], outcome, game->now);
    HOLDS(game, call->begun == call->ended);
    HOLDS(game, call->won == (outcome == CALL_OK ? 1 : 0));
    HOLDS(game, call->begun <= 1 + call->retry_policy.retries + (call->hedge.begun ? 1 : 0));
    HOLDS(game, game->late || game->now.ns <= ledger_due(&game->ledger[index]).ns);
}

static void draw_call(struct game *game, size_t index)
{
    struct call *call = &game->calls[index];
    struct span granted = game->ledger[index].granted;

    *call = (struct call){.again_at = INSTANT_NEVER, .hedge_at = INSTANT_NEVER};
    call->retry_policy = (struct retry_policy){
        .retries = (unsigned)dice_to(&game->dice, 4),
        .on = retry_on_default(),
        .min = game->model.calls[index].min,
        .attempt = SPAN_FOREVER,
        .backoff = dice_span(&game->dice, span_scale(granted, 1, 5)),
    };
    if (dice_chance(&game->dice, 50))
        call->retry_policy.attempt = span_add(span_us(1), dice_span(&game->dice, granted));
    call->hedge_policy = (struct hedge_policy){
        .kind = (enum hedge_kind)dice_to(&game->dice, HEDGE_LATELY),
        .delay = dice_span(&game->dice, granted),
        .percent = 50 + (unsigned)dice_to(&game->dice, 49),
    };
    call->retry = (struct retry){
        .policy = &call->retry_policy,
        .allowance = &game->upstream->retries,
        .by = ledger_due(&game->ledger[index]),
        .safe = dice_chance(&game->dice, 90),
        .replayable = dice_chance(&game->dice, 90),
    };
    call->hedge = (struct hedge){
        .policy = &call->hedge_policy,
        .lately = &game->upstream->lately,
        .allowance = &game->upstream->hedges,
    };
}

static void try_call(struct game *game, size_t index)
{
    struct call *call = &game->calls[index];

    call->again_at = INSTANT_NEVER;
    begin_attempt(game, index, &call->attempts[0]);
    call->hedge_at = hedge_due(&call->hedge, &call->retry, game->now);
}

static void start_call(struct game *game, size_t index)
{
    draw_call(game, index);
    allowance_earn(&game->upstream->retries);
    allowance_earn(&game->upstream->hedges);
    HOLDS(game, game->now.ns <= plan_start_by(&game->plan, index).ns);
    try_call(game, index);
}

/* An attempt is over. */
static void on_attempt_end(struct game *game, size_t index, struct attempt *attempt)
{
    struct call *call = &game->calls[index];
    struct attempt *other = &call->attempts[attempt == &call->attempts[0] ? 1 : 0];
    struct retry_decision decision;

    end_attempt(game, call, attempt);
    if (attempt->is_good) {
        call->won++;
        if (attempt == &call->attempts[1])
            game->upstream->hedges_won++;
        end_call(game, index, CALL_OK);
        return;
    }
    if (other->is_running)
        return; /* it may still win */
    uint64_t random = (uint64_t)dice_to(&game->dice, UINT32_MAX) << 32;
    decision = retry_decide(&call->retry, &attempt->result, random, game->now);
    if (decision.verdict != RETRY_AFTER) {
        end_call(game, index, attempt->result.outcome);
        return;
    }
    game->upstream->retried++;
    call->hedge_at = INSTANT_NEVER;
    call->again_at = instant_after(game->now, decision.delay);
    HOLDS(game, call->again_at.ns < ledger_due(&game->ledger[index]).ns);
}

static void on_pause_end(struct game *game, size_t index)
{
    if (retry_attempt_fits(&game->calls[index].retry, game->now))
        try_call(game, index);
    else
        end_call(game, index, CALL_TIMEOUT);
}

static void on_hedge_due(struct game *game, size_t index)
{
    struct call *call = &game->calls[index];

    call->hedge_at = INSTANT_NEVER;
    if (!hedge_begin(&call->hedge, &call->retry, game->now))
        return;
    HOLDS(game, call->attempts[0].is_running && call->retry.safe && call->retry.replayable);
    game->upstream->hedged++;
    begin_attempt(game, index, &call->attempts[1]);
}

/* ---- a request -------------------------------------------------------------------------------- */

static struct instant call_due(const struct call *call)
{
    struct instant due = instant_min(call->again_at, call->hedge_at);

    for (size_t i = 0; i < 2; i++) {
        if (call->attempts[i].is_running)
            due = instant_min(due, call->attempts[i].over);
    }
    return due;
}

/* What comes next of a call, comes. */
static void serve_call(struct game *game, size_t index)
{
    struct call *call = &game->calls[index];

    for (size_t i = 0; i < 2; i++) {
        struct attempt *attempt = &call->attempts[i];
        if (attempt->is_running && instant_reached(attempt->over, game->now)) {
            on_attempt_end(game, index, attempt);
            return;
        }
    }
    if (instant_reached(call->again_at, game->now))
        on_pause_end(game, index);
    else
        on_hedge_due(game, index);
}

/* The first thing that happens, happens. */
static void pass_time(struct game *game)
{
    int first = NO_CALL;

    for (size_t i = 0; i < game->model.policy.calls_count; i++) {
        if (game->ledger[i].outcome == CALL_RUNNING &&
            (first == NO_CALL || call_due(&game->calls[i]).ns < call_due(&game->calls[first]).ns))
            first = (int)i;
    }
    HOLDS(game, first != NO_CALL);
    HOLDS(game, call_due(&game->calls[first]).ns <= ledger_due(&game->ledger[first]).ns);
    game->now = instant_max(game->now, call_due(&game->calls[first]));
    if (game->late && dice_chance(&game->dice, 20))
        game->now =
            instant_after(game->now, dice_span(&game->dice, span_scale(game->plan.budget, 1, 20)));
    serve_call(game, (size_t)first);
}

static void start_calls(struct game *game, struct step_policy step)
{
    for (size_t i = step.first; i < step.first + step.count; i++) {
        if (game->ledger[i].outcome == CALL_RUNNING)
            start_call(game, i);
    }
}

static void cancel_all(struct game *game)
{
    for (size_t i = 0; i < game->model.policy.calls_count; i++) {
        if (game->ledger[i].outcome == CALL_RUNNING)
            end_call(game, i, CALL_CANCELLED);
    }
}

/* True: it was answered. */
static bool play(struct game *game)
{
    struct decision decision;

    model_draw(&game->model, &game->dice, 30);
    plan_open(&game->plan, &game->model.policy, game->ledger, NULL, game->now);
    for (int i = 0; i < EVENTS_MAX; i++) {
        decision = plan_next(&game->plan, game->now);
        if (decision.kind == DECIDE_CALL) {
            start_calls(game, decision.step);
        } else if (decision.kind == DECIDE_WAIT) {
            pass_time(game);
        } else {
            cancel_all(game);
            HOLDS(game, game->late || game->now.ns <= game->plan.calls_by.ns);
            return decision.kind == DECIDE_ANSWER;
        }
    }
    cr_assert_fail("HOURGLASS_SEED=%llu: it does not end", (unsigned long long)game->seed);
    return false;
}

static void play_many(int failing, bool late)
{
    const char *given = getenv("HOURGLASS_SEED");
    uint64_t first = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL) * REQUESTS_PER_TEST;
    struct upstream upstream = {0};
    int answered = 0;

    lately_init(&upstream.lately);
    allowance_init(&upstream.retries, SHARE_WHOLE / 2);
    allowance_init(&upstream.hedges, SHARE_WHOLE / 5);
    for (uint64_t i = 0; i < REQUESTS_PER_TEST; i++) {
        struct game game = {.seed = first, .failing = failing, .late = late, .upstream = &upstream};

        game.dice.state = first + i;
        answered += play(&game);
    }
    cr_assert(answered > REQUESTS_PER_TEST / 20, "too little is answered: %d", answered);
    cr_assert(upstream.retried > REQUESTS_PER_TEST / 20, "%ld retries", upstream.retried);
    cr_assert(upstream.hedged > REQUESTS_PER_TEST / 20, "%ld hedges", upstream.hedged);
    cr_assert(upstream.hedges_won > 0);
}

Test(call_properties, attempts_retries_and_hedges_stay_within_their_grants)
{
    play_many(10, false);
}

Test(call_properties, failures_are_tried_again_and_stood_in_for_within_the_budget)
{
    play_many(50, false);
}

Test(call_properties, what_is_noticed_late_starts_nothing_after_its_grant)
{
    play_many(30, true);
}
