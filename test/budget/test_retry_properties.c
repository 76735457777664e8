/* Random calls, played through with random outcomes and times: what must hold in each. A failure
 * names the seed that shows it again: HOURGLASS_SEED=... in the environment. */
#include "budget/hedge.h"
#include "budget/retry.h"

#include <stdlib.h>
#include <time.h>

#include <criterion/criterion.h>

#include "test/support/dice.h"

enum { CALLS_PER_TEST = 20000 };

#define HOLDS(game, condition)                                                                   \
    do {                                                                                         \
        if (!(condition))                                                                        \
            cr_assert_fail("HOURGLASS_SEED=%llu, call %lld, line %d: %s",                        \
                           (unsigned long long)(game)->seed, (long long)(game)->calls, __LINE__, \
                           #condition);                                                          \
    } while (0)

/* An upstream as the proxy knows it, and what the test counts of it. */
struct game {
    uint64_t seed;
    struct dice dice;
    int failing; /* percent of the attempts */
    bool late;   /* timers and ends are noticed some time after they are due */
    struct lately lately;
    struct allowance retries;
    struct allowance hedges;
    int64_t calls;
    int64_t retried;
    int64_t hedged;
    struct instant now;
};

/* One call of it. */
struct play {
    struct game *game;
    struct retry_policy retry_policy;
    struct hedge_policy hedge_policy;
    struct retry retry;
    struct hedge hedge;
    struct instant started;
    unsigned attempts;
    struct span busy; /* attempts and waits one after another, without lateness */
};

/* An attempt under way: what it will come to, and when. */
struct running {
    struct instant over;
    struct attempt_result result;
    bool good;
};

static uint64_t draw_bits(struct dice *dice)
{
    return (uint64_t)dice_to(dice, UINT32_MAX) << 32 | (uint64_t)dice_to(dice, UINT32_MAX);
}

static void draw_retry_on(struct game *game, struct retry_on *on)
{
    static const char *const words[] = {"connect", "timeout", "unsafe", "429", "500", "502", "503"};

    *on = (struct retry_on){0};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (dice_chance(&game->dice, 70))
            cr_assert(retry_on_add(on, words[i]));
    }
}

static void draw_policies(struct play *play)
{
    struct game *game = play->game;
    struct dice *dice = &game->dice;

    play->retry_policy = (struct retry_policy){
        .retries = (unsigned)dice_to(dice, dice_chance(dice, 10) ? 1000 : 5),
        .min = dice_span(dice, span_ms(dice_chance(dice, 30) ? 0 : 50)),
        .attempt = SPAN_FOREVER,
        .backoff = dice_span(dice, span_ms(dice_to(dice, 20))),
    };
    draw_retry_on(game, &play->retry_policy.on);
    if (dice_chance(dice, 50))
        play->retry_policy.attempt = span_add(span_ms(1), dice_span(dice, span_ms(300)));
    play->hedge_policy = (struct hedge_policy){
        .kind = (enum hedge_kind)dice_to(dice, HEDGE_LATELY),
        .delay = dice_span(dice, span_ms(300)),
        .percent = 1 + (unsigned)dice_to(dice, 99),
    };
}

static void draw_call(struct play *play, struct game *game)
{
    *play = (struct play){.game = game, .started = game->now};
    draw_policies(play);
    play->retry = (struct retry){
        .policy = &play->retry_policy,
        .allowance = &game->retries,
        .by = instant_after(game->now, dice_span(&game->dice, span_s(1))),
        .safe = dice_chance(&game->dice, 80),
        .replayable = dice_chance(&game->dice, 90),
    };
    play->hedge = (struct hedge){
        .policy = &play->hedge_policy,
        .lately = &game->lately,
        .allowance = &game->hedges,
    };
}

/* Something was due then; now is when it is noticed. */
static void advance(struct game *game, struct instant due)
{
    game->now = instant_max(game->now, due);
    if (game->late && dice_chance(&game->dice, 30))
        game->now = instant_after(game->now, dice_span(&game->dice, span_ms(20)));
}

static struct attempt_result draw_result(struct play *play, bool good)
{
    static const enum call_outcome failures[] = {CALL_REFUSED,   CALL_BROKEN, CALL_INVALID,
                                                 CALL_DNS_ERROR, CALL_STATUS, CALL_STATUS};
    static const int statuses[] = {404, 429, 500, 502, 503, 504};
    struct dice *dice = &play->game->dice;
    struct attempt_result result = {.outcome = CALL_OK, .status = 200};

    if (good)
        return result;
    result.outcome = failures[dice_to(dice, 5)];
    result.status = result.outcome == CALL_STATUS ? statuses[dice_to(dice, 5)] : 0;
    if (result.outcome == CALL_STATUS && dice_chance(dice, 20))
        result.retry_after = dice_span(dice, span_s(2));
    result.ran_out = result.status == 504 && dice_chance(dice, 50);
    return result;
}

static struct running start(struct play *play)
{
    struct game *game = play->game;
    struct instant due = retry_attempt_due(&play->retry, game->now);
    struct span left = span_until(play->retry.by, game->now);
    struct running running = {.good = !dice_chance(&game->dice, game->failing)};

    HOLDS(game, game->now.ns < play->retry.by.ns);
    HOLDS(game, span_covers(left, play->retry_policy.min));
    HOLDS(game, due.ns > game->now.ns && due.ns <= play->retry.by.ns);
    HOLDS(game, span_covers(play->retry_policy.attempt, span_until(due, game->now)));
    play->attempts++;
    running.over = instant_after(game->now, dice_span(&game->dice, span_ms(400)));
    running.result = draw_result(play, running.good);
    running.result.told_all = due.ns == play->retry.by.ns;
    if (running.over.ns > due.ns) {
        running.good = false;
        running.over = due;
        running.result.outcome = CALL_TIMEOUT;
        running.result.ran_out = false;
    }
    return running;
}

/* The first good one wins; without one, the last end counts. */
static struct running race(struct running a, struct running b)
{
    if (a.good != b.good)
        return a.good ? a : b;
    return (a.over.ns < b.over.ns) == a.good ? a : b;
}

/* An attempt, and its hedge if it comes to that. */
static struct attempt_result attempt(struct play *play)
{
    struct game *game = play->game;
    struct instant started = game->now;
    struct running running = start(play);
    struct instant due = hedge_due(&play->hedge, &play->retry, started);

    if (due.ns < running.over.ns) {
        struct instant over = running.over;

        advance(game, due);
        if (game->now.ns < over.ns && hedge_begin(&play->hedge, &play->retry, game->now)) {
            HOLDS(game, play->retry.safe && play->retry.replayable);
            HOLDS(game, play->hedge_policy.kind != HEDGE_OFF);
            game->hedged++;
            running = race(running, start(play));
        }
        HOLDS(game, running.good || running.over.ns >= over.ns);
    }
    play->busy = span_add(play->busy, span_until(running.over, started));
    lately_note(&game->lately, span_until(running.over, started));
    advance(game, running.over);
    return running.result;
}

/* What the contract says of a retry that was granted. */
static void check_retry(const struct play *play, const struct attempt_result *result,
                        struct span delay)
{
    const struct game *game = play->game;
    const struct retry_policy *policy = &play->retry_policy;

    HOLDS(game, result->outcome != CALL_OK);
    HOLDS(game, !(result->ran_out && result->told_all));
    HOLDS(game, play->retry.safe || policy->on.unsafe);
    HOLDS(game, play->retry.replayable);
    HOLDS(game, play->retry.retries <= policy->retries);
    HOLDS(game, span_covers(delay, result->retry_after));
    HOLDS(game, span_covers(span_until(play->retry.by, game->now), span_add(delay, policy->min)));
}

/* Nothing is refused without need: what of it can be told without knowing the backoff drawn. */
static void check_refusal(const struct play *play, const struct attempt_result *result,
                          enum retry_verdict verdict)
{
    const struct game *game = play->game;
    const struct retry_policy *policy = &play->retry_policy;
    struct span left = span_until(play->retry.by, game->now);
    int64_t doubled = INT64_C(1) << (play->retry.retries < 40 ? play->retry.retries : 40);
    struct span backoff = span_of(policy->backoff.ns, doubled);
    struct span most = span_add(backoff, policy->min);

    if (verdict == RETRY_NO_TIME)
        HOLDS(game, left.ns <= most.ns);
    if (verdict == RETRY_NO_RETRY_AFTER)
        HOLDS(game, left.ns <= span_add(result->retry_after, policy->min).ns);
    if (verdict == RETRY_NO_ALLOWANCE)
        HOLDS(game, game->retries.banked < SHARE_WHOLE);
    if (verdict == RETRY_NO_ATTEMPTS)
        HOLDS(game, play->attempts > policy->retries);
}

static bool wait_for_retry(struct play *play, const struct attempt_result *result)
{
    struct game *game = play->game;
    struct retry_decision decision =
        retry_decide(&play->retry, result, draw_bits(&game->dice), game->now);

    if (decision.verdict != RETRY_AFTER) {
        HOLDS(game, span_is_none(decision.delay));
        check_refusal(play, result, decision.verdict);
        return false;
    }
    check_retry(play, result, decision.delay);
    game->retried++;
    play->busy = span_add(play->busy, decision.delay);
    advance(game, instant_after(game->now, decision.delay));
    return retry_attempt_fits(&play->retry, game->now);
}

static void check_end(const struct play *play)
{
    const struct game *game = play->game;
    struct span grant = span_until(play->retry.by, play->started);

    HOLDS(game, play->attempts <= 1 + play->retry_policy.retries + (play->hedge.begun ? 1 : 0));
    HOLDS(game, span_covers(grant, play->busy));
    HOLDS(game, game->late || game->now.ns <= play->retry.by.ns);
    HOLDS(game,
          (game->retried - ALLOWANCE_FLOOR) * SHARE_WHOLE <= game->calls * game->retries.share);
    HOLDS(game, (game->hedged - ALLOWANCE_FLOOR) * SHARE_WHOLE <= game->calls * game->hedges.share);
}

static void play_call(struct game *game)
{
    struct play play;
    struct attempt_result result;

    draw_call(&play, game);
    game->calls++;
    allowance_earn(&game->retries);
    allowance_earn(&game->hedges);
    if (!retry_attempt_fits(&play.retry, game->now))
        return;
    do {
        result = attempt(&play);
    } while (wait_for_retry(&play, &result));
    check_end(&play);
}

static struct game game_of(int failing, bool late)
{
    const char *given = getenv("HOURGLASS_SEED");
    struct game game = {.failing = failing, .late = late};

    game.seed = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
    game.dice.state = game.seed;
    lately_init(&game.lately);
    allowance_init(&game.retries, ALLOWANCE_RETRIES);
    allowance_init(&game.hedges, ALLOWANCE_HEDGES);
    return game;
}

static void play_calls(struct game *game)
{
    for (int i = 0; i < CALLS_PER_TEST; i++)
        play_call(game);
}

Test(retry_properties, an_upstream_that_fails_now_and_then_is_tried_again_inside_each_grant)
{
    struct game game = game_of(5, false);

    play_calls(&game);
    HOLDS(&game, game.retried > 0 && game.hedged > 0);
}

Test(retry_properties, an_upstream_that_fails_always_gets_no_more_than_the_share_of_retries)
{
    struct game game = game_of(100, false);

    play_calls(&game);
    HOLDS(&game, game.retried * SHARE_WHOLE >= game.calls * game.retries.share / 2);
}

Test(retry_properties, late_timers_start_nothing_after_the_grant)
{
    struct game game = game_of(50, true);

    play_calls(&game);
    HOLDS(&game, game.retried > 0 && game.hedged > 0);
}
