#include "test/support/dice.h"

/* splitmix64 */
static uint64_t next(struct dice *dice)
{
    uint64_t z = dice->state += 0x9e3779b97f4a7c15;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

int64_t dice_to(struct dice *dice, int64_t most)
{
    return (int64_t)(next(dice) % ((uint64_t)most + 1));
}

bool dice_chance(struct dice *dice, int percent)
{
    return dice_to(dice, 99) < percent;
}

struct span dice_span(struct dice *dice, struct span most)
{
    return (struct span){.ns = dice_to(dice, most.ns)};
}
