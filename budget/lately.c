#include "budget/lately.h"

#include <assert.h>
#include <string.h>

static_assert(LATELY_FULL <= UINT16_MAX, "a count holds all samples");
static_assert(LATELY_FULL / 2 >= LATELY_ENOUGH, "fading does not take the answer away");

void lately_init(struct lately *lately)
{
    memset(lately, 0, sizeof *lately);
}

static unsigned bucket_of(struct span took)
{
    uint64_t units = (uint64_t)took.ns >> LATELY_UNIT_BITS;
    unsigned octave;

    if (units < LATELY_FINE)
        return (unsigned)units;
    octave = 63 - LATELY_FINE_BITS - (unsigned)__builtin_clzll(units);
    if (octave >= LATELY_OCTAVES)
        return LATELY_BUCKETS - 1;
    return LATELY_FINE * octave + (unsigned)(units >> octave);
}

/* Where the bucket ends and the next begins. */
static struct span bucket_end(unsigned bucket)
{
    unsigned octave = bucket < LATELY_FINE ? 0 : bucket / LATELY_FINE - 1;
    int64_t units = (int64_t)(bucket - LATELY_FINE * octave + 1) << octave;

    return span_of(units, LATELY_UNIT_NS);
}

/* What is lost by halving an odd count is carried on to the next bucket. Rounding each count down
 * by itself would wipe out the long tail, where buckets hold one sample each, and with it the
 * percentiles that are asked for. */
static void fade(struct lately *lately)
{
    unsigned carried = 0;

    memset(lately->groups, 0, sizeof lately->groups);
    for (unsigned i = 0; i < LATELY_BUCKETS; i++) {
        carried += lately->counts[i];
        lately->counts[i] = (uint16_t)(carried / 2);
        lately->groups[i / LATELY_FINE] += lately->counts[i];
        carried %= 2;
    }
    lately->total /= 2;
}

void lately_note(struct lately *lately, struct span took)
{
    unsigned bucket = bucket_of(took);

    lately->counts[bucket]++;
    lately->groups[bucket / LATELY_FINE]++;
    lately->total++;
    if (lately->total == LATELY_FULL)
        fade(lately);
}

bool lately_percentile(const struct lately *lately, unsigned percent, struct span *ret_took)
{
    unsigned above = lately->total - (lately->total * percent + 99) / 100;
    unsigned group = LATELY_GROUPS - 1;
    unsigned bucket, seen = 0;

    assert(percent >= 1 && percent <= 100);
    if (lately->total < LATELY_ENOUGH)
        return false;
    /* From the long end, which is nearer for the percentiles that people ask for. */
    while (seen + lately->groups[group] <= above)
        seen += lately->groups[group--];
    bucket = (group + 1) * LATELY_FINE - 1;
    for (seen += lately->counts[bucket]; seen <= above; seen += lately->counts[bucket])
        bucket--;
    *ret_took = bucket_end(bucket);
    return true;
}
