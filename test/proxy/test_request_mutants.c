/* Thousands of requests that are not quite valid: whatever the program accepts of them it frames as
 * an independent reader of RFC 9112 does, and after a refusal the connection is over. A failure
 * names the seed that shows it again: HOURGLASS_SEED=... in the environment. */
#include <criterion/criterion.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "test/support/delivery.h"
#include "test/support/matrix.h"
#include "test/support/mutant.h"
#include "test/support/volley.h"

TestSuite(request_mutants, .timeout = 600);

enum { MUTANTS = 6000, BATCH = 100 };

struct game {
    struct world *world;
    struct echo *echo;
    uint64_t seed; /* of the first mutant of the batch */
    struct mutant mutants[BATCH];
    struct shot shots[BATCH];
    size_t accepted;
};

/* Bytes as C would write them. */
static void print_bytes(const char *title, struct text bytes)
{
    fprintf(stderr, "%s: ", title);
    for (size_t i = 0; i < bytes.count; i++) {
        unsigned char byte = (unsigned char)bytes.at[i];
        if (byte == '\r' || byte == '\n')
            fputs(byte == '\r' ? "\\r" : "\\n", stderr);
        else if (isprint(byte))
            fputc(byte, stderr);
        else
            fprintf(stderr, "\\x%02x", byte);
    }
    fputc('\n', stderr);
}

static size_t draw_cut(struct dice *dice, size_t count)
{
    if (dice_chance(dice, 40))
        return SHOT_WHOLE;
    return dice_chance(dice, 20) ? SHOT_BYTES : (size_t)dice_to(dice, (int64_t)count);
}

static void draw(struct game *game)
{
    static const struct text sentinel = {"GET /end HTTP/1.1\r\nHost: e\r\n\r\n", 30};

    for (size_t i = 0; i < BATCH; i++) {
        struct dice dice = {.state = game->seed + i};
        struct mutant *mutant = &game->mutants[i];

        mutant_draw(mutant, &dice);
        if (sentinel.count <= MUTANT_MAX - mutant->count) {
            memcpy(mutant->bytes + mutant->count, sentinel.at, sentinel.count);
            mutant->count += sentinel.count;
        }
        game->shots[i] = (struct shot){.bytes = {mutant->bytes, mutant->count},
                                       .cut = draw_cut(&dice, mutant->count)};
    }
}

/* Returns how many answers came from upstream. */
static size_t judge(struct game *game, size_t i)
{
    static struct delivery delivery;
    const struct shot *shot = &game->shots[i];

    delivery_judge(&delivery, shot->bytes, shot->heard, shot->heard_count);
    game->accepted += delivery.echoes > 0;
    if (delivery.fault == NULL)
        return delivery.echoes;
    print_bytes("sent", shot->bytes);
    print_bytes("heard", (struct text){shot->heard, shot->heard_count});
    cr_assert_fail("HOURGLASS_SEED=%llu, cut at %zu: %s", (unsigned long long)(game->seed + i),
                   shot->cut, delivery.fault);
    return 0;
}

static void play(struct game *game)
{
    size_t before = echo_requests(game->echo);
    size_t echoes = 0;

    draw(game);
    volley_fire(world_address(game->world, 0), game->shots, BATCH);
    for (size_t i = 0; i < BATCH; i++)
        echoes += judge(game, i);
    cr_assert_eq(echo_requests(game->echo) - before, echoes,
                 "HOURGLASS_SEED=%llu: %zu requests arrived, %zu were answered",
                 (unsigned long long)game->seed, echo_requests(game->echo) - before, echoes);
    volley_forget(game->shots, BATCH);
}

Test(request_mutants, what_is_accepted_is_framed_as_the_rfc_says)
{
    static struct game game;
    const char *seed = getenv("HOURGLASS_SEED");
    uint64_t first = seed != NULL ? strtoull(seed, NULL, 10) : (uint64_t)time(NULL) * MUTANTS;

    game.echo = echo_start();
    game.world = matrix_start(game.echo, "max-header = 1KiB\n");
    for (game.seed = first; game.seed < first + MUTANTS; game.seed += BATCH)
        play(&game);
    cr_expect_gt(game.accepted, (size_t)MUTANTS / 20, "%zu were accepted: too few to mean much",
                 game.accepted);
    cr_expect_lt(game.accepted, (size_t)MUTANTS * 19 / 20, "%zu were accepted", game.accepted);
    cr_log_info("seed %llu: %zu of %d accepted", (unsigned long long)first, game.accepted, MUTANTS);
    world_stop(game.world);
    echo_stop(game.echo);
}
