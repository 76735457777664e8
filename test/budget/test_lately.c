#include "budget/lately.h"

#include <signal.h>
#include <stdlib.h>

#include <criterion/criterion.h>

#include "test/support/dice.h"

static struct lately nothing_noted(void)
{
    struct lately lately;

    lately_init(&lately);
    return lately;
}

static void note_times(struct lately *lately, struct span took, int times)
{
    for (int i = 0; i < times; i++)
        lately_note(lately, took);
}

static struct span percentile(const struct lately *lately, unsigned percent)
{
    struct span took = SPAN_NONE;

    cr_assert(lately_percentile(lately, percent, &took));
    return took;
}

/* As wide as a bucket may be at this length. */
static struct span precision_at(struct span took)
{
    return span_add(span_scale(took, 1, LATELY_FINE), span_of(1, LATELY_UNIT_NS));
}

static void expect_about(struct span found, struct span exact)
{
    cr_expect_gt(found.ns, exact.ns, "%lld ns for %lld ns", (long long)found.ns,
                 (long long)exact.ns);
    cr_expect_leq(found.ns, span_add(exact, precision_at(exact)).ns, "%lld ns for %lld ns",
                  (long long)found.ns, (long long)exact.ns);
}

Test(lately, there_is_no_answer_before_twenty_samples)
{
    struct lately lately = nothing_noted();
    struct span took = span_ms(7);

    for (int i = 1; i < LATELY_ENOUGH; i++) {
        lately_note(&lately, span_ms(10));
        cr_assert_not(lately_percentile(&lately, 95, &took));
    }
    cr_assert_eq(took.ns, span_ms(7).ns, "nothing is written without an answer");
    lately_note(&lately, span_ms(10));
    cr_assert(lately_percentile(&lately, 95, &took));
}

Test(lately, an_answer_is_never_too_short_and_at_most_a_bucket_too_long)
{
    static const struct span samples[] = {
        {0},
        {1},
        {2047},
        {2048},
        {65535},
        {65536},
        {99999},
        {100000},
        {123456},
        {999999},
        {1000000},
        {2097151},
        {2097152},
        {17000000},
        {80000000},
        {250000000},
        {999999999},
        {INT64_C(30000000000)},
        {INT64_C(60000000000)},
    };

    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        struct lately lately = nothing_noted();

        note_times(&lately, samples[i], 100);
        expect_about(percentile(&lately, 1), samples[i]);
        expect_about(percentile(&lately, 95), samples[i]);
        expect_about(percentile(&lately, 100), samples[i]);
    }
}

Test(lately, every_bucket_ends_where_the_next_begins)
{
    struct span end = SPAN_NONE;

    for (int i = 0; i < LATELY_BUCKETS; i++) {
        struct lately lately = nothing_noted();
        struct span before = end;

        note_times(&lately, before, LATELY_ENOUGH);
        end = percentile(&lately, 50);
        cr_assert_gt(end.ns, before.ns, "bucket %d", i);
        lately_init(&lately);
        note_times(&lately, (struct span){.ns = end.ns - 1}, LATELY_ENOUGH);
        cr_assert_eq(percentile(&lately, 50).ns, end.ns, "bucket %d", i);
    }
    cr_assert_geq(end.ns, span_s(60).ns);
}

Test(lately, what_is_longer_than_the_last_bucket_counts_as_that)
{
    struct lately lately = nothing_noted();

    note_times(&lately, span_s(100), 10);
    note_times(&lately, SPAN_FOREVER, 10);
    cr_assert_eq(percentile(&lately, 50).ns, INT64_C(1) << 36);
    cr_assert_eq(percentile(&lately, 100).ns, INT64_C(1) << 36);
}

Test(lately, a_percentile_is_what_so_many_samples_did_not_exceed)
{
    struct lately lately = nothing_noted();

    note_times(&lately, span_ms(10), 95);
    note_times(&lately, span_ms(500), 5);
    expect_about(percentile(&lately, 50), span_ms(10));
    expect_about(percentile(&lately, 95), span_ms(10));
    expect_about(percentile(&lately, 96), span_ms(500));
}

static int longer_first(const void *a, const void *b)
{
    const struct span *one = a, *other = b;

    return (one->ns < other->ns) - (one->ns > other->ns);
}

/* Many are short, few are long, as it is with upstreams. */
static struct span draw_skewed(struct dice *dice)
{
    return dice_span(dice, span_us(INT64_C(100) << dice_to(dice, dice_to(dice, 18))));
}

Test(lately, percentiles_agree_with_a_sorted_list)
{
    enum { SAMPLES = LATELY_FULL - 1 };
    struct dice dice = {.state = 95};

    for (int run = 0; run < 100; run++) {
        struct lately lately = nothing_noted();
        struct span list[SAMPLES];

        for (int i = 0; i < SAMPLES; i++) {
            list[i] = draw_skewed(&dice);
            lately_note(&lately, list[i]);
        }
        qsort(list, SAMPLES, sizeof list[0], longer_first);
        for (int percent = 1; percent <= 100; percent++) {
            int not_exceeded = (SAMPLES * percent + 99) / 100;

            expect_about(percentile(&lately, (unsigned)percent), list[SAMPLES - not_exceeded]);
        }
    }
}

Test(lately, old_samples_fade)
{
    struct lately lately = nothing_noted();

    note_times(&lately, span_ms(500), 100000);
    expect_about(percentile(&lately, 95), span_ms(500));
    note_times(&lately, span_ms(5), 5 * LATELY_FULL);
    expect_about(percentile(&lately, 95), span_ms(5));
    note_times(&lately, span_ms(500), LATELY_FULL / 10);
    expect_about(percentile(&lately, 95), span_ms(500));
}

/* Each slow sample is alone in its bucket, where halving could lose it. */
Test(lately, a_long_thin_tail_does_not_fade_sooner_than_the_rest)
{
    struct lately lately = nothing_noted();
    int64_t slow = 0;

    for (int i = 0; i < 50 * LATELY_FULL; i++) {
        bool is_slow = i % 16 == 0;

        lately_note(&lately, is_slow ? span_ms(100 + slow++ % 400) : span_ms(2));
    }
    cr_assert_geq(percentile(&lately, 95).ns, span_ms(100).ns);
    expect_about(percentile(&lately, 93), span_ms(2));
}

Test(lately, the_total_stays_the_sum_of_the_counts)
{
    struct lately lately = nothing_noted();
    struct dice dice = {.state = 7};

    for (int i = 0; i < 20 * LATELY_FULL; i++) {
        unsigned sum = 0;

        lately_note(&lately, draw_skewed(&dice));
        for (int bucket = 0; bucket < LATELY_BUCKETS; bucket++)
            sum += lately.counts[bucket];
        cr_assert_eq(sum, lately.total, "after %d samples", i + 1);
    }
}

Test(lately, the_nought_percentile_is_a_mistake, .signal = SIGABRT)
{
    struct lately lately = nothing_noted();
    struct span took;

    note_times(&lately, span_ms(1), LATELY_ENOUGH);
    (void)!lately_percentile(&lately, 0, &took);
}
