#include "proxy/phase.h"

bool phase_may_follow(enum phase phase, enum phase next)
{
    static const unsigned may_follow[] = {
        [PHASE_GATHERING] = 1u << PHASE_ARRIVED,
        [PHASE_CALLING] = 1u << PHASE_ARRIVED | 1u << PHASE_GATHERING,
        [PHASE_REPLYING] = 1u << PHASE_CALLING,
        [PHASE_SENDING] = 1u << PHASE_ARRIVED | 1u << PHASE_GATHERING | 1u << PHASE_CALLING |
                          1u << PHASE_REPLYING,
        [PHASE_FINISHED] = 1u << PHASE_GATHERING | 1u << PHASE_CALLING | 1u << PHASE_REPLYING |
                           1u << PHASE_SENDING,
    };

    return may_follow[next] & 1u << phase;
}
